//! The batch of all outputs, for exact gradients.

use crate::evaluation::EnumeratedReference;
use crate::world::World;
use pstar_core::author::GradientBatch;
use pstar_core::data::{Ending, Ragged, SequenceBatch, SequenceBuffer};
use pstar_core::objective::{Moment, ObjectiveBatch, ObjectiveBuffer};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{PluginError, math};
use pstar_exact::Accumulator;
use pstar_loader::{ModelHandle, PolicyHandle};

/// All outputs of the prompts that are trained on, one group a prompt: the same for all arms.
#[derive(Debug)]
pub struct OutputBatch {
    sequences: SequenceBuffer,
    /// What objectives see of them, log-probabilities under the policy and weights left out.
    columns: ObjectiveBuffer,
    /// For each sequence the weight of its prompt.
    prompt_weights: Vec<f64>,
}

/// Greatest number of outputs, over all prompts, that are held in memory.
pub(crate) const MOST_OUTPUTS: u64 = 1 << 24;

/// The least log-weight of an output that the policy can produce. The coefficients of p*, ratios p*/q, overflow where q
/// underflows, while their products do neither: they are taken to this weight instead of q.
const LEAST_LOG_WEIGHT: f64 = -600.0;

/// Log-probabilities of all outputs under a policy, and the weights that follow.
#[derive(Clone, Debug, Default)]
pub struct PopulationScores {
    log_probs: Vec<f64>,
    /// Those that give the weights b = max(q, e^`LEAST_LOG_WEIGHT`); empty where all are those of the policy.
    behaviour_log_probs: Vec<f64>,
    /// b, times the weight of the prompt.
    weights: Vec<f64>,
    /// q, times the weight of the prompt.
    probs: Vec<f64>,
}

impl PopulationScores {
    fn behaviour_log_probs(&self) -> &[f64] {
        if self.behaviour_log_probs.is_empty() { &self.log_probs } else { &self.behaviour_log_probs }
    }
}

impl OutputBatch {
    /// Number of all outputs of these prompts; the greatest number of all where it is beyond that.
    pub(crate) fn count(world: &World, reference: &EnumeratedReference) -> u64 {
        let outputs = reference.space().count().unwrap_or(u64::MAX);
        outputs.saturating_mul(world.trained.numbers.len() as u64)
    }

    /// Whether they are few enough to be held in memory.
    pub(crate) fn is_held(world: &World, reference: &EnumeratedReference) -> bool {
        Self::count(world, reference) <= MOST_OUTPUTS
    }

    /// All outputs of a world.
    ///
    /// # Errors
    /// If the base fails.
    pub fn new(world: &World, reference: &EnumeratedReference) -> Result<Self, PluginError> {
        let mut all = Self::without_base(world, reference);
        let sequences = all.sequences.view();
        all.columns.base_log_probs = vec![0.0; sequences.tokens().values().len()];
        world.base.score(&sequences, &mut all.columns.base_log_probs)?;
        Ok(all)
    }

    /// The same without log-probabilities under the base, which may take long: for gradients that depend on rewards and on
    /// the policy alone.
    #[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
    pub(crate) fn without_base(world: &World, reference: &EnumeratedReference) -> Self {
        let space = reference.space();
        let count = space.count().unwrap_or(0);
        let trained = &world.trained.numbers;
        let mut sequences = SequenceBuffer::new(world.prompts.clone());
        let (mut rewards, mut ended, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        let end = world.task.alphabet.end();
        for &prompt in trained {
            space.tokens(0, &mut tokens);
            for _ in 0..count {
                sequences.push(prompt, tokens.iter().copied());
                let fixed = space.ending == Ending::FixedLength;
                ended.push(u8::from(fixed || tokens.last() == Some(&end)));
                space.advance(&mut tokens);
            }
            let values = &reference.prompts()[prompt as usize];
            rewards.extend(values.valid.mask().iter().map(|&valid| f64::from(u8::from(valid))));
        }
        let mut columns = ObjectiveBuffer::default();
        let facts = reference.facts();
        for &prompt in trained {
            columns.push_group(prompt, facts[prompt as usize]);
        }
        columns.group_offsets = (0..=trained.len() as u64).map(|g| g * count).collect();
        columns.offsets = sequences.view().tokens().offsets().to_vec();
        columns.rewards = rewards;
        columns.ended = ended;
        columns.horizon = world.task.horizon as u64;
        let weights = trained.iter().map(|&prompt| world.trained.weights[prompt as usize]);
        let prompt_weights = weights.flat_map(|w| (0..count).map(move |_| w)).collect();
        Self { sequences, columns, prompt_weights }
    }

    /// The outputs.
    pub fn sequences(&self) -> SequenceBatch<'_> {
        self.sequences.view()
    }

