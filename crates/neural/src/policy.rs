//! The policy.

use crate::config::PolicySettings;
use crate::family::Family;
use crate::maximum_likelihood::Fit;
use crate::network::Shape;
use crate::neural::Neural;
use crate::tensor_file::is_parameter;
use pstar_core::author::{FitBatch, GradientBatch};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{Field, PluginError, Policy, Task};

/// Steps of a fit.
const FIT_STEPS: u32 = 1500;
/// Sequences in a step of a fit.
const FIT_BATCH: usize = 256;
/// Learning rate at the start of a fit; it falls to 0 in a straight line.
const FIT_LEARNING_RATE: f64 = 0.01;
/// The seed of the draws of a fit.
const FIT_SEED: u64 = 1;

impl<F: Family> Policy for Neural<F> {
    const NAME: &'static str = F::NAME;
    const DOC: &'static str = F::POLICY_DOC;
    const ENTROPY: bool = true;
    type Config = F::Policy;
    const FIELDS: &'static [Field] = F::POLICY_FIELDS;

    fn new(config: F::Policy, task: &Task) -> Result<Self, PluginError> {
        let PolicySettings { sizes, load, keep_activations } = config.into();
        let (shape, parameters) = if let Some(path) = &load {
            F::load(path, &sizes, task)?
        } else {
            let shape = F::shape_of(&sizes, task)?;
            let parameters = shape.random(StreamKey::new(0, Purpose::Initialise, 0));
            (shape, parameters)
        };
        Ok(Self::new(shape, parameters, task, keep_activations.unwrap_or(true)))
    }

    fn parameter_count(&self) -> usize {
        self.values().len()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), PluginError> {
        let (expected, found) = (self.parameter_count(), parameters.len());
        if expected != found {
            return Err(PluginError::data(format!("expected {expected} parameters, found {found}")));
        }
        if let Some((place, found)) = (0..).zip(parameters).find(|(_, x)| !is_parameter(**x)) {
            let (place, name): (usize, _) = (place, self.network().shape().name_of(place));
            let message = format!(
                "expected parameters that are finite as `f32`, found {found:.3e} at place {place}, in `{name}`"
            );
            return Err(PluginError::data(message)
                .with_hint("in training, a smaller learning rate or `clip_norm` keeps them small"));
        }
        self.replace(parameters);
        Ok(())
    }

    fn randomise(&mut self, key: StreamKey) {
        let parameters = self.network().shape().random(key);
        self.replace(&parameters);
    }

    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        self.gradient_of(batch, gradient)
    }

    /// By Adam on mini-batches that are drawn from the batch with probabilities in proportion to the weights. The
    /// pseudo-count is not used: a network gives every choice some probability.
    fn fit(&mut self, batch: &FitBatch<'_>) -> Result<(), PluginError> {
        let mut sums: Vec<f64> = Vec::with_capacity(batch.weights.len());
        for (i, &weight) in batch.weights.iter().enumerate() {
            if !(weight >= 0.0 && weight.is_finite()) {
                let message = format!("expected weights of at least 0, found {weight} at place {i}");
                return Err(PluginError::data(message));
            }
            sums.push(sums.last().unwrap_or(&0.0) + weight);
        }
        let total = sums.last().copied().unwrap_or(0.0);
        if total == 0.0 {
            return Ok(());
        }
        let mut fit = Fit::new(self);
        for step in 0..FIT_STEPS {
            let uniform = StreamKey::new(FIT_SEED, Purpose::FitBase, step).uniform(0, 0, 0);
            let place = |i: usize| (i as f64 + uniform) / FIT_BATCH as f64 * total;
            let row = |i: usize| sums.partition_point(|&sum| sum <= place(i)).min(sums.len() - 1);
            let rows: Vec<usize> = (0..FIT_BATCH).map(row).collect();
            let left = 1.0 - f64::from(step) / f64::from(FIT_STEPS);
            fit.step(self, &batch.sequences, &rows, FIT_LEARNING_RATE * left)?;
        }
        Ok(())
    }
}
