//! Whether a token's probability depends on what stands before it alone.

use super::asked::{MOST, prompts, quoted, scored};
use super::{Fault, Of};
use crate::testing::numbers::log_probs_differ;
use crate::testing::{Conclusion, Outcome, Outputs};
use std::collections::BTreeMap;

/// Compares the log-probabilities of tokens behind equal prefixes, whatever follows.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let rows = Outputs::of(task, MOST / 4).rows;
    let mut compared = 0;
    for prompt in prompts(task) {
        let scores = scored(subject, &*model, &prompt, &rows)?;
        let mut known: BTreeMap<&[u32], f64> = BTreeMap::new();
        for (row, scores) in rows.iter().zip(&scores) {
            for (t, &found) in scores.iter().enumerate() {
                let first = *known.entry(&row[..=t]).or_insert(found);
                compared += 1;
                if log_probs_differ(first, found) {
                    return Err(Fault::new(
                        format!("token {} of {}", t + 1, quoted(task, &prompt, row)),
                        format!("the log-probability {first}, as where another symbol follows"),
                        found.to_string(),
                        "condition on the prompt and the tokens before, never on what follows",
                    ));
                }
            }
        }
    }
    Outcome::passed(format!("{compared} tokens"))
}
