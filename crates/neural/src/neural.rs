//! What base model and policy share: a network, and sampling and scoring by it.

use crate::entropy::Weighed;
use crate::kept::Kept;
use crate::network::{Leads, Network, Shape};
use crate::outputs::OutputWalk;
use crate::sample::Sampler;
use crate::score::{self, Scorer};
use crate::simd::InstructionSet;
use pstar_core::author::{GradientBatch, SampleRequest, Samples, ShapedParameters, Tensor};
use pstar_core::data::{Ending, SequenceBatch};
use pstar_core::rng::StreamKey;
use pstar_core::{PluginError, SequenceModel, Task};
use std::sync::{Mutex, PoisonError};

/// A network over the tokens of a task: it reads `^`, the prompt, and the response up to the symbol that it predicts.
#[derive(Debug)]
pub struct Neural<N: Network> {
    parameters: Vec<f64>,
    network: N,
    horizon: usize,
    symbols: usize,
    start: u32,
    end: Option<u32>,
    /// Memory that no call is using.
    spare: Mutex<Vec<N::Chunk>>,
    /// The samples of the last call with all that the way back needs; `None` where that is not wanted.
    kept: Option<Mutex<Kept<N>>>,
}

impl<N: Network> Neural<N> {
    /// The model of these parameters. With `keep`, samples are remembered for the gradient.
    pub fn new(shape: N::Shape, parameters: Vec<f64>, task: &Task, keep: bool) -> Self {
        Self::with_instructions(shape, parameters, task, keep, InstructionSet::detect())
    }

    /// As [`new`](Self::new), with the instructions of a set.
    pub fn with_instructions(
        shape: N::Shape,
        parameters: Vec<f64>,
        task: &Task,
        keep: bool,
        set: InstructionSet,
    ) -> Self {
        let network = N::new(shape, &parameters, set);
        let end = task.alphabet.end();
        Self {
            parameters,
            network,
            horizon: task.horizon,
            symbols: task.alphabet.len(),
            start: end,
            end: (task.ending == Ending::EndSymbol).then_some(end),
            spare: Mutex::default(),
            kept: keep.then(Mutex::default),
        }
    }

    /// The parameters, in the order of [`Shape::tensors`].
    pub fn values(&self) -> &[f64] {
        &self.parameters
    }

    /// The network of the parameters.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// Whether the activations of exactly these sequences are kept for the gradient.
    pub fn holds(&self, batch: &SequenceBatch<'_>) -> bool {
        let kept = self.kept.as_ref().and_then(|kept| kept.try_lock().ok());
        kept.is_some_and(|kept| kept.holds(batch))
    }

    /// Replaces the parameters.
    pub(crate) fn replace(&mut self, parameters: &[f64]) {
        self.parameters.copy_from_slice(parameters);
        self.network = N::new(self.network.shape().clone(), parameters, self.network.set());
        if let Some(kept) = &mut self.kept {
            kept.get_mut().unwrap_or_else(PoisonError::into_inner).forget();
        }
    }

    /// Calls `work` with memory that no other call is using.
    fn with_chunk<T>(&self, work: impl FnOnce(&mut N::Chunk) -> T) -> T {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunk = spare().pop().unwrap_or_default();
        let result = work(&mut chunk);
        spare().push(chunk);
        result
    }

    /// Scores a chunk of a batch, and keeps its steps if asked to.
    fn run_chunk(
        &self,
        chunk: &mut N::Chunk,
        batch: &SequenceBatch<'_>,
        first: usize,
        log_probs: &mut [f64],
        keep: bool,
    ) {
        let sequences = first..batch.len().min(first + N::CHUNK);
        let prompts: Vec<&[u32]> = sequences.clone().map(|i| batch.prompt(i)).collect();
        let length = |i: usize| batch.prompt(i).len() + batch.tokens().row(i).len();
        let steps = sequences.map(length).max().unwrap_or(0);
        let mut scorer = Scorer::new(batch, first, log_probs);
        let leads = Leads { start: self.start, prompts: &prompts, steps: steps.max(1) };
        self.network.forward(chunk, leads, keep, &mut scorer);
    }

