//! Machines whose arithmetic is another one than that of the machine on which a run was begun.

use pstar_lab::plan::{ArmKey, Plan};
use pstar_lab::run::instruction_set;
use pstar_record::Provenance;
use std::env::consts::{ARCH, OS};

/// The model of which all machines find the same bits.
const PORTABLE: &str = "ngram";

/// What is to be said of arms that are trained here; nothing where arithmetic is that of the machine on which the run was
/// begun. Of instruction sets only fused operations change bits.
pub(crate) fn difference(begun: &Provenance) -> Option<String> {
    let here = (format!("{OS} {ARCH}"), instruction_set());
    let there = (begun.platform.clone(), begun.instruction_set.clone());
    let fused = |set: &[String]| set.iter().any(|name| name == "fma");
    let told = |(platform, set): &(String, Vec<String>)| format!("{platform}: {}", set.join(", "));
    (here.0 != there.0 || fused(&here.1) != fused(&there.1)).then(|| {
        format!(
            "trained on a machine ({}) whose arithmetic is not that of the one on which the run was begun ({}): its last bits \
             may be others",
            told(&here),
            told(&there)
        )
    })
}

/// Whether all machines find the same bits of an arm, as far as is known.
pub(crate) fn is_portable(plan: &Plan, base: &str, arm: ArmKey) -> bool {
    base == PORTABLE && plan.policies[arm.policy].plugin == PORTABLE
}
