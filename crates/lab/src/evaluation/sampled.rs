//! Evaluation from samples, with standard errors, where the outputs are too many to enumerate.

use super::verdicts::verdicts;
use super::{Measure, Measures};
use crate::experiment::Experiment;
use pstar_core::author::SampleRequest;
use pstar_core::data::{Ragged, RaggedBuffer, SequenceBatch};
use pstar_core::host::{ModelHandle, PolicyHandle};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_stats::{coverage_at_k, mean, pass_at_k, std_error};
use std::collections::BTreeMap;

/// The seed of the base's samples: they belong to the task, so that all arms are measured by the same.
const BASE_SEED: u64 = 0;

/// Samples of one prompt with their verdicts.
#[derive(Debug)]
struct Verified {
    tokens: RaggedBuffer<u32>,
    /// Of each sample, in nats, under the model that it was sampled from.
    log_probs: Vec<f64>,
    valid: Vec<bool>,
}

/// Samples of the base, which policies are measured by.
#[derive(Debug)]
pub struct SampledEvaluation {
    base: Vec<Verified>,
}

impl SampledEvaluation {
    /// Samples the base.
    ///
    /// # Errors
    /// If the base or the verifier fails.
    pub fn new(experiment: &Experiment) -> Result<Self, PluginError> {
        let key = StreamKey::new(BASE_SEED, Purpose::BaseEvaluation, 0);
        let prompts = 0..experiment.prompts.view().len();
        let base = prompts.map(|prompt| draw(experiment, &experiment.base, prompt, key));
        Ok(Self { base: base.collect::<Result<_, _>>()? })
    }

    /// The prompts of which no sample of the base was valid, so that their KL(p*‖q) cannot be estimated.
    pub fn unmet(&self) -> Vec<usize> {
        let unmet = |prompt: &usize| !self.base[*prompt].valid.contains(&true);
        (0..self.base.len()).filter(unmet).collect()
    }

    /// The base's own figures, means over prompts.
    ///
    /// # Errors
    /// If the base fails.
    pub fn base(&self, experiment: &Experiment) -> Result<Measures, PluginError> {
        let rows = (0..self.base.len())
            .map(|prompt| self.measure(experiment, &experiment.base, prompt, &self.base[prompt]));
        Ok(Measures::mean(&rows.collect::<Result<Vec<_>, _>>()?, &experiment.weights))
    }

    /// The figures of a policy at a step, means over prompts.
    ///
    /// # Errors
    /// If a component fails.
    pub fn policy(
        &self,
        experiment: &Experiment,
        policy: &PolicyHandle,
        seed: u64,
        step: u32,
    ) -> Result<Measures, PluginError> {
        let key = StreamKey::new(seed, Purpose::Evaluation, step);
        let rows = (0..self.base.len()).map(|prompt| {
            let samples = draw(experiment, policy, prompt, key)?;
            self.measure(experiment, policy, prompt, &samples)
        });
        Ok(Measures::mean(&rows.collect::<Result<Vec<_>, _>>()?, &experiment.weights))
    }

    fn measure(
        &self,
        experiment: &Experiment,
        model: &dyn ModelHandle,
        prompt: usize,
        samples: &Verified,
    ) -> Result<Measures, PluginError> {
        let n = samples.valid.len();
        let verdicts: Vec<f64> = samples.valid.iter().map(|&valid| f64::from(u8::from(valid))).collect();
        let hits = samples.valid.iter().filter(|&&valid| valid).count() as u64;
        let surprisals: Vec<f64> = samples.log_probs.iter().map(|log_prob| -log_prob).collect();
        let base_log_probs = score(experiment, &experiment.base, prompt, &samples.tokens)?;
        let log_ratios: Vec<f64> = samples.log_probs.iter().zip(base_log_probs).map(|(q, a)| q - a).collect();
        let entropy = estimate(&surprisals);
        let rate = Measure { value: Some(mean(&verdicts)), std_error: Some(rate_error(hits, n)) };
        let spread = |f: fn(f64) -> f64, slope: fn(f64) -> f64, x: Measure| Measure {
            value: x.value.map(f),
            std_error: x.value.zip(x.std_error).map(|(value, error)| slope(value).abs() * error),
        };
        let mut measures = Measures::default();
        measures.push("validity_rate", rate);
        measures.push("invalidity_rate", spread(|x| 1.0 - x, |_| 1.0, rate));
        let log_rate = spread(math::ln, |x| 1.0 / x, rate);
        measures.push("log_validity_rate", if hits > 0 { log_rate } else { Measure::default() });
        measures.push("entropy", entropy);
        measures.push("effective_number", spread(math::exp, math::exp, entropy));
        measures.push("kl_to_base", estimate(&log_ratios));
        measures.push("kl_from_filtered", self.kl_from_filtered(experiment, model, prompt)?);
        let (texts, numbers): (Vec<_>, Vec<_>) =
            experiment.evaluation.k.iter().map(|k| (k.text.clone(), k.value)).unzip();
        let passes = numbers.iter().map(|&k| {
            let slope = rate.value.map(|v| k as f64 * math::pow(1.0 - v, k as f64 - 1.0));
            let std_error = slope.zip(rate.std_error).map(|(slope, error)| slope * error);
            Measure { value: pass_at_k(n as u64, hits, k), std_error }
        });
        measures.push_family("pass_at", texts.clone(), passes.collect::<Vec<_>>());
        let coverages = numbers.iter().map(|&k| coverage(samples, k));
        measures.push_family("coverage_at", texts, coverages.collect::<Vec<_>>());
        Ok(measures)
    }

