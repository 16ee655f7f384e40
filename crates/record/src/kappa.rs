//! How fast objectives climb that depend on rewards and counts alone, and how that compares with what they claim.

use crate::number;
use serde::{Deserialize, Serialize};

/// κ(V), the factor of ∇V in the expected gradient of a prompt, of the objectives of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KappaRecord {
    /// The validity rates V.
    pub validity_rates: Vec<f64>,
    /// The objectives, in the file's order.
    pub objectives: Vec<ObjectiveKappa>,
    /// How many prompts cosines are of.
    #[serde(default)]
    pub prompts: u64,
    /// Why there are no cosines, of all policies or of one.
    #[serde(default)]
    pub without_cosines: Vec<String>,
}

/// κ of an objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveKappa {
    /// The objective.
    pub objective: String,
    /// The size of groups; `None` where coefficients depend on more than rewards and counts, or κ on no group.
    pub group: Option<u64>,
    /// κ at every rate; empty where the expected gradient is no multiple of ∇V.
    pub kappa: Vec<f64>,
    /// Why it is none: parts of the configuration.
    #[serde(default)]
    pub because: Vec<String>,
    /// What its expected gradient is claimed to follow; `None` if nothing is.
    #[serde(default)]
    pub claim: Option<String>,
    /// The factor w of ∇V in what is claimed, at every rate; empty where that is no multiple of ∇V.
    #[serde(default)]
    pub claimed: Vec<f64>,
    /// κ/w at every rate; empty without one of them.
    #[serde(default)]
    pub ratio: Vec<Ratio>,
    /// For each policy the cosine of Σ_x w_x κ(V_x) ∇V_x and what is claimed of it, over the experiment's prompts at the
    /// policy's start; empty without one of them.
    #[serde(default)]
    pub cosines: Vec<PolicyCosine>,
}

/// κ/w, where it is a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(#[serde(with = "number::optional")] pub Option<f64>);

/// The cosine of a policy's expected gradient and the claimed one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyCosine {
    /// The policy.
    pub policy: String,
    /// The cosine; `None` where one of the gradients is 0.
    #[serde(with = "number::optional")]
    pub cosine: Option<f64>,
}
