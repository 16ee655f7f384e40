//! The policy: a softmax n-gram.

use crate::base_model::{configured_tables, shape};
use crate::config::{ORDER, PolicyConfig, TABLE, TABLES};
use crate::contexts::Contexts;
use crate::distribution::Distribution;
use crate::model::Ngram;
use crate::table;
use pstar_core::author::{FitBatch, GradientBatch};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::StreamKey;
use pstar_core::{Field, PluginError, Policy, Task, math};

/// Half the width of the uniform distribution that random logits are drawn from.
const RANDOM_LOGIT: f64 = 1.0;

impl Policy for Ngram {
    const NAME: &'static str = "ngram";
    const DOC: &'static str = "softmax n-gram, position-independent or position-dependent";
    type Config = PolicyConfig;
    const ENTROPY: bool = true;
    const FIELDS: &'static [Field] = &[
        ORDER,
        Field::optional(
            "position_dependent",
            "true | false",
            "",
            "false",
            "whether every position has logits of its own",
        ),
        TABLE,
        TABLES,
    ];

    fn new(config: PolicyConfig, task: &Task) -> Result<Self, PluginError> {
        let tables = configured_tables(config.table.as_ref(), config.tables.as_deref(), task)?;
        let dependent = config.position_dependent || config.tables.is_some();
        let positions = if dependent { task.horizon } else { 1 };
        let contexts = Contexts::new(config.order, task, positions)?;
        let logits = match tables {
            None => None,
            Some((field, tables)) => Some(table::logits(field, tables, &contexts, task)?),
        };
        let mut distribution = Distribution::uniform(contexts, positions, task);
        if let Some(logits) = logits {
            let repeats = distribution.logits().len() / logits.len();
            distribution.set_logits(&logits.repeat(repeats));
        }
        Ok(Self {
            distribution,
            alphabet: task.alphabet.clone(),
            shape: shape(config.order, positions, task),
        })
    }

    fn parameter_count(&self) -> usize {
        self.distribution.logits().len()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        let (expected, found) = (self.parameter_count(), parameters.len());
        if expected != found {
            return Err(PluginError::data(format!("expected {expected} parameters, found {found}")));
        }
        if let Some(found) = parameters.iter().find(|x| x.is_nan() || **x == f64::INFINITY) {
            return Err(PluginError::data(format!("a logit must be a number or -inf, found {found}")));
        }
        self.distribution.set_logits(parameters);
        Ok(())
    }

    fn row(&self, position: usize, state: u64) -> Option<usize> {
        Some(self.distribution.row(position, state))
    }

    fn row_name(&self, row: usize) -> Option<String> {
        let (position, context) = self.distribution.context_of(row)?;
        let context = self.alphabet.context_text(&context);
        Some(position.map_or(context.clone(), |position| format!("{position}:{context}")))
    }

    fn randomise(&mut self, key: StreamKey) {
        self.distribution.change_logits(|logits| {
            for (i, logit) in (0..).zip(logits) {
                *logit = RANDOM_LOGIT * (2.0 * key.uniform(0, i, 0) - 1.0);
            }
        });
    }

    /// Row by row, Σ w c (1[k = token] − π(k | row)): the first part token by token, the second once a row; and
    /// −Σ w e π(k | row) (log π(k | row) + H(row)) of the entropy.
    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient.fill(0.0);
        let k = self.distribution.choices();
        let rows = gradient.len() / k;
        let mut row_sums = vec![0.0; rows];
        let mut entropies = vec![0.0; if batch.entropy.is_empty() { 0 } else { rows }];
        self.visit_weighted(&batch.sequences, batch.weights, |row, token, index, weight| {
            let amount = weight * batch.coefficients[index];
            gradient[row * k + token] += amount;
            row_sums[row] += amount;
            if let Some(entropy) = entropies.get_mut(row) {
                *entropy += weight * batch.entropy[index];
            }
        });
        let rows = gradient.chunks_exact_mut(k).zip(self.distribution.probs().chunks_exact(k));
        for ((row, probs), sum) in rows.zip(row_sums) {
            if sum != 0.0 {
                row.iter_mut().zip(probs).for_each(|(g, p)| *g -= sum * p);
            }
        }
        let rows = gradient.chunks_exact_mut(self.distribution.choices());
        let probs = self.distribution.probs().chunks_exact(self.distribution.choices());
        for ((row, probs), amount) in rows.zip(probs).zip(entropies) {
            add_entropy(row, probs, amount);
        }
        Ok(())
    }

    /// Closed form: π(k | row) = weighted count of k in the row / weighted count of the row.
    fn fit(&mut self, batch: &FitBatch<'_>) -> Result<(), PluginError> {
        let choices = self.distribution.choices();
        let mut counts = vec![0.0; self.parameter_count()];
        self.visit_weighted(&batch.sequences, batch.weights, |row, token, _, weight| {
            counts[row * choices + token] += weight;
        });
        self.distribution.change_logits(|logits| {
            for (logits, counts) in logits.chunks_exact_mut(choices).zip(counts.chunks_exact(choices)) {
                let total: f64 = counts.iter().sum();
                if total > 0.0 {
                    let credit = batch.pseudo_count;
                    let total = total + credit * choices as f64;
                    let log_probs = counts.iter().map(|c| math::ln((c + credit) / total));
                    logits.iter_mut().zip(log_probs).for_each(|(logit, log_prob)| *logit = log_prob);
                }
            }
        });
        Ok(())
    }
}

/// Adds a multiple of the gradient of the entropy of a softmax in its logits, −π_k (log π_k + H).
fn add_entropy(gradient: &mut [f64], probs: &[f64], amount: f64) {
    let surprise = |p: f64| if p > 0.0 { -math::ln(p) } else { 0.0 };
    let entropy: f64 = probs.iter().map(|&p| p * surprise(p)).sum();
    for (g, &p) in gradient.iter_mut().zip(probs) {
        *g += amount * p * (surprise(p) - entropy);
    }
}

impl Ngram {
    /// Calls `visit(row, token, index, w)`, with the number of the row, for every token of every sequence whose weight is not 0.
    fn visit_weighted(
        &self,
        sequences: &SequenceBatch<'_>,
        weights: &[f64],
        mut visit: impl FnMut(usize, usize, usize, f64),
    ) {
        let weight = std::cell::Cell::new(0.0);
        let wanted = |sequence: usize| {
            weight.set(weights[sequence]);
            weight.get() != 0.0
        };
        self.distribution.visit_tokens(sequences, wanted, |row, token, index| {
            visit(row, token, index, weight.get());
        });
    }
}

#[cfg(test)]
mod tests;
