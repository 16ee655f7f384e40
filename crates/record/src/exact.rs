//! The exact values of a task and of its policies at their initial parameters.

use crate::{Measures, Method, pairs};
use serde::{Deserialize, Serialize};

/// The exact values of a task, prompt by prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExactRecord {
    /// One record a prompt, in the file's order.
    pub prompts: Vec<PromptRecord>,
}

/// The exact values of one prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// The prompt.
    pub prompt: String,
    /// How the values were had.
    pub method: Method,
    /// Number of outputs of the space.
    pub outputs: String,
    /// Number of outputs that the verifier accepts.
    pub valid_outputs: String,
    /// Number of those that the base reaches.
    pub valid_support: String,
    /// The base.
    pub base: Measures,
    /// The filtered model, where there is one.
    pub filtered: Option<Measures>,
    /// The tilted distributions, one a β of the evaluation.
    pub tilted: Vec<Measures>,
    /// The power-filtered targets, one an α of the evaluation; none where there is no filtered model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub powers: Vec<Measures>,
    /// The policies at their initial parameters, in the file's order.
    #[serde(with = "pairs")]
    pub policies: Vec<(String, Measures)>,
}
