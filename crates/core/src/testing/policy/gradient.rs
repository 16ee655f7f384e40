//! Whether the gradient is that of the scores.

use super::Of;
use super::drawn::{noise, parameters, policy, scores, sequences};
use super::finite_difference::compare;
use crate::author::GradientBatch;
use crate::testing::{Conclusion, Failure, Outcome};

/// Weights and coefficients of both signs for a batch.
pub(super) fn columns(rows: usize, tokens: usize) -> (Vec<f64>, Vec<f64>) {
    let weights = (0..rows).map(|i| 0.6 + 0.5 * noise(20, i)).collect();
    (weights, (0..tokens).map(|t| noise(21, t)).collect())
}

/// Takes the gradient of a batch of several prompts and lengths.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (mut policy, batch) = (policy(subject, 3)?, sequences(subject.task));
    let view = batch.view();
    let tokens = view.tokens();
    let (weights, coefficients) = columns(view.len(), tokens.values().len());
    let at = parameters(&*policy)?;
    let mut gradient = vec![f64::NAN; at.len()];
    let failed = |error| Failure::of_error(format!("the gradient of {} sequences", weights.len()), &error);
    let columns = GradientBatch::new(view, &weights, &coefficients).map_err(failed)?;
    policy.gradient(&columns, &mut gradient).map_err(failed)?;
    let value = |policy: &super::Policy| {
        let log_probs = scores(policy, &batch)?;
        let mut terms = coefficients.iter().zip(&log_probs).map(|(c, x)| c * x);
        Ok(tokens.rows().zip(&weights).map(|(row, w)| w * terms.by_ref().take(row.len()).sum::<f64>()).sum())
    };
    let directions = compare(subject, &mut *policy, &at, &gradient, &value)?;
    Outcome::passed(format!("{directions} directions of {} parameters", at.len()))
}
