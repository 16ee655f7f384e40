use pstar_core::author::{GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{BaseModel, PluginError, Policy, SequenceModel, Task, math};

/// The same choice at every position, whatever came before: one logit a choice.
struct Coins {
    logits: Vec<f64>,
    log_probs: Vec<f64>,
    probs: Vec<f64>,
    horizon: usize,
    end: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Coins {
    fn uniform(task: &Task) -> Self {
        let zeros = vec![0.0; task.choices()];
        let (horizon, end) = (task.horizon, task.alphabet.end());
        let mut coins = Self { logits: zeros.clone(), log_probs: zeros.clone(), probs: zeros, horizon, end };
        coins.normalise();
        coins
    }

    fn normalise(&mut self) {
        math::log_softmax(&self.logits, &mut self.log_probs, &mut self.probs);
    }
}

impl SequenceModel for Coins {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut sums = vec![0.0; self.probs.len()];
        cumulative(&self.probs, &mut sums);
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut uniforms = key.row(prompt, sample);
            for position in 0..self.horizon {
                let token = pick(&sums, uniforms.at(position)) as u32;
                samples.tokens.push_value(token);
                samples.log_probs.push(self.log_probs[token as usize]);
                if token == self.end {
                    break;
                }
            }
            samples.tokens.end_row();
        }
        Ok(samples)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        for (&token, log_prob) in batch.tokens().values().iter().zip(log_probs) {
            *log_prob = self.log_probs[token as usize];
        }
        Ok(())
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters::new("coins", self.logits.clone()))
    }
}

impl BaseModel for Coins {
    const NAME: &'static str = "coins";
    const DOC: &'static str = "every choice equally likely at every position";
    type Config = Config;

    fn new(_: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::uniform(task))
    }
}

impl Policy for Coins {
    const NAME: &'static str = "coins";
    const DOC: &'static str = "one logit a choice, the same at every position";
    type Config = Config;

    fn new(_: Config, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::uniform(task))
    }

    fn parameter_count(&self) -> usize {
        self.logits.len()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        self.logits.copy_from_slice(parameters);
        self.normalise();
        Ok(())
    }

    fn randomise(&mut self, key: StreamKey) {
        for (i, logit) in (0..).zip(&mut self.logits) {
            *logit = key.uniform(0, i, 0);
        }
        self.normalise();
    }

    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient.fill(0.0);
        let mut index = 0;
        for (row, weight) in batch.sequences.tokens().rows().zip(batch.weights) {
            for &token in row {
                let amount = weight * batch.coefficients[index];
                gradient.iter_mut().zip(&self.probs).for_each(|(g, p)| *g -= amount * p);
                gradient[token as usize] += amount;
                index += 1;
            }
        }
        Ok(())
    }
}

pstar_core::export_plugin!(base_models: [Coins], policies: [Coins]);
