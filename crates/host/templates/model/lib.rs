//! The base model `{{name}}`.

use pstar_core::author::{FiniteStateView, SampleRequest, Samples};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{BaseModel, Field, PluginError, SequenceModel, Task, math};

/// What experiments configure.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The probability that the choice before comes again, beyond its share of the rest.
    repeat: f64,
}

/// Every choice equally likely, but that the one before comes again with a probability on top.
struct {{Type}} {
    /// For each choice that may have come before, and behind them for the beginning, the probabilities of the choices.
    rows: Vec<Vec<f64>>,
    /// The logarithms of the same, in nats.
    log_rows: Vec<Vec<f64>>,
    symbols: usize,
    horizon: usize,
}

impl {{Type}} {
    /// The row of the beginning of a response.
    fn start(&self) -> usize {
        self.rows.len() - 1
    }
}

impl BaseModel for {{Type}} {
    const NAME: &'static str = "{{name}}";
    const DOC: &'static str = "repeats itself with a probability, and is uniform otherwise";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Field::required(
        "repeat",
        "number",
        "[0, 1)",
        "the probability of a repetition",
    )];

    fn new(Config { repeat }: Config, task: &Task) -> Result<Self, PluginError> {
        if !(0.0..1.0).contains(&repeat) {
            let message = format!("`repeat` must be in [0, 1), found `{repeat}`");
            return Err(PluginError::config("repeat", message));
        }
        let (choices, symbols) = (task.choices(), task.alphabet.len());
        let row = |before: usize| -> Vec<f64> {
            let repeat = if before < symbols { repeat } else { 0.0 };
            let again = |choice| if choice == before { repeat } else { 0.0 };
            (0..choices)
                .map(|choice| again(choice) + (1.0 - repeat) / choices as f64)
                .collect()
        };
        let rows: Vec<Vec<f64>> = (0..=symbols).map(row).collect();
        let log_rows = rows
            .iter()
            .map(|row| row.iter().map(|&p| math::ln(p)).collect())
            .collect();
        Ok(Self {
            rows,
            log_rows,
            symbols,
            horizon: task.horizon,
        })
    }
}

impl SequenceModel for {{Type}} {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut samples = Samples::default();
        let mut sums = vec![0.0; self.rows[0].len()];
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            let mut state = self.start();
            for position in 0..self.horizon {
                cumulative(&self.rows[state], &mut sums);
                let choice = pick(&sums, uniforms.at(position));
                samples.tokens.push_value(choice as u32);
                samples.log_probs.push(self.log_rows[state][choice]);
                if choice == self.symbols {
                    break; // the end symbol
                }
                state = choice;
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        let mut log_probs = log_probs.iter_mut();
        for tokens in batch.tokens().rows() {
            let mut state = self.start();
            for (&token, log_prob) in tokens.iter().zip(log_probs.by_ref()) {
                *log_prob = self.log_rows[state][token as usize];
                state = token as usize;
            }
        }
        Ok(())
    }

    fn finite_state(&self) -> Option<&dyn FiniteStateView> {
        Some(self)
    }
}

/// What must be remembered of a response so far: its last symbol. Exact figures then cost its states, not its outputs.
impl FiniteStateView for {{Type}} {
    fn start(&self, _prompt: &[u32]) -> u64 {
        self.start() as u64
    }

    fn expand(&self, _position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        let rows = log_probs.chunks_exact_mut(self.rows[0].len());
        for ((&state, row), next) in states
            .iter()
            .zip(rows)
            .zip(next.chunks_exact_mut(self.symbols))
        {
            row.copy_from_slice(&self.log_rows[state as usize]);
            next.iter_mut()
                .zip(0..)
                .for_each(|(next, symbol)| *next = symbol);
        }
    }
}

pstar_core::export_plugin!(base_models: [{{Type}}]);

#[cfg(test)]
mod tests;
