//! What a reader must know before reading on: what failed, what is missing, what cannot be read.

use crate::markup::Markup;
use crate::text::{LONG, SHORT, cut, isolated};
use crate::view::View;
use pstar_record::{ArmRecord, ArmStatus};

/// Failures that are told one by one.
const MOST_FAILURES: usize = 5;

/// Characters of a message.
const MESSAGE: usize = 300;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    let told = told(view);
    if told.is_empty() {
        return;
    }
    let is_whole = view.record.complete && view.record.failures() == 0 && !view.record.arms.is_empty();
    if is_whole {
        let told = format!("Note: {}.", told.join("; "));
        to.leaf("p", &[("class", &"note"), ("role", &"status")], told);
        return;
    }
    to.raw("<div class=\"status\" role=\"status\">").leaf("p", &[], "This run is not complete").raw("<ul>");
    for line in told {
        to.leaf("li", &[], line);
    }
    to.raw("</ul></div>\n");
}

fn told(view: &View<'_>) -> Vec<String> {
    let record = view.record;
    let mut told = Vec::new();
    if record.arms.is_empty() {
        told.push("no arm was trained: there is nothing to compare".into());
    }
    let failed: Vec<&ArmRecord> = record.arms.iter().filter(|arm| arm.status == ArmStatus::Failed).collect();
    if record.failures() > 0 {
        told.push(format!(
            "{} of {} arms failed; figures are of those that completed",
            record.failures(),
            record.arm_count()
        ));
    }
    told.extend(failed.iter().take(MOST_FAILURES).map(|arm| failure(arm)));
    if failed.len() > MOST_FAILURES {
        told.push(format!("… and {} more failures, in summary.json", failed.len() - MOST_FAILURES));
    }
    let open = record.interruptions().max(record.missing.arms.len());
    if open > 0 {
        told.push(format!(
            "{open} of {} arms have not ended; the same command goes on with them",
            record.arm_count().max(open)
        ));
    }
    if record.missing.optima {
        told.push("the optima of the classes are still to be looked for".into());
    }
    if record.is_newer() {
        told.push(format!(
            "summary.json is of the newer version {}: what this program does not know is not shown",
            record.version
        ));
    }
    for fault in &view.data.faults {
        told.push(format!("{}: {}", cut(&fault.file, LONG), cut(&fault.problem, MESSAGE)));
    }
    told
}

fn failure(arm: &ArmRecord) -> String {
    let names =
        format!("{} · {} · seed {}", isolated(&arm.policy, SHORT), isolated(&arm.objective, LONG), arm.seed);
    match &arm.failure {
        Some(failure) => format!("{names}, at step {}: {}", failure.step, cut(&failure.message, MESSAGE)),
        None => format!("{names}: failed, and the record does not say why"),
    }
}
