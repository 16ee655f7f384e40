//! Evaluation from samples, with standard errors, where the outputs are too many to enumerate: samples of the policy
//! give its validity, entropy, pass@k and coverage@k; samples of p* give the distance from it.

mod best_first;
mod draws;
mod filtered;

pub(super) use filtered::{ExactFacts, FilteredSamples};

use super::likely::MOST_PROMPTS;
use super::targets::keys;
use super::{Evaluation, PromptRows};
use crate::world::World;
use best_first::best_first;
use draws::{Draws, score};
use filtered::{AgainstFiltered, estimate};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_loader::{ModelHandle, PolicyHandle};
use pstar_record::{Measure, Measures, PromptOutputs, Shared, prompt_figures};
use pstar_stats::{coverage_at_k, coverage_std_error, mean, pass_at_k};
use std::collections::BTreeMap;

/// The seed of the samples of base and p*: they belong to the task, so that all arms are measured by the same.
const BASE_SEED: u64 = 0;

/// Samples that policies are measured by.
#[derive(Debug)]
pub struct SampledEvaluation {
    /// For each prompt samples of p*; absent where it has none, or none was met.
    filtered: Vec<Option<FilteredSamples>>,
    /// Weights of the prompts in means.
    weights: Vec<f64>,
    /// The base's own figures, where it had to be sampled.
    base: Option<Measures>,
    /// The same prompt by prompt; empty where it had not.
    base_rows: Vec<Measures>,
    /// Its most probable outputs, at the first prompts.
    base_outputs: Vec<PromptOutputs>,
    /// Samples of the base without a verdict, which are left out.
    no_verdicts: u64,
    /// Whether samples of p* are exact, and so is Z.
    knows_z: bool,
}

impl SampledEvaluation {
    /// Samples the base, whose valid samples are samples of p*.
    ///
    /// # Errors
    /// If the base or the verifier fails.
    pub fn by_rejection(world: &World) -> Result<Self, PluginError> {
        let key = StreamKey::new(BASE_SEED, Purpose::BaseEvaluation, 0);
        let prompts = 0..world.prompts.view().len();
        let draws: Vec<Draws> =
            prompts.map(|prompt| Draws::of(world, &world.base, prompt, key)).collect::<Result<_, _>>()?;
        let filtered = draws.iter().map(FilteredSamples::by_rejection).collect();
        let mut sampled = Self {
            filtered,
            weights: world.weights.clone(),
            base: None,
            base_rows: Vec::new(),
            base_outputs: draws
                .iter()
                .take(MOST_PROMPTS)
                .enumerate()
                .map(|(prompt, draws)| best_first(world, &world.base, prompt, draws))
                .collect::<Result<_, _>>()?,
            no_verdicts: draws.iter().map(|draws| draws.no_verdicts).sum(),
            knows_z: false,
        };
        let rows = draws.iter().enumerate();
        let rows = rows.map(|(prompt, draws)| sampled.measure(world, &world.base, prompt, draws));
        let rows: Vec<Measures> = rows.collect::<Result<_, _>>()?;
        let base = Measures::mean(&rows, &sampled.weights);
        sampled.base = Some(base.without_negative_divergences());
        sampled.base_rows = rows;
        Ok(sampled)
    }

    /// With exact samples of p*, one set a prompt that has any.
    pub(super) fn with_filtered(filtered: Vec<Option<FilteredSamples>>, weights: Vec<f64>) -> Self {
        let (base_rows, base_outputs) = (Vec::new(), Vec::new());
        Self { filtered, weights, base: None, base_rows, base_outputs, no_verdicts: 0, knows_z: true }
    }

    /// The prompts of which fewer than two samples of the base were valid, so that their KL(p*‖q) cannot be estimated.
    pub fn unmet(&self) -> Vec<usize> {
        (0..self.filtered.len()).filter(|&prompt| self.filtered[prompt].is_none()).collect()
    }

    /// Samples of the base without a verdict, which are left out.
    pub fn no_verdicts(&self) -> u64 {
        self.no_verdicts
    }

    /// The base's own figures, means over prompts; absent where exact ones can be had.
    pub fn base(&self) -> Option<&Measures> {
        self.base.as_ref()
    }

