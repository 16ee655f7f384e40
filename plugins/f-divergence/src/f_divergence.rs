//! `f-divergence`: D_f(q‖p*), D_f(q‖p_\[β\]) or D_f(q‖p_α).

use crate::divergence::Divergence;
use pstar_core::objective::{
    Baseline, Declaration, ObjectiveBatch, ObjectiveStep, Partition, PartitionEstimator, PartitionUsed,
    PopulationForm, Target,
};
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;

/// Minimises D_f(q‖p) = E_p f(q/p): c_i = R_i (−f′(q(y_i)/p(y_i)) − baseline), where p is p* = a v / Z, or
/// p_\[β\] = a e^{v/β} / Z_β with `target: Tilted(β)`, or p_α = a^α v / Z_α with `target: Power(α)`: sharper than p* above
/// α = 1, flatter below, and at 0 uniform on the right answers that the base can give. Wrong answers have p* = p_α = 0, and
/// what the base cannot produce has none of the three.
///
/// Go et al. 2023 (arXiv 2302.08215), table 1, as the toolkit disco has it, whose Jensen-Shannon divergence is twice the mean
/// of the two KLs to the midpoint and whose baseline, a running mean over all prompts, is not offered. `ForwardKl` without a
/// baseline is `forward-kl` without one, `Hellinger` is `alpha` at 0.5, `ReverseKl` is `kl-control` over β.
///
/// | divergence | −f′(t) | of what p* excludes |
/// |---|---|---|
/// | `ForwardKl` | 1/t | 0 |
/// | `ReverseKl` | −1 − log t | −∞, refused |
/// | `JensenShannon` | log(1 + 1/t) − log 2 | −log 2 |
/// | `TotalVariation` | −sign(log t)/2 | −1/2 |
/// | `ChiSquared` | 1/t² − 1 | −1 |
/// | `ReverseChiSquared` | −2 (t − 1) | −∞, refused |
/// | `Hellinger` | 2 (1/√t − 1) | −2 |
pub(crate) struct FDivergence {
    config: Config,
    estimator: PartitionEstimator,
}

/// `(divergence: JensenShannon)` or `(divergence: ReverseKl, target: Tilted(0.1), partition: Group, baseline: None)`, or
/// `(divergence: ForwardKl, target: Power(0.5))`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// f.
    divergence: Divergence,
    /// p.
    #[serde(default)]
    target: Target,
    /// Which value of Z to use.
    #[serde(default)]
    partition: Partition,
    /// What is subtracted from the pseudo-reward.
    #[serde(default)]
    baseline: Baseline,
}

impl Objective for FDivergence {
    const NAME: &'static str = "f-divergence";
    const DOC: &'static str = "minimises D_f(q||p), p the filtered model, the tilted distribution or a power-filtered target: c = R (-f'(q/p) - baseline); arXiv 2302.08215";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Divergence::FIELD, Target::FIELD, Partition::FIELD, Baseline::FIELD];

    fn new(config: Config) -> Result<Self, PluginError> {
        let Config { divergence, target, partition, .. } = config;
        target.check()?;
        divergence.check(target)?;
        Ok(Self { estimator: PartitionEstimator::new(partition).of_target(target), config })
    }

    fn declaration(&self) -> Declaration {
        let Config { divergence, target, partition, baseline } = self.config;
        Declaration::default()
            .base_log_probs()
            .partition(partition.need())
            .power(target.power())
            .minimum_group(baseline.minimum_group().max(partition.minimum_group()))
            .population(PopulationForm::PerSequence)
            .divergence(divergence.known(target))
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        self.estimator.observe(batch)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let Config { divergence, target, baseline, .. } = self.config;
        baseline.check_groups(batch)?;
        let partitions = self.estimator.estimate(batch)?;
        let log_ratios = self.log_ratios(batch, &partitions)?;
        // What the policy cannot produce has no gradient.
        let reward = |i: usize| {
            if is_never_drawn(batch, i) { 0.0 } else { divergence.pseudo_reward(log_ratios[i]) }
        };
        let mut c: Vec<f64> = (0..batch.len()).map(reward).collect();
        baseline.subtract(batch, &mut c);
        let alone = baseline == Baseline::None || batch.is_population();
        for (i, c) in c.iter_mut().enumerate() {
            // A ratio beyond all numbers has no part in nothing.
            *c = if is_never_drawn(batch, i) || *c == 0.0 {
                0.0
            } else if alone && c.is_infinite() {
                divergence.scaled_pseudo_reward(log_ratios[i], batch.log_importance_weight(i))
            } else {
                *c * batch.importance_weight(i)
            };
        }
        if target.is_on_right() {
            PartitionUsed::silence_missing_targets(&partitions, batch, &mut c);
        }
        Ok(ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions))
    }

    fn save(&self) -> Result<String, PluginError> {
        self.estimator.save()
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.estimator.restore(state)
    }
}

impl FDivergence {
    /// log p/q of every sequence, −∞ where p is 0.
    fn log_ratios(
        &self,
        batch: &ObjectiveBatch<'_>,
        partitions: &[PartitionUsed],
    ) -> Result<Vec<f64>, PluginError> {
        let Config { divergence, target, .. } = self.config;
        let mut log_ratios = Vec::with_capacity(batch.len());
        for (g, used) in partitions.iter().enumerate() {
            for i in batch.group(g) {
                let log_ratio = used.log_ratio_of(target, batch, i)?;
                let is_sample = batch.weight(i) > 0.0 && !is_never_drawn(batch, i);
                if divergence.needs_support() && log_ratio == f64::NEG_INFINITY && is_sample {
                    return Err(infinite(divergence, i, batch.step()));
                }
                log_ratios.push(log_ratio);
            }
        }
        Ok(log_ratios)
    }
}

/// Whether the policy cannot produce a sequence, which is no sample of its.
fn is_never_drawn(batch: &ObjectiveBatch<'_>, i: usize) -> bool {
    batch.log_prob(i) == f64::NEG_INFINITY
}

/// No gradient leads back from where the target is 0.
fn infinite(divergence: Divergence, sequence: usize, step: u64) -> PluginError {
    let message = format!(
        "the base cannot produce sequence {sequence} of step {step}, of which `divergence: {divergence:?}` is infinite"
    );
    PluginError::data(message).with_hint(
        "start with a policy that stays where the base is, give the base no zeros, or choose another `divergence`",
    )
}
