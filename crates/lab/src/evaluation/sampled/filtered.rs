//! Samples of p*, and what they tell of a policy: means over p* that every policy has, however it is represented.

use super::draws::Draws;
use crate::evaluation::Measure;
use crate::experiment::Experiment;
use pstar_core::data::RaggedBuffer;
use pstar_core::math;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_exact::TiltedModel;
use pstar_exact::dynamic::FilteredSampler;
use pstar_stats::{mean, std_error};

/// Samples of p* for one prompt.
#[derive(Debug)]
pub(in crate::evaluation) struct FilteredSamples {
    pub(super) tokens: RaggedBuffer<u32>,
    /// log a of each, in nats.
    pub(super) base_log_probs: Vec<f64>,
    /// log Z.
    pub(super) log_valid: f64,
    /// Its variance, where it is an estimate.
    log_valid_variance: f64,
    /// What is known exactly; absent where Z is an estimate.
    pub(super) exact: Option<ExactFacts>,
}

/// What is known of a prompt where Z is.
#[derive(Clone, Debug)]
pub(in crate::evaluation) struct ExactFacts {
    /// log (1 − Z).
    pub(in crate::evaluation) log_invalid: f64,
    /// The tilted distributions that are told of.
    pub(in crate::evaluation) tilted: Vec<TiltedModel>,
}

impl FilteredSamples {
    /// The valid ones among the base's samples; `None` if there are none.
    pub(super) fn by_rejection(base: &Draws) -> Option<Self> {
        let valid: Vec<usize> = (0..base.len()).filter(|&i| base.valid[i]).collect();
        let (n, hits) = (base.len() as f64, valid.len() as f64);
        (!valid.is_empty()).then(|| Self {
            tokens: valid.iter().map(|&i| base.tokens.view().row(i)).collect(),
            base_log_probs: valid.iter().map(|&i| base.log_probs[i]).collect(),
            log_valid: math::ln(hits / n),
            // The number of valid samples is independent of means over them, so variances add.
            log_valid_variance: (1.0 - hits / n) / hits,
            exact: None,
        })
    }

    /// Exact samples, as many as the experiment says.
    #[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
    pub(in crate::evaluation) fn of(
        experiment: &Experiment,
        prompt: usize,
        sampler: &FilteredSampler,
        exact: ExactFacts,
    ) -> Self {
        let key = StreamKey::new(super::BASE_SEED, Purpose::FilteredEvaluation, 0);
        let log_valid = sampler.log_validity_rate();
        let (mut tokens, mut base_log_probs) = (RaggedBuffer::default(), Vec::new());
        let mut row = Vec::new();
        for sample in 0..experiment.evaluation.samples {
            let mut uniforms = key.row(prompt as u32, sample as u32);
            let log_prob = sampler.sample(|position| uniforms.at(position), &mut row);
            tokens.push(&row);
            base_log_probs.push(log_prob + log_valid);
        }
        Self { tokens, base_log_probs, log_valid, log_valid_variance: 0.0, exact: Some(exact) }
    }

    /// What the samples tell of the policy that gives them these log-probabilities.
    pub(super) fn against<'a>(&'a self, log_probs: &'a [f64]) -> AgainstFiltered<'a> {
        AgainstFiltered { samples: self, log_probs }
    }
}

/// Estimates of figures that are means over p*; all but those that say so are unbiased where Z is exact.
pub(super) struct AgainstFiltered<'a> {
    samples: &'a FilteredSamples,
    /// log q of each sample.
    log_probs: &'a [f64],
}

impl<'a> AgainstFiltered<'a> {
    /// The samples of p*.
    pub(super) fn samples(&self) -> &'a FilteredSamples {
        self.samples
    }

    /// log p* − log q of each sample.
    fn log_ratios(&self) -> impl Iterator<Item = f64> + '_ {
        let base = self.samples.base_log_probs.iter();
        base.zip(self.log_probs).map(|(log_a, log_q)| log_a - self.samples.log_valid - log_q)
    }

    /// The mean of a function of q/p* over p*.
    pub(super) fn mean(&self, f: impl Fn(f64) -> f64) -> Measure {
        estimate(&self.log_ratios().map(|log_ratio| f(math::exp(-log_ratio))).collect::<Vec<_>>())
    }

    /// KL(p*‖q).
    pub(super) fn kl_from_filtered(&self) -> Measure {
        let ratios: Vec<f64> = self.log_ratios().collect();
        let variance = self.samples.log_valid_variance;
        let std_error = std_error(&ratios).map(|error| (error * error + variance).sqrt());
        Measure { value: Some(mean(&ratios)), std_error }
    }

    /// Total variation.
    pub(super) fn tv(&self) -> Measure {
        self.mean(|ratio| f64::max(0.0, 1.0 - ratio))
    }

    /// Squared Hellinger distance.
    pub(super) fn hellinger2(&self) -> Measure {
        self.mean(|ratio| 1.0 - ratio.sqrt())
    }

    /// D_α(q‖p*) for 0 < α < 1; absent otherwise.
    pub(super) fn alpha_divergence(&self, alpha: f64) -> Measure {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Measure::default();
        }
        self.mean(|ratio| (1.0 - math::pow(ratio, alpha)) / (alpha * (1.0 - alpha)))
    }
}

/// A mean with its standard error.
pub(super) fn estimate(values: &[f64]) -> Measure {
    Measure { value: Some(mean(values)), std_error: std_error(values) }
}
