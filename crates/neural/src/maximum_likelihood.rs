//! Weighted maximum likelihood by mini-batches.

use crate::adam::Adam;
use crate::network::Network;
use crate::neural::Neural;
use pstar_core::PluginError;
use pstar_core::SequenceModel;
use pstar_core::author::GradientBatch;
use pstar_core::data::{SequenceBatch, SequenceBuffer};

/// Greatest norm of the gradient of a mean log-likelihood.
const MOST_NORM: f64 = 1.0;

/// A fit under way.
#[derive(Debug)]
pub(crate) struct Fit {
    adam: Adam,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
}

impl Fit {
    /// A fit that starts at the parameters of a model.
    pub(crate) fn new<N: Network>(model: &Neural<N>) -> Self {
        let parameters = model.values().to_vec();
        Self { adam: Adam::new(parameters.len()), gradient: vec![0.0; parameters.len()], parameters }
    }

    /// One step up the mean log-likelihood of some sequences of a batch.
    pub(crate) fn step<N: Network>(
        &mut self,
        model: &mut Neural<N>,
        batch: &SequenceBatch<'_>,
        rows: &[usize],
        learning_rate: f64,
    ) -> Result<(), PluginError> {
        let sequences = select(batch, rows);
        let weights = vec![1.0 / rows.len() as f64; rows.len()];
        let sequences = sequences.view();
        let ones = vec![1.0; sequences.tokens().values().len()];
        let batch = GradientBatch::new(sequences, &weights, &ones)?;
        model.gradient_of(&batch, &mut self.gradient)?;
        self.adam.step(&mut self.parameters, &self.gradient, learning_rate, MOST_NORM);
        model.replace(&self.parameters);
        Ok(())
    }
}

/// Some sequences of a batch, in order of length so that those of a chunk end together.
#[allow(clippy::cast_possible_truncation, reason = "a batch has fewer than 2^32 sequences")]
pub(crate) fn select(batch: &SequenceBatch<'_>, rows: &[usize]) -> SequenceBuffer {
    let length = |row: usize| batch.prompt(row).len() + batch.tokens().row(row).len();
    let mut rows = rows.to_vec();
    rows.sort_by_key(|&row| length(row));
    let mut sequences = SequenceBuffer::new(rows.iter().map(|&row| batch.prompt(row)).collect());
    for (prompt, &row) in rows.iter().enumerate() {
        sequences.push(prompt as u32, batch.tokens().row(row).iter().copied());
    }
    sequences
}

/// The perplexity of sequences: e to the mean surprisal of a token.
pub(crate) fn perplexity<N: Network>(
    model: &Neural<N>,
    batch: &SequenceBatch<'_>,
) -> Result<f64, PluginError> {
    let mut log_probs = vec![0.0; batch.tokens().values().len()];
    model.score(batch, &mut log_probs)?;
    Ok(pstar_core::math::exp(-log_probs.iter().sum::<f64>() / log_probs.len().max(1) as f64))
}