    /// The base's own figures, prompt by prompt, under its name.
    pub(super) fn base_rows(&self) -> PromptRows<Measures> {
        let rows = self.base_rows.iter().map(|row| Some(row.clone().without_negative_divergences()));
        vec![("base".into(), rows.collect())]
    }

    /// The base's most probable outputs, under its name.
    pub(super) fn base_outputs(&self) -> PromptRows<PromptOutputs> {
        vec![("base".into(), self.base_outputs.iter().cloned().map(Some).collect())]
    }

    /// The figures of a policy at a step, means over prompts.
    ///
    /// # Errors
    /// If a component fails.
    pub fn policy(
        &self,
        world: &World,
        policy: &PolicyHandle,
        seed: u64,
        step: u32,
    ) -> Result<Measures, PluginError> {
        let rows =
            self.rows(world, policy, StreamKey::new(seed, Purpose::Evaluation, step), &mut |_, _| Ok(()))?;
        Ok(self.mean(&rows))
    }

    fn mean(&self, rows: &[Measures]) -> Measures {
        Measures::mean(rows, &self.weights).without_negative_divergences()
    }

    /// The figures of a policy, prompt by prompt; `tell` is told the samples of each.
    fn rows(
        &self,
        world: &World,
        policy: &PolicyHandle,
        key: StreamKey,
        tell: &mut dyn FnMut(usize, &Draws) -> Result<(), PluginError>,
    ) -> Result<Vec<Measures>, PluginError> {
        let rows = (0..self.filtered.len()).map(|prompt| {
            let samples = Draws::of(world, policy, prompt, key)?;
            tell(prompt, &samples)?;
            self.measure(world, policy, prompt, &samples)
        });
        rows.collect()
    }

    /// Everything about a policy at a step.
    ///
    /// # Errors
    /// If a component fails.
    pub fn evaluate(
        &self,
        world: &World,
        policy: &PolicyHandle,
        seed: u64,
        step: u32,
    ) -> Result<Evaluation, PluginError> {
        let mut outputs = Vec::new();
        let mut no_verdicts = 0;
        let rows = self.rows(
            world,
            policy,
            StreamKey::new(seed, Purpose::Evaluation, step),
            &mut |prompt, samples| {
                no_verdicts += samples.no_verdicts;
                if prompt < MOST_PROMPTS {
                    outputs.push(best_first(world, policy, prompt, samples)?);
                }
                Ok(())
            },
        )?;
        let full = self.mean(&rows);
        let prompts = rows.into_iter().map(|row| prompt_figures(&row.without_negative_divergences()));
        Ok(Evaluation {
            curve: full.clone().without_shared(),
            full,
            prompts: prompts.collect(),
            outputs,
            crossings: None,
            no_verdicts,
        })
    }

    fn measure(
        &self,
        world: &World,
        model: &dyn ModelHandle,
        prompt: usize,
        samples: &Draws,
    ) -> Result<Measures, PluginError> {
        let filtered = self.filtered[prompt].as_ref();
        let log_probs = match filtered {
            Some(filtered) => score(world, model, prompt, &filtered.tokens)?,
            None => Vec::new(),
        };
        let against = filtered.map(|filtered| filtered.against(&log_probs));
        let base_log_probs = score(world, &world.base, prompt, &samples.tokens)?;
        let mut measures = own_figures(samples, &base_log_probs);
        let kl = against.as_ref().map(AgainstFiltered::kl_from_filtered);
        measures.push_shared("kl_from_filtered", kl.unwrap_or_default());
        add_counts(&mut measures, world, samples);
        if self.knows_z {
            let own = Own { samples, base_log_probs: &base_log_probs };
            own.add_distances(&mut measures, world, against.as_ref());
        }
        Ok(measures)
    }
}

/// What samples of a model tell without p*.
fn own_figures(samples: &Draws, base_log_probs: &[f64]) -> Measures {
    let verdicts: Vec<f64> = samples.valid.iter().map(|&valid| f64::from(u8::from(valid))).collect();
    let surprisals: Vec<f64> = samples.log_probs.iter().map(|log_prob| -log_prob).collect();
    let log_ratios: Vec<f64> = samples.log_probs.iter().zip(base_log_probs).map(|(q, a)| q - a).collect();
    let entropy = estimate(&surprisals);
    let hits = hits(samples);
    let rate = Measure { value: Some(mean(&verdicts)), std_error: Some(rate_error(hits, samples.len())) };
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
    measures.push("log_effective_number", entropy);
    measures.push("token_entropy", token_entropy(samples, &surprisals));
    measures.push("kl_to_base", estimate(&log_ratios));
    measures
}

