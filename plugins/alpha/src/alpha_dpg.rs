//! `alpha-dpg`: α-DPG as its authors published it, deviations from the formula included.

use crate::pseudo_reward::{check_alpha, check_clip, clip_above};
use pstar_core::objective::{
    Baseline, Declaration, ObjectiveBatch, ObjectiveStep, PartitionNeed, PartitionSource, PartitionUsed,
    Target,
};
use pstar_core::{ErrorKind, Field, Objective, PluginError, math};
use serde::Deserialize;

/// Z of a group without a valid sample.
const MISSING_Z: f64 = 1e-4;

/// c_i = (g_i − mean of the others) / divisor with g_i = min((p(y_i)/b(y_i))^{1−α} − 1, clip): p is p* = a v / Z, or
/// p_\[β\] = a e^{v/β} / Z with `target: Tilted(β)`, or a^s v / Z with `target: Power(s)`; Z is the group's mean of p Z / b,
/// and at most 1 (but for powers below 1, of which the true Z may exceed it).
///
/// Kruszewski et al. 2026 (arXiv 2512.05962), as released: b is the behaviour policy throughout; the factor 1/(1−α) and
/// importance weights are left out. Their run clips at 10 and divides by 1024. At α = 1, where neither p* nor a power can be
/// a target, g_i = min(1 + log(p(y_i)/b(y_i)), clip), which is not the limit of the others. With `partition: Exact` nothing
/// bounds Z.
pub(crate) struct AlphaDpg(Config);

/// `(alpha: 0.5)` or `(alpha: 0.25, clip: 5.0, target: Tilted(0.1), partition: Exact, divisor: 1024.0)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// α in [0, 1); 1 too where the target is tilted.
    alpha: f64,
    /// The greatest pseudo-reward.
    #[serde(default = "ten")]
    clip: f64,
    /// The distribution to aim at.
    #[serde(default)]
    target: Target,
    /// Which value of Z to use.
    #[serde(default)]
    partition: Partition,
    /// What every coefficient is divided by.
    #[serde(default = "one")]
    divisor: f64,
}

/// Which value of Z to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Partition {
    /// The mean over the group, at most 1.
    #[default]
    Group,
    /// The exact one.
    Exact,
}

fn ten() -> f64 {
    10.0
}

fn one() -> f64 {
    1.0
}

impl Config {
    /// As released, for an α, perhaps another clip, and a target.
    pub(crate) fn of(alpha: f64, clip: Option<f64>, target: Target) -> Self {
        Self { alpha, clip: clip.unwrap_or_else(ten), target, partition: Partition::Group, divisor: 1.0 }
    }
}

impl Objective for AlphaDpg {
    const NAME: &'static str = "alpha-dpg";
    const DOC: &'static str = "the alpha-divergence's variant that its authors published: c = min((p*/b)^(1-alpha) - 1, clip) - mean of the others, over divisor; \
         arXiv 2512.05962";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required(
            "alpha",
            "number",
            "in [0, 1), or 1 with a tilted target",
            "0 is forward KL; towards 1 reverse KL",
        ),
        Field::optional("clip", "number", "> 0", "10", "the greatest pseudo-reward (p*/b)^(1-alpha) - 1"),
        Target::FIELD,
        Field::optional("partition", "Group | Exact", "", "Group", "which value of Z to use"),
        Field::optional("divisor", "number", "> 0", "1", "what every coefficient is divided by"),
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        let Config { alpha, clip, target, divisor, .. } = config;
        target.check()?;
        if alpha != 1.0 || target.is_on_right() {
            check_alpha(alpha)?;
        }
        check_clip(clip)?;
        if !(divisor > 0.0 && divisor.is_finite()) {
            let message = format!("`divisor` must be a positive number, found `{divisor}`");
            return Err(PluginError::config("divisor", message));
        }
        Ok(Self(config))
    }

    /// It is defined by its sampling: leave-one-out, and mostly Z of the group.
    fn declaration(&self) -> Declaration {
        let exact = self.0.partition == Partition::Exact;
        let need = if exact { PartitionNeed::Exact } else { PartitionNeed::Unused };
        Declaration::default().base_log_probs().partition(need).power(self.0.target.power()).minimum_group(2)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        if batch.smallest_group() < 2 {
            let message = "the mean of the others needs groups of at least 2 samples, found a group of 1";
            return Err(PluginError::new(ErrorKind::Config, message).with_hint("sample larger groups"));
        }
        let mut c = Vec::with_capacity(batch.len());
        let mut partitions = Vec::with_capacity(batch.groups());
        for g in 0..batch.groups() {
            let log_weights = self.log_weights(batch, g)?;
            let used = self.partition(batch, g, &log_weights)?;
            for (i, log_weight) in batch.group(g).zip(log_weights) {
                c.push(self.pseudo_reward(i, log_weight - used.log_partition)?);
            }
            partitions.push(used);
        }
        let clipped = clip_above(batch, &mut c, self.0.clip);
        Baseline::LeaveOneOut.subtract(batch, &mut c);
        for c in &mut c {
            *c /= self.0.divisor;
        }
        let step = ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions);
        Ok(step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, clipped))
    }
}