    /// KL(p*‖q) = E_{p*}\[log a − log q\] − log Z, from the valid ones among the base's samples.
    fn kl_from_filtered(
        &self,
        experiment: &Experiment,
        model: &dyn ModelHandle,
        prompt: usize,
    ) -> Result<Measure, PluginError> {
        let base = &self.base[prompt];
        let valid = (0..base.valid.len()).filter(|&i| base.valid[i]);
        let tokens: RaggedBuffer<u32> = valid.clone().map(|i| base.tokens.view().row(i)).collect();
        let log_probs = score(experiment, model, prompt, &tokens)?;
        let ratios: Vec<f64> =
            valid.zip(log_probs).map(|(i, log_prob)| base.log_probs[i] - log_prob).collect();
        if ratios.is_empty() {
            return Ok(Measure::default());
        }
        let (n, hits) = (base.valid.len() as f64, ratios.len() as f64);
        // The number of valid samples is independent of the mean over them, so the variances add.
        let std_error = std_error(&ratios).map(|error| (error.powi(2) + (1.0 - hits / n) / hits).sqrt());
        Ok(Measure { value: Some(mean(&ratios) - math::ln(hits / n)), std_error })
    }
}

/// The standard error of a rate, from one more success and one more failure than were met: that a few samples all
/// agree is no proof.
fn rate_error(hits: u64, n: usize) -> f64 {
    let rate = (hits as f64 + 1.0) / (n as f64 + 2.0);
    (rate * (1.0 - rate) / (n as f64 + 2.0)).sqrt()
}

fn estimate(values: &[f64]) -> Measure {
    Measure { value: Some(mean(values)), std_error: std_error(values) }
}

/// coverage@k with a standard error from blocks of k samples, which is on the large side.
fn coverage(samples: &Verified, k: u64) -> Measure {
    let n = samples.valid.len();
    let value = coverage_at_k(counts(samples, 0..n), n as u64, k);
    let blocks: Vec<f64> = usize::try_from(k).map_or(Vec::new(), |size| {
        let starts = (0..n / size).map(|block| block * size);
        starts.map(|start| counts(samples, start..start + size).count() as f64).collect()
    });
    Measure { value, std_error: value.and(std_error(&blocks)) }
}

/// How often each valid output was met among samples.
fn counts(samples: &Verified, range: std::ops::Range<usize>) -> impl Iterator<Item = u64> {
    let mut counts: BTreeMap<&[u32], u64> = BTreeMap::new();
    for i in range.filter(|&i| samples.valid[i]) {
        *counts.entry(samples.tokens.view().row(i)).or_default() += 1;
    }
    counts.into_values().collect::<Vec<_>>().into_iter()
}

#[allow(clippy::cast_possible_truncation, reason = "prompts and samples are below 2^32")]
fn draw(
    experiment: &Experiment,
    model: &dyn ModelHandle,
    prompt: usize,
    key: StreamKey,
) -> Result<Verified, PluginError> {
    let n = experiment.evaluation.samples;
    let (prompt_of, sample) = (vec![prompt as u32; n], (0..n as u32).collect::<Vec<_>>());
    let prompts = experiment.prompts.view();
    let request = SampleRequest { prompts, prompt_of: &prompt_of, sample: &sample };
    let samples = model.sample(&request, key)?;
    let rows = Ragged::new(samples.tokens.view().offsets(), &samples.log_probs);
    let log_probs = rows.into_iter().flat_map(Ragged::rows).map(|row| row.iter().sum()).collect();
    let valid = verdicts(experiment, &prompt_of, &samples.tokens)?;
    Ok(Verified { tokens: samples.tokens, log_probs, valid })
}

#[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
fn score(
    experiment: &Experiment,
    model: &dyn ModelHandle,
    prompt: usize,
    tokens: &RaggedBuffer<u32>,
) -> Result<Vec<f64>, PluginError> {
    let prompt_of = vec![prompt as u32; tokens.view().len()];
    let batch = SequenceBatch::new(experiment.prompts.view(), &prompt_of, tokens.view())
        .ok_or_else(|| PluginError::contract("samples do not fit their prompts"))?;
    let mut token_log_probs = vec![0.0; tokens.view().values().len()];
    model.score(&batch, &mut token_log_probs)?;
    let rows = Ragged::new(tokens.view().offsets(), &token_log_probs);
    Ok(rows.into_iter().flat_map(Ragged::rows).map(|row| row.iter().sum()).collect())
}