/// Entropy over expected length: a ratio of means, with the standard error of what is left of it to first order.
fn token_entropy(samples: &Draws, surprisals: &[f64]) -> Measure {
    let lengths: Vec<f64> = samples.tokens.view().rows().map(|row| row.len() as f64).collect();
    let length = mean(&lengths);
    let ratio = mean(surprisals) / length;
    let left = surprisals.iter().zip(&lengths).map(|(surprisal, own)| (surprisal - ratio * own) / length);
    Measure { value: Some(ratio), std_error: estimate(&left.collect::<Vec<_>>()).std_error }
}

/// pass@k and coverage@k.
fn add_counts(measures: &mut Measures, world: &World, samples: &Draws) {
    let (n, hits) = (samples.len(), hits(samples));
    let (texts, numbers): (Vec<_>, Vec<_>) =
        world.evaluation.k.iter().map(|k| (k.text.clone(), k.value)).unzip();
    let passes = numbers.iter().map(|&k| {
        let value = pass_at_k(n as u64, hits, k);
        // The slope at the rate of the standard error where that is smaller: that all were valid is no proof.
        let rate = f64::min(hits as f64 / n as f64, smoothed_rate(hits, n));
        let slope = k as f64 * math::pow(1.0 - rate, k as f64 - 1.0);
        Measure { value, std_error: value.map(|_| slope * rate_error(hits, n)) }
    });
    measures.push_family("pass_at", texts.clone(), passes.collect::<Vec<_>>());
    let counts = counts(samples);
    let coverages = numbers.iter().map(|&k| coverage(&counts, n as u64, k));
    measures.push_family("coverage_at", texts, coverages.collect::<Vec<_>>());
}

/// Samples of a policy, beside the base that p* is made of.
struct Own<'a> {
    samples: &'a Draws,
    base_log_probs: &'a [f64],
}

