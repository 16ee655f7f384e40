//! Figures of single prompts: `prompts.csv`.

use crate::Measures;

/// Whose figures or outputs they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// A row that policies are compared with: `base`, `filtered`, `tilted 0.1`, …, as among the record's references.
    Reference(String),
    /// A policy before its first step.
    Start {
        /// The policy.
        policy: String,
        /// The seed; the first of those that start alike.
        seed: u64,
    },
    /// A trained policy.
    End {
        /// The policy.
        policy: String,
        /// The objective.
        objective: String,
        /// The learning rate.
        learning_rate: f64,
        /// The seed.
        seed: u64,
    },
}

/// The figures of one policy or reference at one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptFigures {
    /// Whose.
    pub whose: Whose,
    /// The prompt's text.
    pub prompt: String,
    /// `validity_rate`, `entropy`, `kl_from_filtered`, `pass@k` and `coverage@k` of every k.
    pub measures: Measures,
}
