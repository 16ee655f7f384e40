//! Whether seeds change anything.

use super::ArmRecord;
use crate::training::ArmStatus;
use pstar_core::shown;

/// Names at most in one warning.
const MOST_NAMES: usize = 5;

/// Says where all arms of a policy and objective ended in the same parameters, to the bit, whatever their seed: they are
/// one arm, trained several times.
pub(super) fn without_effect(arms: &[ArmRecord]) -> Option<String> {
    let mut groups: Vec<(&ArmRecord, usize, bool)> = Vec::new();
    for arm in arms.iter().filter(|arm| arm.status == ArmStatus::Complete) {
        let known = |(first, _, _): &&mut (&ArmRecord, usize, bool)| {
            first.policy == arm.policy && first.objective == arm.objective
        };
        match groups.iter_mut().find(known) {
            Some((first, seeds, same)) => {
                *seeds += 1;
                *same &= first.parameters == arm.parameters;
            }
            None => groups.push((arm, 1, true)),
        }
    }
    groups.retain(|(_, seeds, _)| *seeds > 1);
    let same: Vec<&(&ArmRecord, usize, bool)> = groups.iter().filter(|(_, _, same)| *same).collect();
    let most = same.iter().map(|(_, seeds, _)| *seeds).max()?;
    let which = if same.len() == groups.len() {
        "every policy and objective".to_string()
    } else {
        let names =
            same.iter().map(|(arm, _, _)| format!("`{} · {}`", shown(&arm.policy), shown(&arm.objective)));
        let more = same.len().saturating_sub(MOST_NAMES);
        let names = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    };
    Some(format!(
        "the seeds change nothing: under all {most} of them {which} ends in the same parameters to the bit; one seed says as \
         much"
    ))
}