impl Own<'_> {
    /// Adds the distances that take an exact Z; all are absent where there is no p*.
    fn add_distances(&self, measures: &mut Measures, world: &World, against: Option<&AgainstFiltered<'_>>) {
        let of = |figure: &dyn Fn(&AgainstFiltered<'_>) -> (Measure, Shared)| {
            against.map(figure).unwrap_or_default()
        };
        measures.push("kl_to_filtered", against.and_then(|_| self.kl_to_filtered()));
        measures.push_shared("tv_to_filtered", of(&|against| against.tv()));
        measures.push_shared("js_to_filtered", of(&|against| self.js(against)));
        measures.push_shared("hellinger2_to_filtered", of(&|against| against.hellinger2()));
        let keys = keys(world);
        let alphas = world.evaluation.alphas.iter();
        let alphas = alphas.map(|alpha| of(&|against| self.alpha_divergence(against, alpha.value)));
        let (alphas, shared): (Vec<Measure>, Vec<Shared>) = alphas.unzip();
        for (key, shared) in keys.alphas.iter().zip(shared) {
            measures.share(format!("alpha_divergence@{key}"), shared);
        }
        measures.push_family("alpha_divergence", keys.alphas, alphas);
        let tilted = (0..keys.betas.len())
            .map(|i| against.map(|against| self.kl_to_tilted(against, i)).unwrap_or_default());
        let tilted = tilted.collect::<Vec<_>>();
        measures.push_family("kl_to_tilted", keys.betas, tilted);
    }

    /// log a − log q of each sample, and whether it is valid.
    fn log_ratios(&self) -> impl Iterator<Item = (f64, bool)> + '_ {
        let base = self.base_log_probs.iter().zip(&self.samples.log_probs);
        base.zip(&self.samples.valid).map(|((log_a, log_q), &valid)| (log_a - log_q, valid))
    }

    /// KL(q‖p*): infinite as soon as one invalid sample proves it; that none was met proves nothing.
    fn kl_to_filtered(&self) -> Option<f64> {
        self.samples.valid.contains(&false).then_some(f64::INFINITY)
    }

    /// log p* − log q of each sample; −∞ of invalid ones.
    fn log_targets(&self, log_valid: f64) -> impl Iterator<Item = f64> + '_ {
        let target = move |(ratio, valid)| if valid { ratio - log_valid } else { f64::NEG_INFINITY };
        self.log_ratios().map(target)
    }

    /// D_α(q‖p*) for 0 < α < 1, from the samples among which the ratio of the two has squares of mean at most 1: those of
    /// p* up to α = ½, those of the policy beyond. Absent for other α.
    fn alpha_divergence(&self, against: &AgainstFiltered<'_>, alpha: f64) -> (Measure, Shared) {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Default::default();
        }
        if alpha <= 0.5 {
            return against.alpha_divergence(alpha);
        }
        let (power, scale) = (1.0 - alpha, 1.0 / (alpha * (1.0 - alpha)));
        let terms = self.log_targets(against.samples().log_valid);
        let mut measure =
            estimate(&terms.map(|ratio| -scale * math::exp_m1(power * ratio)).collect::<Vec<_>>());
        if hits(self.samples) == 0 {
            // By Hölder's inequality the mean of (p*/q)^{1−α} is at most the validity rate to the power α.
            let rate = smoothed_rate(0, self.samples.len());
            measure.std_error = Some(scale * math::pow(rate, alpha));
        }
        (measure, Shared::default())
    }

    /// The Jensen–Shannon divergence: one half of it a mean over q, the other over p*.
    fn js(&self, against: &AgainstFiltered<'_>) -> (Measure, Shared) {
        let softplus = |x: f64| x.max(0.0) + math::ln_1p(math::exp(-x.abs()));
        let half = |log_ratio: f64| 0.5 * (std::f64::consts::LN_2 - softplus(log_ratio));
        let own = self.log_targets(against.samples().log_valid).map(half);
        let own = estimate(&own.collect::<Vec<_>>());
        let (over_filtered, shared) = against.mean(half);
        let value = own.value.zip(over_filtered.value).map(|(own, filtered)| own + filtered);
        let std_error = own.std_error.zip(over_filtered.std_error).map(|(a, b)| a.hypot(b));
        (Measure { value, std_error }, shared)
    }

    /// KL(q‖p_\[β\]), the tilt of log a being log μ − log Z on valid outputs and log(1−μ) − log(1−Z) on the others;
    /// infinite as soon as a sample is none of the base's.
    fn kl_to_tilted(&self, against: &AgainstFiltered<'_>, i: usize) -> Measure {
        let samples = against.samples();
        let Some((facts, tilted)) =
            samples.exact.as_ref().and_then(|facts| Some((facts, facts.tilted.get(i)?)))
        else {
            return Measure::default();
        };
        let valid = tilted.log_mu - samples.log_valid;
        let invalid = tilted.log_one_minus_mu - facts.log_invalid;
        let log_ratio = |(ratio, is_valid): (f64, bool)| match ratio {
            f64::NEG_INFINITY => f64::INFINITY,
            _ => -(ratio + if is_valid { valid } else { invalid }),
        };
        estimate(&self.log_ratios().map(log_ratio).collect::<Vec<_>>())
    }
}

/// Number of valid samples.
fn hits(samples: &Draws) -> u64 {
    samples.valid.iter().filter(|&&valid| valid).count() as u64
}

/// A rate from one more success and one more failure than were met: that a few samples all agree is no proof.
fn smoothed_rate(hits: u64, n: usize) -> f64 {
    (hits as f64 + 1.0) / (n as f64 + 2.0)
}

/// The standard error of a rate, at the smoothed one.
fn rate_error(hits: u64, n: usize) -> f64 {
    let rate = smoothed_rate(hits, n);
    (rate * (1.0 - rate) / (n as f64 + 2.0)).sqrt()
}

/// coverage@k, from how often each valid output was met. Absent for k beyond the number of samples: what is then covered
/// hangs on outputs that are too rare to have been met, and no estimate would know its error.
fn coverage(counts: &[u64], n: u64, k: u64) -> Measure {
    let of = || counts.iter().copied();
    Measure { value: coverage_at_k(of(), n, k), std_error: coverage_std_error(of(), n, k) }
}

/// How often each valid output was met.
fn counts(samples: &Draws) -> Vec<u64> {
    let mut counts: BTreeMap<&[u32], u64> = BTreeMap::new();
    for i in (0..samples.len()).filter(|&i| samples.valid[i]) {
        *counts.entry(samples.tokens.view().row(i)).or_default() += 1;
    }
    counts.into_values().collect()
}
