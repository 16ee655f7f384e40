//! α-DPG as its authors published it, deviations from the formula included.

use crate::alpha::clip_above;
use pstar_core::objective::{Baseline, ObjectiveBatch, ObjectiveStep, PartitionSource, PartitionUsed};
use pstar_core::{PluginError, math};

/// The clip of the pseudo-reward where none is configured.
const CLIP: f64 = 10.0;

/// Z of a group without a valid sample.
const MISSING_Z: f64 = 1e-4;

/// c_i = g_i − mean of the others, g_i = min((a v / (Z b))^{1−α} − 1, clip), Z = min(1, group mean of a v / b).
///
/// b is the behaviour policy throughout; the factor 1/(1−α) and importance weights are left out.
pub(crate) fn step(
    batch: &ObjectiveBatch<'_>,
    alpha: f64,
    clip: Option<f64>,
) -> Result<ObjectiveStep, PluginError> {
    if batch.smallest_group() < 2 {
        let message = "`as_released` needs groups of at least 2 samples, found a group of 1";
        return Err(PluginError::config("as_released", message)
            .with_hint("sample larger groups, or leave out `as_released`"));
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
    let clipped = clip_above(batch, &mut c, clip.unwrap_or(CLIP));
    Baseline::LeaveOneOut.subtract(batch, &mut c);
    let step = ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions);
    Ok(step.with_diagnostic(ObjectiveStep::CLIPPED_FRACTION, clipped))
}
