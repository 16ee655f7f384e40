//! log Z: exact where the host knows it, else estimated.

use super::{ObjectiveBatch, PartitionNeed, Target, restored, saved};
use crate::error::PluginError;
use crate::field::Field;
use crate::math::{exp, ln, log_sum_exp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which value of Z an objective uses, as experiments configure it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partition {
    /// The exact value where the host knows it, else the running mean.
    #[default]
    Auto,
    /// The exact value; an error where the host does not know it.
    Exact,
    /// The mean of a(y) v(y) / b(y) over the group.
    Group,
    /// The mean of a(y) v(y) / b(y) over all samples of the prompt so far, this step's included.
    Running,
    /// The mean of a(y) v(y) / b(y) over the first samples of the prompt, and that from then on: over those up to the first
    /// group with a valid one, since a Z of 0 could never be divided by.
    Offline,
    /// A Z of every prompt that is learned by regression on that of its groups: it begins as the first one above 0, and then
    /// takes gradient steps of (Z − Ẑ)²/2 of size 0.1, so that samples of long ago are forgotten.
    Learned,
}

impl Partition {
    /// How a configuration lists its field `partition`.
    pub const FIELD: Field = Field::optional(
        "partition",
        "Auto | Exact | Group | Running | Offline | Learned",
        "",
        "Auto",
        "which value of Z to use",
    );

    /// Least number of samples in a group of which Z can be estimated. Of a single one a v / Z is the policy itself:
    /// the importance weights are then normalised by themselves, which is another objective.
    pub fn minimum_group(self) -> usize {
        if self == Self::Group { 2 } else { 1 }
    }

    /// What to declare.
    pub fn need(self) -> PartitionNeed {
        match self {
            Self::Auto => PartitionNeed::Welcome,
            Self::Exact => PartitionNeed::Exact,
            Self::Group | Self::Running | Self::Offline | Self::Learned => PartitionNeed::Unused,
        }
    }
}

/// Where a value of log Z came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum PartitionSource {
    /// The host's exact value: an oracle.
    Exact = 0,
    /// Estimated from the group.
    Group = 1,
    /// Estimated from samples of the prompt so far: all, the first, or the last ones most.
    Running = 2,
}

impl PartitionSource {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Exact, Self::Group, Self::Running].into_iter().find(|&source| source as u8 == number)
    }
}

/// A value of log Z, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartitionUsed {
    /// log Z in nats; −∞ where no sample was a valid one that the base can produce.
    pub log_partition: f64,
    /// Where it came from.
    pub source: PartitionSource,
}

impl PartitionUsed {
    /// log p*(y_i)/q(y_i) of a sequence of the group that this Z belongs to, in nats.
    ///
    /// −∞ where the sequence is wrong, and where it is right but none of the base's: then p* is 0 whatever Z is, and were
    /// it estimated as 0. −∞ also for what the policy cannot produce, which is no sample.
    ///
    /// # Errors
    /// If the batch lacks base log-probabilities.
    pub fn log_ratio(&self, batch: &ObjectiveBatch<'_>, i: usize) -> Result<f64, PluginError> {
        self.log_ratio_of(Target::Filtered, batch, i)
    }

    /// The same of another target, of which this is the normaliser: −∞ where the target is 0, whatever its normaliser, and
    /// for what the policy cannot produce.
    ///
    /// # Errors
    /// If the batch lacks base log-probabilities.
    pub fn log_ratio_of(
        &self,
        target: Target,
        batch: &ObjectiveBatch<'_>,
        i: usize,
    ) -> Result<f64, PluginError> {
        let log_weight = target.log_weight(batch.reward(i));
        let (log_a, log_q) = (batch.base_log_prob(i)?, batch.log_prob(i));
        let absent = [log_weight, log_a, log_q].contains(&f64::NEG_INFINITY);
        Ok(if absent {
            f64::NEG_INFINITY
        } else {
            target.log_base(log_a) + log_weight - self.log_partition - log_q
        })
    }

