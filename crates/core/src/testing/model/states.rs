//! Whether the finite-state view agrees with the scores.

use super::asked::{MOST, prompts, quoted, scored};
use super::{Fault, Of};
use crate::testing::numbers::log_probs_differ;
use crate::testing::{Conclusion, Outcome, Outputs};

/// Walks outputs through the states.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let rows = Outputs::of(task, MOST / 4).rows;
    let (choices, symbols) = (task.choices(), task.alphabet.len());
    for prompt in prompts(task) {
        let failed = |error| Fault::of_error("its finite-state view", &error);
        let Some(start) = model.start(&prompt).map_err(failed)? else {
            return Outcome::skipped(
                "it has no finite-state view: large spaces cannot be evaluated exactly with it",
            );
        };
        let scores = scored(subject, &*model, &prompt, &rows)?;
        let (mut log_probs, mut next) = (vec![f64::NAN; choices], vec![0; symbols]);
        for (row, scores) in rows.iter().zip(&scores) {
            let mut state = start;
            for (t, (&token, &score)) in row.iter().zip(scores).enumerate() {
                model.expand(t, &[state], &mut log_probs, &mut next).map_err(failed)?;
                let found = log_probs[token as usize];
                if log_probs_differ(found, score) {
                    return Err(Fault::new(
                        format!("token {} of {}", t + 1, quoted(task, &prompt, row)),
                        format!("the log-probability {score}, as `score` has it"),
                        format!("{found} by its finite-state view"),
                        "mend the one that is wrong, or leave out `finite_state`",
                    ));
                }
                // Behind what is never said nothing is told.
                if score == f64::NEG_INFINITY || token as usize >= symbols {
                    break;
                }
                state = next[token as usize];
            }
        }
    }
    Outcome::passed(format!("{} outputs", rows.len()))
}
