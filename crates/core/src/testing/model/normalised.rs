//! Whether probabilities sum to 1.

use super::asked::{MOST, prompts, scored};
use super::{Fault, Of, conditionals};
use crate::math;
use crate::shown::shown;
use crate::testing::numbers::within;
use crate::testing::{Conclusion, Outcome, Outputs};

/// Single precision leaves 1e-6 to 1e-5 a sum of some thousand terms.
const TOLERANCE: f64 = 1e-4;

/// Prefixes whose choices are summed.
const PREFIXES: usize = 256;

/// Sums over all outputs, where they are few, and over the choices behind prefixes.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let outputs = Outputs::of(task, MOST);
    let prefixes: Vec<Vec<u32>> = prefixes(&outputs.rows, task.horizon, task.alphabet.end());
    let wrong = |what: String, sum: f64| {
        Err(Fault::new(
            what,
            "probabilities that sum to 1",
            format!("{sum:.9}"),
            "normalise over the symbols and, with `EndSymbol`, the end symbol; at the horizon no end symbol is emitted",
        ))
    };
    for prompt in prompts(task) {
        let text = shown(&task.alphabet.decode(&prompt));
        let of_prefixes = conditionals(&*model, task, &prompt, &prefixes)
            .map_err(|error| Fault::of_error(format!("the choices behind the prompt `{text}`"), &error))?;
        for (prefix, log_probs) in prefixes.iter().zip(&of_prefixes) {
            let sum: f64 = log_probs.iter().map(|&x| math::exp(x)).sum();
            // What is never said need not be told apart.
            if !within(sum - 1.0, TOLERANCE) {
                let prefix = shown(&task.alphabet.decode(prefix));
                return wrong(format!("the choices behind `{prefix}` to the prompt `{text}`"), sum);
            }
        }
        if outputs.complete {
            let scores = scored(subject, &*model, &prompt, &outputs.rows)?;
            let sum: f64 = scores.iter().map(|row| math::exp(row.iter().sum())).sum();
            if !within(sum - 1.0, TOLERANCE) {
                return wrong(format!("all {} outputs to the prompt `{text}`", outputs.rows.len()), sum);
            }
        }
    }
    let outputs = if outputs.complete { format!("{} outputs, ", outputs.rows.len()) } else { String::new() };
    Outcome::passed(format!("{outputs}{} prefixes", prefixes.len()))
}

/// Proper prefixes of outputs, the shortest first.
pub(super) fn prefixes(rows: &[Vec<u32>], horizon: usize, end: u32) -> Vec<Vec<u32>> {
    let strings = rows.iter().map(|row| row.strip_suffix(&[end]).unwrap_or(row));
    let mut found: Vec<Vec<u32>> = strings
        .flat_map(|row| {
            (0..=row.len())
                .filter(|&length| length < horizon)
                .map(|length| row[..length].to_vec())
                .collect::<Vec<_>>()
        })
        .collect();
    found.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    found.dedup();
    let step = found.len().div_ceil(PREFIXES).max(1);
    found.into_iter().step_by(step).collect()
}