    /// Sets the coefficients of sequences to 0 whose prompt is known to have no valid output: where p* does not
    /// exist there is nothing to aim at.
    pub fn silence_missing_targets(
        partitions: &[Self],
        batch: &ObjectiveBatch<'_>,
        coefficients: &mut [f64],
    ) {
        for (g, used) in partitions.iter().enumerate() {
            if used.source == PartitionSource::Exact && used.log_partition == f64::NEG_INFINITY {
                coefficients[batch.group(g)].fill(0.0);
            }
        }
    }
}

/// Provides log Z for every group of a batch, or the log-normaliser of another [`target`](Self::of_target), and remembers what running means need: an objective that holds one passes
/// [`observe`](super::Objective::observe), [`save`](super::Objective::save) and [`restore`](super::Objective::restore) on
/// to it.
#[derive(Clone, Debug, Default)]
pub struct PartitionEstimator {
    partition: Partition,
    target: Target,
    running: Running,
}

/// The samples so far, by prompt, and the running means of the groups of the last batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Running {
    seen: BTreeMap<u32, Seen>,
    of_groups: Vec<f64>,
}

/// The step of a learned Z.
const STEP: f64 = 0.1;

/// Farther from 0, a logarithm is the scale of a sum rather than exponentiated.
const MOST_LOG: f64 = 600.0;

/// What was seen of a prompt: the number of samples, and Σ a v / b over them, which may be beyond the range of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    count: f64,
    /// The sum times e^−`log_scale`.
    sum: f64,
    log_scale: f64,
}

impl Seen {
    /// Adds `count` samples whose mean has this logarithm.
    fn add(&mut self, count: f64, log_mean: f64) {
        self.count += count;
        if log_mean == f64::NEG_INFINITY {
            return;
        }
        if self.sum == 0.0 {
            self.log_scale = if log_mean.abs() < MOST_LOG { 0.0 } else { log_mean };
        } else if log_mean - self.log_scale > MOST_LOG {
            self.sum *= exp(self.log_scale - log_mean);
            self.log_scale = log_mean;
        }
        self.sum += exp(log_mean - self.log_scale) * count;
    }

    /// Moves a Z that is learned towards one whose logarithm this is; to it where there is none yet.
    fn learn(&mut self, log_mean: f64) {
        let moved = if self.sum == 0.0 {
            log_mean
        } else {
            log_sum_exp(&[self.log_mean() + ln(1.0 - STEP), log_mean + ln(STEP)])
        };
        *self = Self::default();
        self.add(1.0, moved);
    }

    /// The logarithm of the mean; −∞ where all were 0.
    fn log_mean(&self) -> f64 {
        self.log_scale + ln(self.sum / self.count)
    }
}

impl PartitionEstimator {
    /// An estimator that has seen nothing.
    pub fn new(partition: Partition) -> Self {
        Self { partition, ..Self::default() }
    }

    /// One of another target's normaliser.
    #[must_use]
    pub fn of_target(self, target: Target) -> Self {
        Self { target, ..self }
    }

