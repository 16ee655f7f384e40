//! `alpha`: D_α(q‖p*), or D_α to the tilted distribution or to a power-filtered target.

use crate::alpha_dpg::{self, AlphaDpg};
use crate::pseudo_reward::{check_alpha, check_clip, clip_above};
use pstar_core::objective::{
    Baseline, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, Partition, PartitionEstimator,
    PartitionUsed, PopulationForm, Target,
};
use pstar_core::{Field, Objective, PluginError, math};
use serde::Deserialize;

/// Minimises D_α(q‖p*): c_i = R_i (g_i − baseline) / (1−α) with g_i = min((p*(y_i)/q(y_i))^{1−α} − 1, clip), where p* is
/// 0 for what the base cannot produce. With `target: Tilted(β)` the tilted distribution p_\[β\] takes the place of p*, with
/// `target: Power(s)` the power-filtered target a^s v / Z_s.
///
/// Kruszewski et al. 2026 (arXiv 2512.05962). The clipped pseudo-reward is the gradient of another potential.
pub(crate) struct Alpha {
    config: Config,
    estimator: PartitionEstimator,
    /// What `as_released` stands for.
    released: Option<AlphaDpg>,
}

/// `(alpha: 0.5)` or `(alpha: 0.25, clip: 10.0, partition: Group)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// α in [0, 1): 0 is forward KL, 1 would be reverse KL, of which p* cannot be a target.
    alpha: f64,
    /// M > 0: the greatest pseudo-reward (p*/q)^{1−α} − 1; none by default.
    #[serde(default)]
    clip: Option<f64>,
    /// The distribution to aim at.
    #[serde(default)]
    target: Target,
    /// Which value of Z to use.
    #[serde(default)]
    partition: Partition,
    /// What is subtracted from the pseudo-reward.
    #[serde(default)]
    baseline: Baseline,
    /// Another name of `alpha-dpg`, from before that had its own.
    #[serde(default)]
    as_released: bool,
}

impl Objective for Alpha {
    const NAME: &'static str = "alpha";
    const DOC: &'static str = "minimises the alpha-divergence of the policy from the filtered model: c = R ((p*/q)^(1-alpha) - 1 - baseline)/(1-alpha); \
         arXiv 2512.05962";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required("alpha", "number", "in [0, 1)", "0 is forward KL; towards 1 reverse KL"),
        Field::optional("clip", "number", "> 0", "None", "the greatest pseudo-reward (p*/q)^(1-alpha) - 1"),
        Target::FIELD,
        Partition::FIELD,
        Baseline::FIELD,
        Field::optional(
            "as_released",
            "true | false",
            "",
            "false",
            "another name of the objective `alpha-dpg`",
        ),
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        let Config { alpha, clip, target, partition, baseline, as_released } = config;
        check_alpha(alpha)?;
        target.check()?;
        clip.map_or(Ok(()), check_clip)?;
        let estimates_otherwise = !matches!(partition, Partition::Auto | Partition::Group);
        if as_released && (estimates_otherwise || baseline != Baseline::LeaveOneOut) {
            let message =
                "`as_released` fixes `partition: Group` and `baseline: LeaveOneOut`, found another choice";
            return Err(PluginError::config("as_released", message));
        }
        let as_dpg = || AlphaDpg::new(alpha_dpg::Config::of(alpha, clip, target));
        let released = as_released.then(as_dpg).transpose()?;
        Ok(Self { estimator: PartitionEstimator::new(partition).of_target(target), config, released })
    }

    fn declaration(&self) -> Declaration {
        if let Some(released) = &self.released {
            return released.declaration();
        }
        let Config { alpha, clip, target, partition, baseline, .. } = self.config;
        let from_filtered = match clip {
            Some(clip) => Divergence::ClippedAlpha { alpha, clip },
            None if alpha == 0.0 => Divergence::KlFromFiltered,
            None => Divergence::Alpha { alpha },
        };
        let divergence = match target {
            Target::Filtered => Some(from_filtered),
            Target::Power { alpha: power } => from_filtered.of_power(power),
            _ => None,
        };
        Declaration::default()
            .base_log_probs()
            .partition(partition.need())
            .power(target.power())
            .minimum_group(baseline.minimum_group().max(partition.minimum_group()))
            .population(PopulationForm::PerSequence)
            .divergence(divergence)
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        if self.released.is_some() { Ok(()) } else { self.estimator.observe(batch) }
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        if let Some(released) = &mut self.released {
            return released.step(batch);
        }
        let Config { alpha, clip, target, baseline, .. } = self.config;
        baseline.check_groups(batch)?;
        let partitions = self.estimator.estimate(batch)?;
        // log (p/q)^{1−α}.
        let mut powers = vec![f64::NEG_INFINITY; batch.len()];
        for (g, used) in partitions.iter().enumerate() {
            for i in batch.group(g) {
                powers[i] = (1.0 - alpha) * used.log_ratio_of(target, batch, i)?;
            }
        }
        let mut c: Vec<f64> = powers.iter().map(|&power| math::exp_m1(power)).collect();
        let clipped = clip.map(|clip| clip_above(batch, &mut c, clip));
        baseline.subtract(batch, &mut c);
        for (i, c) in c.iter_mut().enumerate() {
            // Without a baseline the product with R may be a number where the pseudo-reward is none.
            *c = if *c == f64::INFINITY && batch.is_population() {
                math::exp(powers[i] + batch.log_importance_weight(i)) / (1.0 - alpha)
            } else {
                *c * (batch.importance_weight(i) / (1.0 - alpha))
            };
        }
        // The tilted distribution exists whatever Z is.
        PartitionUsed::silence_missing_targets(&partitions, batch, &mut c);
        let step = ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions);
        Ok(match clipped {
            Some(clipped) => step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, clipped),
            None => step,
        })
    }

    fn save(&self) -> Result<String, PluginError> {
        self.estimator.save()
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.estimator.restore(state)
    }
}