    /// Scores all outputs under the policy.
    ///
    /// # Errors
    /// If the policy fails.
    #[allow(clippy::cast_possible_truncation, reason = "offsets index slices in memory")]
    pub fn score(&self, policy: &PolicyHandle, scores: &mut PopulationScores) -> Result<(), PluginError> {
        let sequences = self.sequences.view();
        scores.log_probs.resize(sequences.tokens().values().len(), 0.0);
        policy.score(&sequences, &mut scores.log_probs)?;
        let offsets = sequences.tokens().offsets();
        let rows = Ragged::new(offsets, &scores.log_probs).into_iter().flat_map(Ragged::rows);
        scores.probs.clear();
        scores.weights.clear();
        scores.behaviour_log_probs.clear();
        for ((i, row), weight) in rows.enumerate().zip(&self.prompt_weights) {
            let log_q: f64 = row.iter().sum();
            let prob = math::exp(log_q) * weight;
            scores.probs.push(prob);
            if log_q >= LEAST_LOG_WEIGHT || log_q == f64::NEG_INFINITY {
                scores.weights.push(prob);
                continue;
            }
            scores.weights.push(math::exp(LEAST_LOG_WEIGHT) * weight);
            if scores.behaviour_log_probs.is_empty() {
                scores.behaviour_log_probs.clone_from(&scores.log_probs);
            }
            let factor = LEAST_LOG_WEIGHT / log_q;
            let tokens = offsets[i] as usize..offsets[i + 1] as usize;
            scores.behaviour_log_probs[tokens].iter_mut().for_each(|log_prob| *log_prob *= factor);
        }
        Ok(())
    }

    /// What the objective sees.
    ///
    /// # Errors
    /// If `scores` belong to another batch.
    pub fn view<'a>(
        &'a self,
        scores: &'a PopulationScores,
        (seed, step): (u64, u32),
    ) -> Result<ObjectiveBatch<'a>, PluginError> {
        let moment = Moment::new(step.into(), StreamKey::new(seed, Purpose::Objective, step)).of_population();
        let batch = self.columns.view_with(&scores.log_probs, moment)?;
        batch.with_behaviour_log_probs(scores.behaviour_log_probs())?.with_weights(&scores.weights)
    }

    /// Coefficients of objectives that credit a right output with a function of the prompt's masses under the policy,
    /// given as the logarithms of those of the valid and of the invalid outputs.
    #[allow(clippy::cast_possible_truncation, reason = "offsets index slices in memory")]
    pub fn credit(&self, scores: &PopulationScores, credit: impl Fn([f64; 2]) -> f64) -> Vec<f64> {
        let offsets = self.sequences.view().tokens().offsets();
        let mut coefficients = vec![0.0; scores.log_probs.len()];
        for group in self.columns.group_offsets.windows(2) {
            let rows = group[0] as usize..group[1] as usize;
            let mut masses = [Accumulator::default(); 2];
            for i in rows.clone() {
                masses[usize::from(self.columns.rewards[i] == 0.0)].add(scores.probs[i]);
            }
            let [valid, invalid] = masses.map(|mass| mass.total());
            let total = valid + invalid;
            let credit =
                if total > 0.0 { credit([valid, invalid].map(|mass| math::ln(mass / total))) } else { 0.0 };
            for i in rows.filter(|&i| self.columns.rewards[i] != 0.0) {
                coefficients[offsets[i] as usize..offsets[i + 1] as usize].fill(credit);
            }
        }
        coefficients
    }

    /// What the policy is asked the gradient of, for coefficients that an objective gave.
    ///
    /// # Errors
    /// If scores or coefficients belong to another batch.
    pub fn weighted<'a>(
        &'a self,
        scores: &'a PopulationScores,
        coefficients: &'a [f64],
    ) -> Result<GradientBatch<'a>, PluginError> {
        self.weighted_by(&scores.weights, coefficients)
    }

    /// The same for coefficients from [`credit`](Self::credit).
    ///
    /// # Errors
    /// If scores or coefficients belong to another batch.
    pub fn weighted_credit<'a>(
        &'a self,
        scores: &'a PopulationScores,
        coefficients: &'a [f64],
    ) -> Result<GradientBatch<'a>, PluginError> {
        self.weighted_by(&scores.probs, coefficients)
    }

    fn weighted_by<'a>(
        &'a self,
        weights: &'a [f64],
        coefficients: &'a [f64],
    ) -> Result<GradientBatch<'a>, PluginError> {
        let sequences = self.sequences.view();
        GradientBatch::new(sequences, weights, coefficients)
    }
}