    /// Takes the samples of a new batch into the running means, each group behind those before it.
    ///
    /// # Errors
    /// If the batch lacks base log-probabilities.
    pub fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        if batch.is_population() || matches!(self.partition, Partition::Exact | Partition::Group) {
            return Ok(());
        }
        self.running.of_groups.clear();
        for g in 0..batch.groups() {
            if self.partition == Partition::Auto && self.target.log_partition(batch.facts(g)).is_some() {
                self.running.of_groups.push(f64::NAN);
                continue;
            }
            let seen = self.running.seen.entry(batch.prompt(g)).or_default();
            if self.partition == Partition::Learned {
                seen.learn(group_log_mean(batch, g, self.target)?);
            } else if self.partition != Partition::Offline || seen.sum == 0.0 {
                seen.add(batch.group(g).len() as f64, group_log_mean(batch, g, self.target)?);
            }
            self.running.of_groups.push(seen.log_mean());
        }
        Ok(())
    }

    /// What it has seen so far, as text.
    ///
    /// # Errors
    /// Never for what was observed.
    pub fn save(&self) -> Result<String, PluginError> {
        saved(&self.running)
    }

    /// Takes up what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.running = restored(state)?;
        Ok(())
    }

    /// log Z of every group of the batch that was observed last. Over an enumerated space the estimates are exact, since
    /// the weights are.
    ///
    /// # Errors
    /// If the exact value is asked for and unknown, a group is too small to estimate it of, or the batch lacks base
    /// log-probabilities.
    pub fn estimate(&self, batch: &ObjectiveBatch<'_>) -> Result<Vec<PartitionUsed>, PluginError> {
        (0..batch.groups()).map(|g| self.estimate_group(batch, g)).collect()
    }

    fn estimate_group(&self, batch: &ObjectiveBatch<'_>, g: usize) -> Result<PartitionUsed, PluginError> {
        let exact = self.target.log_partition(batch.facts(g));
        let (log_partition, source) = match (self.partition, exact) {
            (Partition::Auto | Partition::Exact, Some(exact)) => (exact, PartitionSource::Exact),
            (Partition::Exact, None) => {
                return Err(PluginError::config("partition", "the exact partition function is unknown here")
                    .with_hint("set `partition: Running` or `partition: Group`, or make the space small enough to enumerate"));
            }
            (Partition::Group, _) if !batch.is_population() && batch.group(g).len() < 2 => {
                let message = "`partition: Group` needs groups of at least 2 samples, found a group of 1, whose estimate of \
                               Z makes it another objective";
                return Err(PluginError::config("partition", message)
                    .with_hint("sample larger groups, or set `partition: Running`"));
            }
            (Partition::Group, _) => (group_log_mean(batch, g, self.target)?, PartitionSource::Group),
            (Partition::Running | Partition::Offline | Partition::Learned | Partition::Auto, _) => {
                (self.running(batch, g)?, PartitionSource::Running)
            }
        };
        Ok(PartitionUsed { log_partition, source })
    }

    fn running(&self, batch: &ObjectiveBatch<'_>, g: usize) -> Result<f64, PluginError> {
        if batch.is_population() {
            return group_log_mean(batch, g, self.target);
        }
        match self.running.of_groups[..] {
            ref of_groups if of_groups.len() == batch.groups() => Ok(of_groups[g]),
            ref of_groups => Err(PluginError::contract(format!(
                "a batch of {} groups was observed, and a step asked for {}",
                of_groups.len(),
                batch.groups()
            ))),
        }
    }
}

