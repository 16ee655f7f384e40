//! What an objective answers to a batch.

use super::{ObjectiveBatch, PartitionUsed};
use crate::abi::Numbers;

/// What an objective answers to a batch.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ObjectiveStep {
    /// c_it, one a token.
    pub coefficients: Vec<f64>,
    /// e_it, one a token: how much of the gradient of the entropy of q(· | x, y_i,<t) is added, which the policy works out
    /// exactly; empty for none.
    pub entropy: Vec<f64>,
    /// For each group the log Z that was used; empty where none was.
    pub partitions: Vec<PartitionUsed>,
    /// Named figures for the record: a run's curves hold their means over steps.
    pub diagnostics: Vec<(String, f64)>,
}

impl ObjectiveStep {
    /// The diagnostic by which the host says where a clip never acts: the share of sequences, or tokens, whose coefficient
    /// a clip changed.
    pub const CLIPPED_FRACTION: &'static str = "clipped_fraction";

    /// The step of these coefficients, one a token.
    pub fn per_token(coefficients: Vec<f64>) -> Self {
        Self { coefficients, ..Self::default() }
    }

    /// The step whose tokens all carry the coefficient of their sequence.
    ///
    /// # Panics
    /// If there is not one value a sequence.
    pub fn per_sequence(batch: &ObjectiveBatch<'_>, coefficients: &[f64]) -> Self {
        assert_eq!(coefficients.len(), batch.len(), "one coefficient a sequence");
        let mut tokens = Vec::with_capacity(batch.log_probs().values().len());
        for (row, &c) in batch.log_probs().rows().zip(coefficients) {
            tokens.resize(tokens.len() + row.len(), c);
        }
        Self::per_token(tokens)
    }

    /// With so much of the entropy of every position, one value a token.
    #[must_use]
    pub fn with_entropy(self, entropy: Vec<f64>) -> Self {
        Self { entropy, ..self }
    }

    /// With the log Z that was used for each group.
    #[must_use]
    pub fn with_partitions(self, partitions: Vec<PartitionUsed>) -> Self {
        Self { partitions, ..self }
    }

    /// With one more named figure.
    #[must_use]
    pub fn with_diagnostic(mut self, name: &str, value: f64) -> Self {
        self.diagnostics.push((name.into(), value));
        self
    }
}

/// What an objective of a plugin answered, as its handle gives it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ObjectiveAnswer {
    /// [`ObjectiveStep::coefficients`].
    pub coefficients: Numbers,
    /// [`ObjectiveStep::entropy`].
    pub entropy: Numbers,
    /// [`ObjectiveStep::partitions`].
    pub partitions: Vec<PartitionUsed>,
    /// [`ObjectiveStep::diagnostics`].
    pub diagnostics: Vec<(String, f64)>,
}

impl From<ObjectiveAnswer> for ObjectiveStep {
    fn from(answer: ObjectiveAnswer) -> Self {
        let ObjectiveAnswer { coefficients, entropy, partitions, diagnostics } = answer;
        Self { coefficients: coefficients.to_vec(), entropy: entropy.to_vec(), partitions, diagnostics }
    }
}
