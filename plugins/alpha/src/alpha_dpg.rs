//! `alpha-dpg`: α-DPG as its authors published it, deviations from the formula included.

use crate::pseudo_reward::{check_alpha, check_clip, clip_above};
use pstar_core::objective::{
    Baseline, Declaration, ObjectiveBatch, ObjectiveStep, PartitionSource, PartitionUsed,
};
use pstar_core::{ErrorKind, Field, Objective, PluginError, math};
use serde::Deserialize;

/// Z of a group without a valid sample.
const MISSING_Z: f64 = 1e-4;

/// c_i = g_i − mean of the others, g_i = min((a v / (Z b))^{1−α} − 1, clip), Z = min(1, group mean of a v / b).
///
/// Kruszewski et al. 2026 (arXiv 2512.05962), as released: b is the behaviour policy throughout; the factor 1/(1−α) and
/// importance weights are left out.
pub(crate) struct AlphaDpg(Config);

/// `(alpha: 0.5)` or `(alpha: 0.25, clip: 5.0)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// α in [0, 1).
    pub(crate) alpha: f64,
    /// The greatest pseudo-reward.
    #[serde(default = "ten")]
    pub(crate) clip: f64,
}

pub(crate) fn ten() -> f64 {
    10.0
}

impl Objective for AlphaDpg {
    const NAME: &'static str = "alpha-dpg";
    const DOC: &'static str =
        "the alpha-divergence's variant that its authors published: Z of the group, clipped";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required("alpha", "number", "in [0, 1)", "0 is forward KL; towards 1 reverse KL"),
        Field::optional("clip", "number", "> 0", "10", "the greatest pseudo-reward (p*/b)^(1-alpha) - 1"),
    ];

    fn new(Config { alpha, clip }: Config) -> Result<Self, PluginError> {
        check_alpha(alpha)?;
        check_clip(clip)?;
        Ok(Self(Config { alpha, clip }))
    }

    /// It is defined by its sampling: Z of the group, leave-one-out.
    fn declaration(&self) -> Declaration {
        Declaration::default().base_log_probs().minimum_group(2)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let Config { alpha, clip } = self.0;
        if batch.smallest_group() < 2 {
            let message = "Z of the group needs groups of at least 2 samples, found a group of 1";
            return Err(PluginError::new(ErrorKind::Config, message).with_hint("sample larger groups"));
        }
        let mut c = vec![-1.0; batch.len()];
        let mut partitions = Vec::with_capacity(batch.groups());
        for g in 0..batch.groups() {
            let mut log_ratios = Vec::new();
            for i in batch.group(g).filter(|&i| batch.reward(i) > 0.0) {
                log_ratios.push((i, batch.base_log_prob(i)? - batch.behaviour_log_prob(i)));
            }
            let logs: Vec<f64> = log_ratios.iter().map(|&(_, log_ratio)| log_ratio).collect();
            let log_mean = math::log_sum_exp(&logs) - math::ln(batch.group(g).len() as f64);
            let log_partition =
                if log_mean > f64::NEG_INFINITY { log_mean.min(0.0) } else { math::ln(MISSING_Z) };
            for (i, log_ratio) in log_ratios {
                c[i] = math::exp_m1((1.0 - alpha) * (log_ratio - log_partition));
            }
            partitions.push(PartitionUsed { log_partition, source: PartitionSource::Group });
        }
        let clipped = clip_above(batch, &mut c, clip);
        Baseline::LeaveOneOut.subtract(batch, &mut c);
        let step = ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions);
        Ok(step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, clipped))
    }
}
