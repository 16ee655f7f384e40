//! How fast objectives climb that depend on rewards and counts alone.

use serde::{Deserialize, Serialize};

/// κ(V), the factor of ∇V in the expected gradient of a prompt, of the objectives of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KappaRecord {
    /// The validity rates V.
    pub validity_rates: Vec<f64>,
    /// The objectives, in the file's order.
    pub objectives: Vec<ObjectiveKappa>,
}

/// κ of an objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveKappa {
    /// The objective.
    pub objective: String,
    /// The size of groups; `None` where coefficients depend on more than rewards and counts.
    pub group: Option<u64>,
    /// κ at every rate; empty without a group.
    pub kappa: Vec<f64>,
}
