//! How much better a sequence is than its group.

use pstar_core::objective::{Baseline, ObjectiveBatch};
use pstar_core::{Field, PluginError};
use serde::Deserialize;

/// What is subtracted from a sequence's reward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum GroupBaseline {
    /// The mean of the group, the sequence itself included.
    #[default]
    Mean,
    /// The mean of the others.
    LeaveOneOut,
    /// Nothing.
    None,
}

impl GroupBaseline {
    pub(crate) const FIELD: Field = Field::optional(
        "baseline",
        "Mean | LeaveOneOut | None",
        "",
        "Mean",
        "what is subtracted from the reward",
    );

    pub(crate) fn minimum_group(self) -> usize {
        if self == Self::None { 1 } else { 2 }
    }

    /// The advantage of every sequence.
    ///
    /// # Errors
    /// If a group has a single sequence, of which the baseline leaves nothing.
    pub(crate) fn advantages(self, batch: &ObjectiveBatch<'_>) -> Result<Vec<f64>, PluginError> {
        let (expected, found) = (self.minimum_group(), batch.smallest_group());
        if found < expected {
            let message = format!(
                "`baseline: {self:?}` needs groups of at least {expected} samples, found a group of {found}"
            );
            return Err(PluginError::config("baseline", message)
                .with_hint("sample larger groups, or set `baseline: None`"));
        }
        let mut advantages: Vec<f64> = (0..batch.len()).map(|i| batch.reward(i)).collect();
        match self {
            Self::Mean => Baseline::GroupMean.subtract(batch, &mut advantages),
            Self::LeaveOneOut => Baseline::LeaveOneOut.subtract(batch, &mut advantages),
            Self::None => {}
        }
        Ok(advantages)
    }
}