impl AlphaDpg {
    /// log p/b of a group's sequences, the normaliser of p left out; −∞ where p is 0.
    fn log_weights(&self, batch: &ObjectiveBatch<'_>, g: usize) -> Result<Vec<f64>, PluginError> {
        let of = |i: usize| {
            let (log_a, log_weight) = (batch.base_log_prob(i)?, self.0.target.log_weight(batch.reward(i)));
            let absent = [log_a, log_weight].contains(&f64::NEG_INFINITY);
            let log_base = self.0.target.log_base(log_a);
            Ok(if absent { f64::NEG_INFINITY } else { log_base - batch.behaviour_log_prob(i) + log_weight })
        };
        batch.group(g).map(of).collect()
    }

    fn partition(
        &self,
        batch: &ObjectiveBatch<'_>,
        g: usize,
        log_weights: &[f64],
    ) -> Result<PartitionUsed, PluginError> {
        if self.0.partition == Partition::Exact {
            let exact = self.0.target.log_partition(batch.facts(g));
            let exact =
                exact.map(|log_partition| PartitionUsed { log_partition, source: PartitionSource::Exact });
            return exact.ok_or_else(|| {
                PluginError::config("partition", "the exact partition function is unknown here")
                    .with_hint("set `partition: Group`, or make the space small enough to enumerate")
            });
        }
        let log_mean = math::log_sum_exp(log_weights) - math::ln(log_weights.len() as f64);
        let log_partition = if log_mean > f64::NEG_INFINITY {
            log_mean.min(greatest_log_partition(self.0.target))
        } else {
            math::ln(MISSING_Z)
        };
        Ok(PartitionUsed { log_partition, source: PartitionSource::Group })
    }

    /// g of sequence `i`, from log p/b.
    fn pseudo_reward(&self, i: usize, log_ratio: f64) -> Result<f64, PluginError> {
        if log_ratio == f64::NEG_INFINITY || log_ratio.is_nan() {
            return if self.0.alpha < 1.0 { Ok(-1.0) } else { Err(infinite_price(i)) };
        }
        let power = 1.0 - self.0.alpha;
        Ok(if power == 0.0 { 1.0 + log_ratio } else { math::exp_m1(power * log_ratio) })
    }
}

/// What Z by the group is bounded by: 1 as released, which p* and sharper targets keep to. Of a flatter one Z is up to the
/// number of right answers, and bounding it would leave no target at all.
fn greatest_log_partition(target: Target) -> f64 {
    match target {
        Target::Power { alpha } if alpha < 1.0 => f64::INFINITY,
        _ => 0.0,
    }
}

/// At α = 1 the divergence is infinite where the base is 0.
fn infinite_price(sequence: usize) -> PluginError {
    let message = format!("the base cannot produce sequence {sequence}, and `alpha: 1` takes its logarithm");
    PluginError::config("alpha", message).with_hint("choose an `alpha` below 1, or give the base no zeros")
}
