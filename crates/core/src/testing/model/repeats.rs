//! Whether equal questions get equal answers.

use super::asked::{MOST, prompts, quoted, scored};
use super::{Fault, Of};
use crate::testing::numbers::log_probs_differ;
use crate::testing::{Conclusion, Outcome, Outputs};
use std::thread;

/// Scores outputs in several ways: to the bit where the question is the same, up to rounding in another order.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let another = subject.fresh()?;
    let rows = Outputs::of(task, MOST / 4).rows;
    let reversed: Vec<Vec<u32>> = rows.iter().rev().cloned().collect();
    let prompts = prompts(task);
    for prompt in &prompts {
        let first = scored(subject, &*model, prompt, &rows)?;
        let same = |found: &[Vec<f64>], how: &str, equal: fn(f64, f64) -> bool| {
            for (row, (one, other)) in rows.iter().zip(first.iter().zip(found)) {
                if let Some((one, other)) = one.iter().zip(other).find(|&(&a, &b)| !equal(a, b)) {
                    return Err(Fault::new(
                        format!("{}, {how}", quoted(task, prompt, row)),
                        format!("the log-probability {one}, as the first time"),
                        other.to_string(),
                        "equal parameters and equal questions must give equal answers: no hidden state, no clock",
                    ));
                }
            }
            Ok(())
        };
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        same(&scored(subject, &*model, prompt, &rows)?, "asked again", bits)?;
        same(&scored(subject, &*another, prompt, &rows)?, "of another instance", bits)?;
        let elsewhere = thread::scope(|scope| {
            scope.spawn(|| crate::testing::model::score(&*model, prompt, &rows)).join()
        });
        let elsewhere = elsewhere.map_or_else(
            |_| Ok(Vec::new()),
            |found| found.map_err(|error| Fault::of_error("scores in another thread", &error)),
        )?;
        same(&elsewhere, "in another thread", bits)?;
        let mut found = scored(subject, &*model, prompt, &reversed)?;
        found.reverse();
        same(&found, "in another order", |a, b| !log_probs_differ(a, b))?;
    }
    Outcome::passed(format!("{} outputs of {} prompts", rows.len(), prompts.len()))
}
