//! The most probable outputs: `outputs.json`.

use crate::Whose;

/// The most probable outputs of one policy or reference at one prompt, by falling probability.
#[derive(Clone, Debug, PartialEq)]
pub struct LikelyOutputs {
    /// Whose.
    pub whose: Whose,
    /// The prompt's text.
    pub prompt: String,
    /// Whether they are proved to be the most probable; else they are the most frequent of samples.
    pub exact: bool,
    /// The outputs.
    pub outputs: Vec<LikelyOutput>,
}

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub struct LikelyOutput {
    /// Its text.
    pub output: String,
    /// Its probability.
    pub probability: f64,
    /// Its verdict.
    pub valid: bool,
}
