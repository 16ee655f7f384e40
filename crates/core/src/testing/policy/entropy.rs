//! Whether the gradient of the entropy is that of the entropy of the scores.

use super::drawn::{noise, parameters, policy, sequences};
use super::finite_difference::compare;
use super::gradient::columns;
use super::{Of, Policy};
use crate::author::GradientBatch;
use crate::error::ErrorKind;
use crate::math;
use crate::testing::model::conditionals;
use crate::testing::{Conclusion, Failure, Outcome};

/// Takes the gradient of the entropy alone.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (mut policy, batch) = (policy(subject, 6)?, sequences(subject.task));
    let view = batch.view();
    let tokens = view.tokens();
    let (weights, coefficients) = columns(view.len(), tokens.values().len());
    let entropy: Vec<f64> = (0..coefficients.len()).map(|t| noise(22, t)).collect();
    let none = vec![0.0; coefficients.len()];
    let at = parameters(&*policy)?;
    let mut gradient = vec![f64::NAN; at.len()];
    let failed = |error| Failure::of_error(format!("the entropy of {} sequences", weights.len()), &error);
    let columns = GradientBatch::new(view, &weights, &none).and_then(|batch| batch.with_entropy(&entropy));
    match policy.gradient(&columns.map_err(failed)?, &mut gradient) {
        Err(error) if error.kind == ErrorKind::Unsupported => {
            return Outcome::skipped("it has no exact gradient of the entropy");
        }
        result => result.map_err(failed)?,
    }
    let value = |policy: &Policy| {
        let (mut sum, mut entropy) = (0.0, entropy.iter());
        for (i, row) in tokens.rows().enumerate() {
            let prefixes: Vec<Vec<u32>> = (0..row.len()).map(|t| row[..t].to_vec()).collect();
            let of_prefixes = conditionals(policy.as_model(), subject.task, view.prompt(i), &prefixes);
            for (log_probs, e) in of_prefixes.map_err(failed)?.iter().zip(entropy.by_ref()) {
                let terms =
                    log_probs.iter().map(|&x| if x > f64::NEG_INFINITY { x * math::exp(x) } else { 0.0 });
                sum -= weights[i] * e * terms.sum::<f64>();
            }
        }
        Ok(sum)
    };
    let directions = compare(subject, &mut *policy, &at, &gradient, &value)?;
    Outcome::passed(format!("{directions} directions"))
}
