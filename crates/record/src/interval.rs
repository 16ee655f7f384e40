//! Means over seeds with their intervals.

use crate::number;
use serde::{Deserialize, Serialize};

/// A mean over seeds and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    #[serde(with = "number")]
    pub mean: f64,
    /// Lower end of the interval; absent of fewer than five seeds, and where all values are equal.
    #[serde(default, with = "number::optional")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, with = "number::optional")]
    pub high: Option<f64>,
}

/// A final figure of one policy under one objective: its mean over seeds with an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricInterval {
    /// The policy.
    pub policy: String,
    /// The objective.
    pub objective: String,
    /// The learning rate of its arms; absent where all arms of the run have the same.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub learning_rate: Option<f64>,
    /// The figure, as in `curves.csv`.
    pub metric: String,
    /// Its mean and interval.
    #[serde(flatten)]
    pub spread: Spread,
    /// Number of seeds.
    pub seeds: usize,
}
