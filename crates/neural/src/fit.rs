//! Fitting a base model to a corpus.

use crate::config::FitSettings;
use crate::maximum_likelihood::{Fit, perplexity, select};
use crate::network::Network;
use crate::neural::Neural;
use pstar_core::PluginError;
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{Purpose, StreamKey};

/// How a base model is fitted; checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitPlan {
    /// Greatest number of passes over the corpus.
    pub epochs: u32,
    /// Strings in a mini-batch.
    pub batch: usize,
    /// Adam's.
    pub learning_rate: f64,
    /// The share of the corpus that perplexity is measured on.
    pub held_out: f64,
    /// Passes without a better perplexity before fitting ends.
    pub patience: u32,
    /// Of initial parameters, held-out part and order.
    pub seed: u64,
}

impl FitPlan {
    /// The plan that is configured.
    ///
    /// # Errors
    /// Of kind [`Config`](pstar_core::ErrorKind::Config), at the field at fault.
    pub fn new(config: &FitSettings) -> Result<Self, PluginError> {
        let plan = Self {
            epochs: config.epochs.unwrap_or(100),
            batch: config.batch.unwrap_or(32),
            learning_rate: config.learning_rate.unwrap_or(0.003),
            held_out: config.held_out.unwrap_or(0.1),
            patience: config.patience.unwrap_or(5),
            seed: config.seed.unwrap_or(1),
        };
        let refuse = |field: &str, expected: &str, found: String| {
            Err(PluginError::config(field, format!("`{field}` must be {expected}, found `{found}`")))
        };
        match plan {
            Self { epochs: 0, .. } => refuse("epochs", "at least 1", "0".into()),
            Self { batch: 0, .. } => refuse("batch", "at least 1", "0".into()),
            Self { patience: 0, .. } => refuse("patience", "at least 1", "0".into()),
            Self { learning_rate: x, .. } if !(x > 0.0 && x.is_finite()) => {
                refuse("learning_rate", "a number above 0", x.to_string())
            }
            Self { held_out: x, .. } if !(0.0..1.0).contains(&x) => {
                refuse("held_out", "in [0, 1)", x.to_string())
            }
            plan => Ok(plan),
        }
    }
}

/// How a fit went.
#[derive(Clone, Copy, Debug)]
pub struct FitReport {
    /// Whether there was a held-out part: where the corpus is too small for one, all passes are made.
    pub held_out: bool,
    /// Perplexity of the held-out part, or of the corpus without one; not finite if the fit diverged.
    pub perplexity: f64,
}

/// Fits `model` to a corpus, by mini-batches that are drawn anew in every pass.
///
/// After every pass the perplexity of the held-out part is measured; the best parameters are kept.
///
/// # Errors
/// Those of the model.
pub fn fit<N: Network>(
    model: &mut Neural<N>,
    corpus: &SequenceBatch<'_>,
    plan: &FitPlan,
) -> Result<FitReport, PluginError> {
    let order = shuffled(&(0..corpus.len()).collect::<Vec<_>>(), plan.seed, 0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let count = (corpus.len() as f64 * plan.held_out) as usize;
    let (held_out, rest) = order.split_at(count);
    let held_out = select(corpus, held_out);
    let mut fit = Fit::new(model);
    let (mut best, mut least, mut since) = (model.values().to_vec(), f64::INFINITY, 0);
    for epoch in 0..plan.epochs {
        for rows in shuffled(rest, plan.seed, epoch + 1).chunks(plan.batch) {
            fit.step(model, corpus, rows, plan.learning_rate)?;
        }
        if count == 0 {
            continue;
        }
        let found = perplexity(model, &held_out.view())?;
        if found < least {
            (least, since) = (found, 0);
            best.copy_from_slice(model.values());
        } else {
            since += 1;
        }
        if since == plan.patience {
            break;
        }
    }
    if count == 0 {
        least = perplexity(model, corpus)?;
    } else {
        model.replace(&best);
    }
    Ok(FitReport { held_out: count > 0, perplexity: least })
}

/// A permutation of `rows`.
fn shuffled(rows: &[usize], seed: u64, epoch: u32) -> Vec<usize> {
    let key = StreamKey::new(seed, Purpose::PromptOrder, epoch);
    let mut keyed: Vec<(f64, usize)> = (0..).zip(rows).map(|(i, &row)| (key.uniform(0, i, 0), row)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed.into_iter().map(|(_, row)| row).collect()
}
