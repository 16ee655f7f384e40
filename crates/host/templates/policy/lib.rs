//! The policy `{{name}}`.

use pstar_core::author::{FitBatch, GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{Field, PluginError, Policy, SequenceModel, Task, math};
use std::ops::Range;

/// What experiments configure.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Random initial logits lie within this of 0.
    #[serde(default = "one")]
    spread: f64,
}

fn one() -> f64 {
    1.0
}

/// At every position a distribution of its own over the choices, whatever came before.
struct {{Type}} {
    /// Positions × choices: the parameters.
    logits: Vec<f64>,
    /// Their softmax, position by position, and its logarithms in nats.
    probs: Vec<f64>,
    log_probs: Vec<f64>,
    choices: usize,
    /// The end symbol; no choice where outputs have a fixed length.
    end: u32,
    spread: f64,
}

impl {{Type}} {
    fn positions(&self) -> usize {
        self.logits.len() / self.choices
    }

    /// Where the choices of a position stand.
    fn row(&self, position: usize) -> Range<usize> {
        position * self.choices..(position + 1) * self.choices
    }

    /// Where a token at a position stands.
    fn at(&self, position: usize, token: u32) -> usize {
        position * self.choices + token as usize
    }

    fn normalise(&mut self) {
        for position in 0..self.positions() {
            let row = self.row(position);
            let (log_probs, probs) = (
                &mut self.log_probs[row.clone()],
                &mut self.probs[row.clone()],
            );
            math::log_softmax(&self.logits[row], log_probs, probs);
        }
    }
}

impl Policy for {{Type}} {
    const NAME: &'static str = "{{name}}";
    const DOC: &'static str = "at every position logits of its own, whatever came before";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Field::optional(
        "spread",
        "number",
        "≥ 0",
        "1.0",
        "random initial logits lie within this of 0",
    )];

    fn new(Config { spread }: Config, task: &Task) -> Result<Self, PluginError> {
        if !(spread >= 0.0 && spread.is_finite()) {
            let message = format!("`spread` must be at least 0 and finite, found `{spread}`");
            return Err(PluginError::config("spread", message));
        }
        let zeros = vec![0.0; task.horizon * task.choices()];
        let (logits, probs, log_probs) = (zeros.clone(), zeros.clone(), zeros);
        let (choices, end) = (task.choices(), task.alphabet.end());
        let mut policy = Self {
            logits,
            probs,
            log_probs,
            choices,
            end,
            spread,
        };
        policy.normalise();
        Ok(policy)
    }

    fn parameter_count(&self) -> usize {
        self.logits.len()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        if parameters
            .iter()
            .any(|&logit| logit.is_nan() || logit == f64::INFINITY)
        {
            return Err(PluginError::data("a logit is NaN or infinite"));
        }
        self.logits.copy_from_slice(parameters);
        self.normalise();
        Ok(())
    }

    fn randomise(&mut self, key: StreamKey) {
        for (i, logit) in (0..).zip(&mut self.logits) {
            *logit = self.spread * (2.0 * key.uniform(0, i, 0) - 1.0);
        }
        self.normalise();
    }

    /// Of log q(token) = logit − log Σ exp logits: 1 at the token, less every choice's probability.
    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient.fill(0.0);
        let mut coefficients = batch.coefficients.iter();
        for (tokens, &weight) in batch.sequences.tokens().rows().zip(batch.weights) {
            for (position, (&token, c)) in tokens.iter().zip(coefficients.by_ref()).enumerate() {
                // A sequence of weight 0 contributes nothing, were its coefficient infinite.
                let amount = if weight == 0.0 { 0.0 } else { weight * c };
                let row = self.row(position);
                let choices = gradient[row.clone()].iter_mut().zip(&self.probs[row]);
                choices.for_each(|(g, p)| *g -= amount * p);
                gradient[self.at(position, token)] += amount;
            }
        }
        Ok(())
    }

    /// Maximum likelihood: the logits of a position are the logarithms of its weighted counts.
    fn fit(&mut self, batch: &FitBatch<'_>) -> Result<(), PluginError> {
        let mut counts = vec![0.0; self.logits.len()];
        for (tokens, weight) in batch.sequences.tokens().rows().zip(batch.weights) {
            for (position, &token) in tokens.iter().enumerate() {
                counts[self.at(position, token)] += weight;
            }
        }
        for position in 0..self.positions() {
            let row = self.row(position);
            if counts[row.clone()].iter().any(|&count| count > 0.0) {
                row.for_each(|i| self.logits[i] = math::ln(counts[i] + batch.pseudo_count));
            }
        }
        self.normalise();
        Ok(())
    }
}

impl SequenceModel for {{Type}} {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut samples = Samples::default();
        let mut sums = vec![0.0; self.choices];
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            for position in 0..self.positions() {
                cumulative(&self.probs[self.row(position)], &mut sums);
                let token = pick(&sums, uniforms.at(position)) as u32;
                samples.tokens.push_value(token);
                samples
                    .log_probs
                    .push(self.log_probs[self.at(position, token)]);
                if token == self.end {
                    break;
                }
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        let tokens = batch
            .tokens()
            .rows()
            .flat_map(|tokens| tokens.iter().enumerate());
        for ((position, &token), log_prob) in tokens.zip(log_probs) {
            *log_prob = self.log_probs[self.at(position, token)];
        }
        Ok(())
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        let shape = format!("{} {} × {}", Self::NAME, self.positions(), self.choices);
        Some(ShapedParameters::new(shape, self.logits.clone()))
    }
}

pstar_core::export_plugin!(policies: [{{Type}}]);

#[cfg(test)]
mod tests;
