//! Samples of p*, and what they tell of a policy: means over p* that every policy has, however it is represented.

use super::draws::Draws;
use super::rate_error;
use crate::world::World;
use pstar_core::data::RaggedBuffer;
use pstar_core::math;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_exact::TiltedModel;
use pstar_exact::dynamic::FilteredSampler;
use pstar_record::{Measure, Shared};
use pstar_stats::{mean, std_error};

/// Samples of p* for one prompt.
#[derive(Debug)]
pub(in crate::evaluation) struct FilteredSamples {
    pub(super) tokens: RaggedBuffer<u32>,
    /// Which of the draws each is, and the number of draws: those that were rejected included.
    draws: (Vec<usize>, usize),
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
    /// The valid ones among the base's samples; `None` if there are not two, so that an error can be told.
    pub(super) fn by_rejection(base: &Draws) -> Option<Self> {
        let valid: Vec<usize> = (0..base.len()).filter(|&i| base.valid[i]).collect();
        let rate = valid.len() as f64 / base.len() as f64;
        (valid.len() > 1).then(|| Self {
            tokens: valid.iter().map(|&i| base.tokens.view().row(i)).collect(),
            base_log_probs: valid.iter().map(|&i| base.log_probs[i]).collect(),
            log_valid: math::ln(rate),
            // The number of valid samples is independent of means over them, so variances add.
            log_valid_variance: (rate_error(valid.len() as u64, base.len()) / rate).powi(2),
            exact: None,
            draws: (valid, base.len()),
        })
    }

    /// Exact samples, as many as the world says.
    #[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
    pub(in crate::evaluation) fn of(
        world: &World,
        prompt: usize,
        sampler: &FilteredSampler,
        exact: ExactFacts,
    ) -> Self {
        let key = StreamKey::new(super::BASE_SEED, Purpose::FilteredEvaluation, 0);
        let log_valid = sampler.log_validity_rate();
        let (mut tokens, mut base_log_probs) = (RaggedBuffer::default(), Vec::new());
        let mut row = Vec::new();
        for sample in 0..world.evaluation.samples {
            let mut uniforms = key.row(prompt as u32, sample as u32);
            let log_prob = sampler.sample(|position| uniforms.at(position), &mut row);
            tokens.push(&row);
            base_log_probs.push(log_prob + log_valid);
        }
        let draws = ((0..base_log_probs.len()).collect(), base_log_probs.len());
        Self { tokens, draws, base_log_probs, log_valid, log_valid_variance: 0.0, exact: Some(exact) }
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

    /// The mean of a function of log q/p* over p*.
    pub(super) fn mean(&self, f: impl Fn(f64) -> f64) -> (Measure, Shared) {
        let values: Vec<f64> = self.log_ratios().map(|log_ratio| f(-log_ratio)).collect();
        (estimate(&values), self.shared(&values, 0.0))
    }

    /// How far the draws move a mean of `values`, one a sample, less `log_valid_weight` times log Z where that is
    /// estimated from the same draws.
    fn shared(&self, values: &[f64], log_valid_weight: f64) -> Shared {
        let (draws, n) = &self.samples.draws;
        let (hits, mean) = (values.len() as f64, mean(values));
        let of_valid = draws.iter().zip(values).map(|(&draw, value)| (draw, (value - mean) / hits));
        if self.samples.exact.is_some() {
            return Shared::of(*n, of_valid);
        }
        // d log Z / d v = (v − Z) / (n Z) a draw.
        let rate = hits / *n as f64;
        let one_more = draws.iter().map(|&draw| (draw, -log_valid_weight / hits));
        let of_all = (0..*n).map(|draw| (draw, log_valid_weight * rate / hits));
        Shared::of(*n, of_valid.chain(one_more).chain(of_all))
    }

    /// KL(p*‖q).
    pub(super) fn kl_from_filtered(&self) -> (Measure, Shared) {
        let ratios: Vec<f64> = self.log_ratios().collect();
        let variance = self.samples.log_valid_variance;
        let std_error = std_error(&ratios).map(|error| (error * error + variance).sqrt());
        (Measure { value: Some(mean(&ratios)), std_error }, self.shared(&ratios, 1.0))
    }

    /// Total variation.
    pub(super) fn tv(&self) -> (Measure, Shared) {
        let (measure, shared) = self.mean(|log_ratio| f64::max(0.0, -math::exp_m1(log_ratio)));
        (self.unless_missed(measure, 1.0, 1.0), shared)
    }

    /// Squared Hellinger distance.
    pub(super) fn hellinger2(&self) -> (Measure, Shared) {
        let (measure, shared) = self.mean(|log_ratio| -math::exp_m1(0.5 * log_ratio));
        (self.unless_missed(measure, 0.5, 1.0), shared)
    }

    /// D_α(q‖p*) for 0 < α ≤ ½, where the mean of squares of (q/p*)^α over p* is at most 1; beyond it, samples of the
    /// policy do better.
    pub(super) fn alpha_divergence(&self, alpha: f64) -> (Measure, Shared) {
        let scale = 1.0 / (alpha * (1.0 - alpha));
        let (measure, shared) = self.mean(|log_ratio| -scale * math::exp_m1(alpha * log_ratio));
        (self.unless_missed(measure, 1.0 - alpha, scale), shared)
    }

    /// Where the policy misses every sample of p*, the samples agree without proving anything: what p* gives to the
    /// outputs that were not drawn, about one in their number, may be where the policy is. By Hölder's inequality the
    /// mean of (q/p*)^α over it is at most its mass to the power 1 − α.
    fn unless_missed(&self, measure: Measure, power: f64, scale: f64) -> Measure {
        let missed = self.log_probs.iter().all(|&log_q| log_q == f64::NEG_INFINITY);
        let unseen = scale * math::pow(1.0 / (self.log_probs.len() as f64 + 2.0), power);
        Measure { std_error: if missed { Some(unseen) } else { measure.std_error }, ..measure }
    }
}

/// A mean with its standard error.
pub(super) fn estimate(values: &[f64]) -> Measure {
    Measure { value: Some(mean(values)), std_error: std_error(values) }
}
