//! Whether seeds change anything.

use pstar_core::shown;
use pstar_record::{ArmRecord, ArmStatus, Warning, Which};

/// Names at most in one warning.
const MOST_NAMES: usize = 5;

/// Says where all arms of a policy, objective and learning rate ended in the same parameters, to the bit, whatever their seed: they are
/// one arm, trained several times.
pub(super) fn without_effect(arms: &[ArmRecord]) -> Option<Warning> {
    let mut groups: Vec<(&ArmRecord, usize, bool)> = Vec::new();
    for arm in arms.iter().filter(|arm| arm.status == ArmStatus::Complete) {
        let known = |(first, _, _): &&mut (&ArmRecord, usize, bool)| {
            first.policy == arm.policy
                && first.objective == arm.objective
                && first.learning_rate.to_bits() == arm.learning_rate.to_bits()
        };
        match groups.iter_mut().find(known) {
            Some((first, seeds, same)) => {
                *seeds += 1;
                *same &= first.parameters_sha256 == arm.parameters_sha256;
            }
            None => groups.push((arm, 1, true)),
        }
    }
    groups.retain(|(_, seeds, _)| *seeds > 1);
    let same: Vec<&(&ArmRecord, usize, bool)> = groups.iter().filter(|(_, _, same)| *same).collect();
    let seeds = same.iter().map(|(_, seeds, _)| *seeds).max()?;
    let which = if same.len() == groups.len() {
        Which::All
    } else {
        let name = |(arm, _, _): &&(&ArmRecord, usize, bool)| {
            format!("{} · {}", shown(&arm.policy), shown(&arm.objective))
        };
        let mut names: Vec<String> = same.iter().map(name).collect();
        // Learning rates of one policy and objective stand side by side.
        names.dedup();
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        Which::Some { names, more }
    };
    Some(Warning::SeedsWithoutEffect { seeds, which })
}
