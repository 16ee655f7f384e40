//! Whether the walk over all outputs agrees with the scores.

use super::asked::{MOST, prompts, quoted, scored};
use super::{Fault, Of};
use crate::testing::numbers::log_probs_differ;
use crate::testing::{Conclusion, Outcome, Outputs};

/// Compares the log-probabilities of all outputs.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let Outputs { rows, complete } = Outputs::of(task, MOST);
    if !complete {
        return Outcome::skipped(format!("the task has more than {MOST} outputs"));
    }
    for prompt in prompts(task) {
        let mut walked = vec![f64::NAN; rows.len()];
        let written = model.score_outputs(&prompt, &mut walked);
        if !written.map_err(|error| Fault::of_error("the scores of all outputs", &error))? {
            return Outcome::skipped("it offers no walk over all outputs");
        }
        let scores = scored(subject, &*model, &prompt, &rows)?;
        for (row, (&found, scores)) in rows.iter().zip(walked.iter().zip(&scores)) {
            let (sum, length) = (scores.iter().sum::<f64>(), row.len().max(1) as f64);
            // Errors of tokens add.
            if log_probs_differ(found / length, sum / length) {
                return Err(Fault::new(
                    quoted(task, &prompt, row),
                    format!("the log-probability {sum}, as `score` has it"),
                    format!("{found} by `score_outputs`"),
                    "canonical order is by length, then by the symbols' order; or leave out `score_outputs`",
                ));
            }
        }
    }
    Outcome::passed(format!("{} outputs", rows.len()))
}