/// log of the weighted mean of a v / b over a group, or of what else the target has in place of a v.
fn group_log_mean(batch: &ObjectiveBatch<'_>, g: usize, target: Target) -> Result<f64, PluginError> {
    let (mut terms, mut total) = (Vec::new(), 0.0);
    for i in batch.group(g) {
        total += batch.weight(i);
        let log_weight = target.log_weight(batch.reward(i));
        if log_weight > f64::NEG_INFINITY && batch.weight(i) > 0.0 {
            terms.push(
                ln(batch.weight(i)) + target.log_base(batch.base_log_prob(i)?) - batch.behaviour_log_prob(i)
                    + log_weight,
            );
        }
    }
    Ok(log_sum_exp(&terms) - ln(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(groups: &[[f64; 2]]) -> Vec<crate::objective::ObjectiveBuffer> {
        let of = |rewards: &[f64; 2]| {
            let mut buffer = crate::objective::ObjectiveBuffer::default();
            buffer.push_group(7, crate::objective::PromptFacts::default());
            for (i, &reward) in rewards.iter().enumerate() {
                // a/b is 1/2 and 1/4.
                let row = crate::objective::Row::new(reward, &[-1.0]);
                buffer.push(row.base_log_probs(&[-1.0 - [2f64, 4.0][i].ln()]));
            }
            buffer
        };
        groups.iter().map(of).collect()
    }

    fn estimates(mut estimator: PartitionEstimator, groups: &[[f64; 2]]) -> Vec<f64> {
        let moment = crate::objective::Moment::new(
            0,
            crate::rng::StreamKey::new(0, crate::rng::Purpose::Objective, 0),
        );
        let mut estimates = Vec::new();
        for buffer in batches(groups) {
            let batch = buffer.view(moment).unwrap();
            estimator.observe(&batch).unwrap();
            // What it keeps is all that it knows.
            let state = estimator.save().unwrap();
            estimator = PartitionEstimator { running: Running::default(), ..estimator };
            estimator.restore(&state).unwrap();
            estimates.push(exp(estimator.estimate(&batch).unwrap()[0].log_partition));
        }
        estimates
    }

    #[test]
    fn an_offline_estimate_stays_with_the_first_group_that_has_a_valid_sample() {
        let groups = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        let close = |found: Vec<f64>, expected: [f64; 4]| {
            found
                .iter()
                .zip(expected)
                .for_each(|(x, y)| assert!((x - y).abs() < 1e-15, "{found:?}, not {y}"));
        };
        close(estimates(PartitionEstimator::new(Partition::Offline), &groups), [0.0, 0.125, 0.125, 0.125]);
        close(
            estimates(PartitionEstimator::new(Partition::Running), &groups),
            [0.0, 0.125, 0.5 / 6.0 + 0.75 / 6.0, 1.25 / 8.0],
        );
    }

    #[test]
    fn a_learned_estimate_moves_by_a_tenth() {
        let groups = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        let found = estimates(PartitionEstimator::new(Partition::Learned), &groups);
        // Of groups 0, 1/4, 3/8 and 0.
        let third = 0.9 * 0.25 + 0.1 * 0.375;
        for (found, expected) in found.iter().zip([0.0, 0.25, third, 0.9 * third]) {
            assert!((found - expected).abs() < 1e-15, "{found}, not {expected}");
        }
        let mut seen = Seen::default();
        for log in [f64::NEG_INFINITY, -2000.0, 900.0, f64::NEG_INFINITY] {
            seen.learn(log);
        }
        assert!((seen.log_mean() - (900.0 + 0.09f64.ln())).abs() < 1e-12, "{}", seen.log_mean());
    }

    /// e^{1/β} = 3: of the wrong ones 1/2 and 1/4, of the right ones three times that.
    #[test]
    fn the_normaliser_of_the_tilted_distribution_is_of_all_samples() {
        let tilted =
            PartitionEstimator::new(Partition::Group).of_target(Target::Tilted { beta: 1.0 / 3f64.ln() });
        let found = estimates(tilted, &[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]);
        for (found, expected) in found.into_iter().zip([0.375, 0.875, 1.125]) {
            assert!((found - expected).abs() < 1e-15, "{found}, not {expected}");
        }
    }

    /// A group in which every sample has a v / b = e^log, five times; the mean is known in closed form.
    #[test]
    fn a_running_mean_knows_no_least_number() {
        for (logs, expected) in [
            (&[-2000.0, -2000.0, -2000.0][..], -2000.0),
            (&[-0.5, f64::NEG_INFINITY], -0.5 - 2f64.ln()),
            (&[f64::NEG_INFINITY, -1500.0, -1501.0], -1500.0 + ((1.0 + (-1f64).exp()) / 3.0).ln()),
            // What comes first is far below, or far above, what follows.
            (&[-1500.0, -3.0, -3.0], -3.0 + (2f64 / 3.0).ln()),
            (&[-700.0, -701.0], -700.0 + f64::midpoint(1.0, (-1f64).exp()).ln()),
            (&[-3.0, -1500.0], -3.0 - 2f64.ln()),
            (&[900.0, 899.0, -900.0], 900.0 + ((1.0 + (-1f64).exp()) / 3.0).ln()),
            (&[f64::NEG_INFINITY], f64::NEG_INFINITY),
        ] {
            let mut seen = Seen::default();
            for &log in logs {
                seen.add(5.0, log);
            }
            let found = seen.log_mean();
            assert!(
                found == expected || (found - expected).abs() < 1e-12,
                "{logs:?}: {found}, not {expected}"
            );
        }
    }
}
