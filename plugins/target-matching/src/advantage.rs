//! How much better a sequence is than its group: a baseline, then divisions.

use pstar_core::objective::{self, ObjectiveBatch};
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
}

/// What the difference is divided by, a statistic of the group's rewards.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Scale {
    /// Their standard deviation plus ε.
    Std {
        /// ε ≥ 0.
        epsilon: f64,
        /// What their number is lessened by.
        #[serde(default = "one")]
        ddof: u32,
        /// What happens where the deviation is 0.
        #[serde(default)]
        zero: Zero,
    },
    /// Their mean, at least `minimum`, plus ε; where it is 0 so is the advantage.
    Mean {
        /// ε ≥ 0.
        epsilon: f64,
        /// Least mean.
        #[serde(default)]
        minimum: f64,
    },
    /// The root of their mean, plus ε; where it is 0 so is the advantage.
    RootMean {
        /// ε ≥ 0.
        epsilon: f64,
    },
}

/// What happens where a deviation is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Zero {
    /// ε divides.
    #[default]
    Divide,
    /// Nothing divides.
    Skip,
}

fn one() -> u32 {
    1
}

impl Scale {
    pub(crate) const FIELD: Field = Field::optional(
        "scale",
        "list of Std(epsilon, ddof: 1, zero: Divide | Skip) | Mean(epsilon, minimum: 0) | RootMean(epsilon)",
        "epsilon >= 0",
        "[Std(epsilon: 1e-6, ddof: 1)]",
        "what the difference is divided by, statistics of the group's rewards",
    );

    /// That of GRPO.
    pub(crate) fn grpo() -> Vec<Self> {
        vec![Self::Std { epsilon: 1e-6, ddof: 1, zero: Zero::Divide }]
    }

    /// # Errors
    /// For a value out of range.
    pub(crate) fn check(self) -> Result<(), PluginError> {
        let (Self::Std { epsilon, .. } | Self::Mean { epsilon, .. } | Self::RootMean { epsilon }) = self;
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            let message = format!("`epsilon` must be a number of at least 0, found `{epsilon}`");
            return Err(PluginError::config("scale", message));
        }
        match self {
            Self::Mean { minimum, .. } if !(minimum >= 0.0 && minimum.is_finite()) => {
                let message = format!("`minimum` must be a number of at least 0, found `{minimum}`");
                Err(PluginError::config("scale", message))
            }
            _ => Ok(()),
        }
    }

    /// An advantage divided; 0 stays 0.
    fn divided(self, advantage: f64, rewards: &[f64]) -> f64 {
        if advantage == 0.0 {
            return 0.0;
        }
        let n = rewards.len() as f64;
        let mean = rewards.iter().sum::<f64>() / n;
        match self {
            Self::Std { epsilon, ddof, zero } => {
                let squares: f64 = rewards.iter().map(|reward| (reward - mean) * (reward - mean)).sum();
                let freedom = n - f64::from(ddof);
                let deviation = if freedom > 0.0 { (squares / freedom).sqrt() } else { 0.0 };
                if deviation == 0.0 && zero == Zero::Skip {
                    advantage
                } else {
                    advantage / (deviation + epsilon)
                }
            }
            Self::Mean { .. } | Self::RootMean { .. } if mean == 0.0 => 0.0,
            Self::Mean { epsilon, minimum } => advantage / (mean.max(minimum) + epsilon),
            Self::RootMean { epsilon } => advantage / (mean.sqrt() + epsilon),
        }
    }
}

/// The advantage of every sequence.
///
/// # Errors
/// If a group has a single sequence, of which the baseline leaves nothing.
pub(crate) fn advantages(
    batch: &ObjectiveBatch<'_>,
    baseline: GroupBaseline,
    scales: &[Scale],
) -> Result<Vec<f64>, PluginError> {
    let (expected, found) = (baseline.minimum_group(), batch.smallest_group());
    if found < expected {
        let message = format!(
            "`baseline: {baseline:?}` needs groups of at least {expected} samples, found a group of {found}"
        );
        return Err(PluginError::config("baseline", message)
            .with_hint("sample larger groups, or set `baseline: None`"));
    }
    let rewards: Vec<f64> = (0..batch.len()).map(|i| batch.reward(i)).collect();
    let mut advantages = rewards.clone();
    match baseline {
        GroupBaseline::Mean => objective::Baseline::GroupMean.subtract(batch, &mut advantages),
        GroupBaseline::LeaveOneOut => objective::Baseline::LeaveOneOut.subtract(batch, &mut advantages),
        GroupBaseline::None => {}
    }
    for group in (0..batch.groups()).map(|g| batch.group(g)) {
        for advantage in &mut advantages[group.clone()] {
            *advantage = scales
                .iter()
                .fold(*advantage, |advantage, scale| scale.divided(advantage, &rewards[group.clone()]));
        }
    }
    Ok(advantages)
}