    /// Writes Σ_i w_i Σ_t (c_it ∇ log q(y_it | x_i, y_i,<t) + e_it ∇ H(q(· | x_i, y_i,<t))).
    ///
    /// Coefficients are scaled by a power of two to about 1 first, so that no gradient is too small for `f32`.
    pub(crate) fn gradient_of(
        &self,
        batch: &GradientBatch<'_>,
        gradient: &mut [f64],
    ) -> Result<(), PluginError> {
        score::check(&self.network, &batch.sequences)?;
        let tokens = batch.sequences.tokens();
        let weighed = |sequence: usize, place: usize, values: &[f64]| match (batch.weights[sequence], values)
        {
            (0.0, _) | (_, []) => 0.0,
            (weight, values) => weight * values[place],
        };
        let coefficient = |sequence: usize, place: usize| weighed(sequence, place, batch.coefficients);
        let entropy = |sequence: usize, place: usize| weighed(sequence, place, batch.entropy);
        #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
        let start = |sequence: usize| tokens.offsets()[sequence] as usize;
        let places = (0..tokens.len()).flat_map(|i| (start(i)..start(i + 1)).map(move |place| (i, place)));
        let greatest = places.fold(0.0, |most: f64, (i, place)| {
            most.max(coefficient(i, place).abs()).max(entropy(i, place).abs())
        });
        let scale = power_of_two_near(greatest);
        let mut sums = self.network.sums();
        let mut add = |chunk: &mut N::Chunk, first: usize| {
            self.network.backward(chunk, &mut sums, |sequence, position| {
                let sequence = first + sequence;
                let token = *tokens.row(sequence).get(position)?;
                let place = start(sequence) + position;
                #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
                let scaled = |value: f64| (value / scale) as f32;
                let (coefficient, entropy) = (coefficient(sequence, place), entropy(sequence, place));
                Some(Weighed { token, coefficient: scaled(coefficient), entropy: scaled(entropy) })
            });
        };
        let firsts = (0..batch.sequences.len()).step_by(N::CHUNK);
        let kept = self.kept.as_ref().and_then(|kept| kept.try_lock().ok());
        match kept {
            Some(mut kept) if kept.holds(&batch.sequences) => {
                firsts.zip(kept.take()).for_each(|(first, chunk)| add(chunk, first));
            }
            _ => self.with_chunk(|chunk| {
                for first in firsts {
                    self.run_chunk(chunk, &batch.sequences, first, &mut [], true);
                    add(chunk, first);
                }
            }),
        }
        self.network.finish(&sums, &self.parameters, scale, gradient);
        Ok(())
    }
}

/// The power of two at or below a positive number; 1 for 0 and for what is no number.
fn power_of_two_near(x: f64) -> f64 {
    if x > 0.0 && x.is_finite() {
        f64::from_bits(x.max(f64::MIN_POSITIVE).to_bits() & 0x7FF0_0000_0000_0000)
    } else {
        1.0
    }
}

impl<N: Network> SequenceModel for Neural<N> {
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        for prompt in request.prompts.rows() {
            score::check_prompt(&self.network, prompt, self.horizon)?;
        }
        let longest = request.prompts.rows().map(<[u32]>::len).max().unwrap_or(0);
        let steps = longest + self.horizon;
        let mut sampler = Sampler::new(self.horizon, self.end);
        let mut samples = Samples::default();
        let mut draw = |chunk: &mut N::Chunk, prompt_of: &[u32], sample: &[u32], keep: bool| {
            let prompts: Vec<&[u32]> =
                prompt_of.iter().map(|&prompt| request.prompts.row(prompt as usize)).collect();
            sampler.begin(key, prompt_of, sample);
            let leads = Leads { start: self.start, prompts: &prompts, steps };
            self.network.forward(chunk, leads, keep, &mut sampler);
            sampler.give(&mut samples);
        };
        let chunks = |size: usize| request.prompt_of.chunks(size).zip(request.sample.chunks(size));
        let kept = self.kept.as_ref().and_then(|kept| kept.try_lock().ok());
        match kept {
            Some(mut kept) if Kept::<N>::fits(self.network.shape(), request.sample.len(), steps) => {
                for ((prompt_of, sample), chunk) in chunks(N::CHUNK).zip(kept.begin(request.sample.len())) {
                    draw(chunk, prompt_of, sample, true);
                }
                kept.remember(request, &samples);
            }
            _ => self.with_chunk(|chunk| {
                chunks(N::DRAWN).for_each(|(prompt_of, sample)| draw(chunk, prompt_of, sample, false));
            }),
        }
        Ok(samples)
    }

    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        score::check(&self.network, batch)?;
        if log_probs.is_empty() {
            return Ok(());
        }
        self.with_chunk(|chunk| {
            for first in (0..batch.len()).step_by(N::CHUNK) {
                self.run_chunk(chunk, batch, first, log_probs, false);
            }
        });
        Ok(())
    }

    fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError> {
        score::check_prompt(&self.network, prompt, self.horizon)?;
        let lead: Vec<u32> = std::iter::once(&self.start).chain(prompt).copied().collect();
        let expected = log_probs.len();
        let Some(mut walk) = OutputWalk::new(&self.network, self.symbols, self.horizon, log_probs) else {
            return Err(PluginError::data(format!("the task does not have {expected} outputs")));
        };
        walk.run(&lead);
        Ok(true)
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        let tensors = self.network.shape().tensors();
        let tensors = tensors.iter().map(|tensor| Tensor::new(&*tensor.name, &tensor.sizes)).collect();
        let parameters = ShapedParameters::new(self.network.shape().text(), self.parameters.clone());
        parameters.with_tensors(tensors).ok()
    }
}
