//! Baselines that are taken from the group.

use super::ObjectiveBatch;
use crate::error::PluginError;
use crate::field::Field;
use serde::{Deserialize, Serialize};

/// What is subtracted from a sequence's reward.
///
/// Over an enumerated space no baseline is subtracted: one that does not depend on the sample itself vanishes
/// in expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Baseline {
    /// The mean of the *other* sequences of the group: leaves the expected gradient as it is.
    #[default]
    LeaveOneOut,
    /// The mean of the group, the sequence itself included: scales the expected gradient by (G−1)/G.
    GroupMean,
    /// Nothing.
    None,
}

impl Baseline {
    /// How a configuration lists its field `baseline`.
    pub const FIELD: Field = Field::optional(
        "baseline",
        "LeaveOneOut | GroupMean | None",
        "",
        "LeaveOneOut",
        "what is subtracted from the reward",
    );

    /// Least number of samples in a group that gives a signal.
    pub fn minimum_group(self) -> usize {
        if self == Self::None { 1 } else { 2 }
    }

    /// Refuses a batch with a group that the baseline leaves without a signal.
    ///
    /// # Errors
    /// If a sampled group has fewer than [`minimum_group`](Self::minimum_group) sequences.
    pub fn check_groups(self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        let (expected, found) = (self.minimum_group(), batch.smallest_group());
        if batch.is_population() || found >= expected {
            return Ok(());
        }
        let message = format!(
            "`baseline: {self:?}` needs groups of at least {expected} samples, found a group of {found}"
        );
        Err(PluginError::config("baseline", message)
            .with_hint("sample larger groups, or set `baseline: None`"))
    }

    /// Subtracts the baseline from `values`, one a sequence. A group with an infinite value, which has no mean, keeps its
    /// values. In a group of one the baselines of groups do not exist: NaN, which hosts refuse;
    /// [`check_groups`](Self::check_groups) says it better.
    pub fn subtract(self, batch: &ObjectiveBatch<'_>, values: &mut [f64]) {
        if self == Self::None || batch.is_population() {
            return;
        }
        for g in 0..batch.groups() {
            let group = &mut values[batch.group(g)];
            let (n, sum) = (group.len() as f64, group.iter().sum::<f64>());
            if !sum.is_finite() {
                continue;
            }
            for value in group {
                *value -= match self {
                    _ if n < 2.0 => f64::NAN,
                    Self::LeaveOneOut => (sum - *value) / (n - 1.0),
                    _ => sum / n,
                };
            }
        }
    }
}
