//! Paired differences between objectives.

use crate::number;
use serde::{Deserialize, Serialize};

/// The difference of an objective from the first one, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The policy.
    pub policy: String,
    /// The objective.
    pub objective: String,
    /// The first objective.
    pub baseline: String,
    /// The learning rate of its arms; absent where all arms of the run have the same.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub learning_rate: Option<f64>,
    /// That of the first objective's; absent where all arms of the run have the same.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub baseline_learning_rate: Option<f64>,
    /// The figure, as in `curves.csv`.
    pub metric: String,
    /// Mean difference over seeds.
    #[serde(with = "number")]
    pub difference: f64,
    /// Lower end of its 95 % interval; absent of fewer than five pairs, and where all differences are equal.
    #[serde(default, with = "number::optional")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, with = "number::optional")]
    pub high: Option<f64>,
    /// The standard error that all seeds share, since all arms are measured by the same samples of p*; `low` and `high`
    /// include it. Absent where they share none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub shared_std_error: Option<f64>,
    /// Number of pairs.
    pub pairs: usize,
    /// The probability, over random signs of the differences, of a mean that is at least as far from 0. Absent where pairs
    /// share an error, which the test would take for a difference, and of figures that have no test.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub p_value: Option<f64>,
    /// The same by Holm, over the objectives that are compared in this figure under this policy.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub adjusted_p_value: Option<f64>,
    /// Whether that is at most 0.05; absent without a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub star: Option<StarRecord>,
    /// How many pairs it would take for a star to be within reach, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs_needed: Option<usize>,
}

/// Whether a difference earns a star.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StarRecord {
    /// Its adjusted p-value is at most 0.05.
    Earned,
    /// It is not.
    Missed,
    /// With so few pairs it could not be, whatever the differences.
    OutOfReach,
}
