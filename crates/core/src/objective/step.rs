//! What an objective answers to a batch.

use super::{ObjectiveBatch, PartitionUsed};

/// What an objective answers to a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectiveStep {
    /// c_it, one a token.
    pub coefficients: Vec<f64>,
    /// For each group the log Z that was used; empty where none was.
    pub partitions: Vec<PartitionUsed>,
    /// Named figures for the record: a run's curves hold their means over steps. `clipped_fraction`, the share of
    /// sequences whose coefficient a clip lowered, lets the host say where a clip never acts.
    pub diagnostics: Vec<(String, f64)>,
}

impl ObjectiveStep {
    /// The step whose tokens all carry the coefficient of their sequence.
    ///
    /// # Panics
    /// If there is not one value a sequence.
    pub fn per_sequence(batch: &ObjectiveBatch<'_>, coefficients: &[f64]) -> Self {
        assert_eq!(coefficients.len(), batch.len(), "one coefficient a sequence");
        let rows = batch.log_probs().rows().zip(coefficients);
        let coefficients = rows.flat_map(|(row, &c)| std::iter::repeat_n(c, row.len())).collect();
        Self { coefficients, ..Self::default() }
    }
}
