//! Whether an objective follows the divergence that it declares, and at what scale: asked about a few made-up sequences.
//!
//! Exact gradients beyond enumeration are those of the declared divergence, so that an objective which declares one and
//! does another would train as something that it is not.

use pstar_core::objective::{Divergence, Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_loader::ObjectiveHandle;

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

/// Validity rates of two bases; relative to the wanted one where there is one, below which they must lie.
const RATES: [f64; 2] = [0.4, 0.05];

/// The sequences as answers of a base of some validity rate.
struct Prompt {
    rate: f64,
    log_a: [f64; SEQUENCES.len()],
}

impl Prompt {
    fn new(rate: f64) -> Self {
        let class = |reward: f64| if reward > 0.0 { rate } else { 1.0 - rate };
        Self { rate, log_a: SEQUENCES.map(|(_, a, reward)| math::ln(a * class(reward))) }
    }

    fn log_valid(&self) -> f64 {
        math::ln(self.rate)
    }

    fn log_invalid(&self) -> f64 {
        math::ln_1p(-self.rate)
    }

    /// With those of a power of the base.
    fn facts(&self, power: f64) -> PromptFacts {
        let facts = PromptFacts::new(self.log_valid(), self.log_invalid());
        if power == 1.0 { facts } else { facts.with_log_power_partition(self.log_partition(power)) }
    }

    /// log Z_α: the right ones among the sequences are all that the base gives.
    fn log_partition(&self, power: f64) -> f64 {
        let right = SEQUENCES.iter().zip(&self.log_a).filter(|((_, _, reward), _)| *reward > 0.0);
        math::log_sum_exp(&right.map(|(_, log_a)| power * log_a).collect::<Vec<_>>())
    }

    /// The coefficient of a sequence under a divergence; see [`population_gradient`](pstar_exact::population_gradient).
    fn coefficient(&self, divergence: Divergence, i: usize) -> Option<f64> {
        let (q, _, reward) = SEQUENCES[i];
        let log_ratio = math::ln(q) - self.log_a[i];
        let (divergence, power) = divergence.without_power();
        let log_target = if power == 1.0 {
            -log_ratio - self.log_valid()
        } else {
            power * self.log_a[i] - self.log_partition(power) - math::ln(q)
        };
        let target = if reward > 0.0 { math::exp(log_target) } else { 0.0 };
        match divergence {
            Divergence::InvalidityRate => Some(reward),
            Divergence::KlToTilted { beta } => Some(reward - beta * log_ratio),
            Divergence::KlToTiltedAtRate { mu } => {
                let lambda = math::ln(mu) - math::ln_1p(-mu) - self.log_valid() + self.log_invalid();
                Some(reward - log_ratio / lambda)
            }
            Divergence::KlFromFiltered => Some(target),
            Divergence::Alpha { alpha } => Some(math::pow(target, 1.0 - alpha) / (1.0 - alpha)),
            _ => None,
        }
    }
}

/// The factor between an objective's coefficients and those of the divergence that it declares, constants apart; `None`
/// if there is no such positive factor for all prompts. `objective` is of no further use.
///
/// # Errors
/// If the objective fails.
pub(crate) fn scale(
    objective: &mut ObjectiveHandle,
    divergence: Divergence,
) -> Result<Option<f64>, PluginError> {
    let greatest = if let Divergence::KlToTiltedAtRate { mu } = divergence { mu } else { 1.0 };
    let prompts = RATES.map(|rate| Prompt::new(rate * greatest));
    let facts = prompts.each_ref().map(|prompt| prompt.facts(divergence.without_power().1));
    objective.prepare(&facts)?;
    let found = ask(objective, &prompts, &facts)?;
    let mut common = None;
    for (prompt, found) in prompts.iter().zip(found.chunks_exact(SEQUENCES.len())) {
        let declared = (0..SEQUENCES.len()).map(|i| prompt.coefficient(divergence, i));
        let Some(declared) = declared.collect::<Option<Vec<f64>>>() else { return Ok(None) };
        let Some(factor) = factor(found, &declared) else { return Ok(None) };
        let before = *common.get_or_insert(factor);
        if (factor - before).abs() > ROUNDING * before {
            return Ok(None);
        }
    }
    Ok(common)
}

/// The coefficients of the sequences as answers to both prompts, one batch.
fn ask(
    objective: &mut ObjectiveHandle,
    prompts: &[Prompt; 2],
    facts: &[PromptFacts; 2],
) -> Result<Vec<f64>, PluginError> {
    let mut buffer = ObjectiveBuffer::default();
    for ((index, prompt), facts) in (0..).zip(prompts).zip(facts) {
        buffer.push_group(index, *facts);
        for ((q, _, reward), log_a) in SEQUENCES.iter().zip(&prompt.log_a) {
            // The prompts count alike.
            let (log_q, log_a) = ([math::ln(*q)], [*log_a]);
            buffer.push(Row::new(*reward, &log_q).weight(0.5 * q).base_log_probs(&log_a));
        }
    }
    let moment = Moment::new(0, StreamKey::new(0, Purpose::Objective, 0)).of_population();
    let batch = buffer.view(moment)?;
    objective.observe(&batch)?;
    Ok(objective.step(&batch)?.coefficients.to_vec())
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
