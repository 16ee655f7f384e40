//! Whether an objective follows the divergence that it declares, and at what scale: asked about a few made-up sequences.
//!
//! Exact gradients beyond enumeration are those of the declared divergence, so that an objective which declares one and
//! does another would train as something that it is not.

use pstar_core::host::ObjectiveHandle;
use pstar_core::objective::{BatchParts, Divergence, ObjectiveBatch, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};

/// Relative to the greatest coefficient: differences below this are rounding.
const ROUNDING: f64 = 1e-9;

/// Probabilities of the sequences under policy and base, the latter relative to their class, and their rewards.
const SEQUENCES: [(f64, f64, f64); 6] = [
    (0.30, 0.5, 1.0),
    (0.20, 0.2, 1.0),
    (0.10, 0.7, 0.0),
    (0.15, 0.2, 1.0),
    (0.20, 0.3, 0.0),
    (0.05, 0.1, 1.0),
];

/// The factor between an objective's coefficients and those of the divergence that it declares, constants apart; `None`
/// if there is no such positive factor. `objective` is of no further use.
///
/// # Errors
/// If the objective fails.
pub(super) fn scale(
    objective: &mut ObjectiveHandle,
    divergence: Divergence,
) -> Result<Option<f64>, PluginError> {
    // A base whose validity rate lies below every wanted one.
    let rate = if let Divergence::KlToTiltedAtRate { mu } = divergence { mu / 2.0 } else { 0.4 };
    let facts = PromptFacts { log_partition: Some(math::ln(rate)), log_invalidity: Some(math::ln_1p(-rate)) };
    let class = |reward: f64| if reward > 0.0 { rate } else { 1.0 - rate };
    let log_q = SEQUENCES.map(|(q, _, _)| math::ln(q));
    let log_a = SEQUENCES.map(|(_, a, reward)| math::ln(a * class(reward)));
    let rewards = SEQUENCES.map(|(_, _, reward)| reward);
    let (weights, ended) = (SEQUENCES.map(|(q, _, _)| q), [1; SEQUENCES.len()]);
    let offsets: Vec<u64> = (0..=SEQUENCES.len() as u64).collect();
    let group_offsets = [0, SEQUENCES.len() as u64];
    let [log_partition, log_invalidity] = [math::ln(rate), math::ln_1p(-rate)].map(|log| [log]);
    objective.prepare(&[facts])?;
    let batch = ObjectiveBatch::new(BatchParts {
        group_offsets: &group_offsets,
        prompt: &[0],
        log_partition: &log_partition,
        log_invalidity: &log_invalidity,
        rewards: &rewards,
        weights: &weights,
        ended: &ended,
        offsets: &offsets,
        log_probs: &log_q,
        behaviour_log_probs: &log_q,
        base_log_probs: &log_a,
        step: 0,
        key: StreamKey::new(0, Purpose::Objective, 0),
        population: true,
    })?;
    let found = objective.step(&batch)?.coefficients;
    let log_p = |i: usize| if rewards[i] > 0.0 { log_a[i] - math::ln(rate) } else { f64::NEG_INFINITY };
    let declared = |i: usize| {
        let log_ratio = log_q[i] - log_a[i];
        match divergence {
            Divergence::InvalidityRate => Some(rewards[i]),
            Divergence::KlToTilted { beta } => Some(rewards[i] - beta * log_ratio),
            Divergence::KlToTiltedAtRate { mu } => {
                let lambda = math::ln(mu) - math::ln_1p(-mu) - math::ln(rate) + math::ln_1p(-rate);
                Some(rewards[i] - log_ratio / lambda)
            }
            Divergence::KlFromFiltered => Some(math::exp(log_p(i) - log_q[i])),
            Divergence::Alpha { alpha } => {
                Some(math::exp((1.0 - alpha) * (log_p(i) - log_q[i])) / (1.0 - alpha))
            }
            _ => None,
        }
    };
    let Some(declared) = (0..SEQUENCES.len()).map(declared).collect::<Option<Vec<f64>>>() else {
        return Ok(None);
    };
    Ok(factor(&found, &declared))
}

/// s > 0 with found = s · declared + constant.
fn factor(found: &[f64], declared: &[f64]) -> Option<f64> {
    let order = |a: &usize, b: &usize| declared[*a].total_cmp(&declared[*b]);
    let least = (0..declared.len()).min_by(order)?;
    let greatest = (0..declared.len()).max_by(order)?;
    let factor = (found[greatest] - found[least]) / (declared[greatest] - declared[least]);
    let factor = if (factor - 1.0).abs() <= ROUNDING { 1.0 } else { factor };
    let size = found.iter().fold(0.0, |size: f64, c| size.max(c.abs()));
    let alike = |(found_i, declared_i): (&f64, &f64)| {
        let rest = (found_i - found[least]) - factor * (declared_i - declared[least]);
        rest.abs() <= ROUNDING * size
    };
    (factor > 0.0 && factor.is_finite() && found.iter().zip(declared).all(alike)).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_and_a_constant_are_found_and_nothing_else() {
        assert_eq!(factor(&[7.0, 3.0, 5.0], &[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(factor(&[7.0, 3.0, 5.1], &[3.0, 1.0, 2.0]), None);
        assert_eq!(factor(&[-7.0, -3.0, -5.0], &[3.0, 1.0, 2.0]), None);
        assert_eq!(factor(&[1.0, 1.0, 1.0], &[3.0, 1.0, 2.0]), None);
    }
}
