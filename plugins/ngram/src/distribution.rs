//! The distribution of an n-gram: softmax rows, and how sequences are sampled and scored by them.

use crate::contexts::{Contexts, to_index};
use pstar_core::author::{FiniteStateView, SampleRequest, Samples};
use pstar_core::data::{Ending, SequenceBatch};
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{Task, math};

/// An n-gram distribution given by logits.
///
/// # Shapes
/// All rows: positions × contexts × choices, where `positions` is 1 for a position-independent model.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    contexts: Contexts,
    positions: usize,
    choices: usize,
    horizon: usize,
    end: Option<u32>,
    logits: Vec<f64>,
    log_probs: Vec<f64>,
    probs: Vec<f64>,
    /// Rows of `groups` groups, filled up with 1, which is never passed.
    cumulative: Vec<[f64; GROUP]>,
    groups: usize,
    behind: Vec<u32>,
    step: usize,
}

impl Distribution {
    /// The uniform distribution.
    pub(crate) fn uniform(contexts: Contexts, positions: usize, task: &Task) -> Self {
        let choices = task.choices();
        let contexts_count = contexts.count();
        let c = contexts.clone();
        let behind = |context, token| c.advance(context, token) as u32;
        let values = positions * contexts.count() * choices;
        let mut distribution = Self {
            contexts,
            positions,
            choices,
            horizon: task.horizon,
            end: (task.ending == Ending::EndSymbol).then(|| task.alphabet.end()),
            logits: vec![0.0; values],
            log_probs: vec![0.0; values],
            probs: vec![0.0; values],
            cumulative: vec![[1.0; GROUP]; positions * contexts_count * choices.div_ceil(GROUP)],
            groups: choices.div_ceil(GROUP),
            behind: (0..contexts_count as u64).map(|context| behind(context, 0)).collect(),
            step: (behind(0, 1) - behind(0, 0)) as usize,
        };
        distribution.normalise();
        distribution
    }

    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    pub(crate) fn logits(&self) -> &[f64] {
        &self.logits
    }

    pub(crate) fn probs(&self) -> &[f64] {
        &self.probs
    }

    pub(crate) fn choices(&self) -> usize {
        self.choices
    }

    /// Replaces all logits.
    pub(crate) fn set_logits(&mut self, logits: &[f64]) {
        self.logits.copy_from_slice(logits);
        self.normalise();
    }

    /// Replaces logits through `change` and normalises.
    pub(crate) fn change_logits(&mut self, change: impl FnOnce(&mut [f64])) {
        change(&mut self.logits);
        self.normalise();
    }

    fn normalise(&mut self) {
        let k = self.choices;
        for number in 0..self.logits.len() / k {
            let row = number;
            let row = row * k..(row + 1) * k;
            math::log_softmax(
                &self.logits[row.clone()],
                &mut self.log_probs[row.clone()],
                &mut self.probs[row.clone()],
            );
            cumulative(
                &self.probs[row],
                self.cumulative[number * self.groups..][..self.groups].as_flattened_mut(),
            );
        }
    }

    /// Where the row of a context at a position starts.
    #[inline]
    pub(crate) fn row(&self, position: usize, context: u64) -> usize {
        let table = if self.positions == 1 { 0 } else { position };
        (table * self.contexts.count() + to_index(context)) * self.choices
    }

    /// Calls `visit(row, token, index)` for every token of a batch: where its row starts, the token, and its
    /// place in the flat buffer.
    pub(crate) fn visit_tokens(&self, batch: &SequenceBatch<'_>, mut visit: impl FnMut(usize, usize, usize)) {
        let mut index = 0;
        for (i, tokens) in batch.tokens().rows().enumerate() {
            let mut context = self.contexts.start(batch.prompt(i));
            for (position, &token) in tokens.iter().enumerate() {
                visit(self.row(position, context), token as usize, index);
                context = self.contexts.advance(context, token);
                index += 1;
            }
        }
    }

    pub(crate) fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) {
        self.visit_tokens(batch, |row, token, index| log_probs[index] = self.log_probs[row + token]);
    }

    pub(crate) fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let starts: Vec<u64> = request.prompts.rows().map(|prompt| self.contexts.start(prompt)).collect();
        let rows = request.sample.len();
        let expected = if self.end.is_none() { rows * self.horizon } else { 0 };
        let mut sampled = Sampled {
            offsets: Vec::with_capacity(rows + 1),
            tokens: Vec::with_capacity(expected),
            log_probs: Vec::with_capacity(expected),
        };
        sampled.offsets.push(0);
        let mut block = Block::new(rows.min(LANES), self.horizon);
        for (prompts, numbers) in request.prompt_of.chunks(LANES).zip(request.sample.chunks(LANES)) {
            block.sample(self, key, &starts, prompts, numbers);
            block.append_to(&mut sampled);
        }
        let tokens = pstar_core::data::RaggedBuffer::from_parts(sampled.offsets, sampled.tokens);
        Samples { tokens: tokens.expect("offsets are sums of lengths"), log_probs: sampled.log_probs }
    }
}

struct Sampled {
    offsets: Vec<u64>,
    tokens: Vec<u32>,
    log_probs: Vec<f64>,
}

#[inline]
fn pick_groups(groups: &[[f64; GROUP]], u: f64) -> usize {
    let mut passed = [0u64; GROUP];
    for group in groups {
        for (passed, &c) in passed.iter_mut().zip(group) {
            *passed += u64::from(c <= u);
        }
    }
    passed.iter().sum::<u64>() as usize
}

const GROUP: usize = 4;

/// Sequences that are sampled in lockstep.
const LANES: usize = 32;

/// A block of sequences under construction: a lane is a sequence that has not ended, `rows` are their places.
struct Block {
    horizon: usize,
    lanes: usize,
    rows: [usize; LANES],
    prompts: [u32; LANES],
    numbers: [u32; LANES],
    contexts: [usize; LANES],
    /// Of an even position and of the one behind it.
    uniforms: [[f64; LANES]; 2],
    lengths: Vec<usize>,
    tokens: Vec<u32>,
    log_probs: Vec<f64>,
}

impl Block {
    fn new(rows: usize, horizon: usize) -> Self {
        Self {
            horizon,
            lanes: 0,
            rows: [0; LANES],
            prompts: [0; LANES],
            numbers: [0; LANES],
            contexts: [0; LANES],
            uniforms: [[0.0; LANES]; 2],
            lengths: Vec::with_capacity(rows),
            tokens: vec![0; rows * horizon],
            log_probs: vec![0.0; rows * horizon],
        }
    }

    #[inline(never)]
    fn sample(
        &mut self,
        distribution: &Distribution,
        key: StreamKey,
        starts: &[u64],
        prompts: &[u32],
        numbers: &[u32],
    ) {
        let n = prompts.len();
        self.lanes = n;
        self.lengths.clear();
        self.lengths.resize(n, self.horizon);
        self.prompts[..n].copy_from_slice(prompts);
        self.numbers[..n].copy_from_slice(numbers);
        for lane in 0..n {
            self.rows[lane] = lane;
            self.contexts[lane] = to_index(starts[prompts[lane] as usize]);
        }
        for position in 0..self.horizon {
            let n = self.lanes;
            if n == 0 {
                break;
            }
            if position % 2 == 0 {
                let [even, odd] = &mut self.uniforms;
                key.pairs(&self.prompts[..n], &self.numbers[..n], position, &mut even[..n], &mut odd[..n]);
            }
            let table =
                if distribution.positions == 1 { 0 } else { position * distribution.contexts.count() };
            // Backwards, so that a lane which ends can be filled with the last one.
            for lane in (0..n).rev() {
                let row = table + self.contexts[lane];
                let groups = &distribution.cumulative[row * distribution.groups..][..distribution.groups];
                let uniform = self.uniforms[position % 2][lane];
                let choice: usize = pick_groups(groups, uniform);
                let place = self.rows[lane] * self.horizon + position;
                #[allow(clippy::cast_possible_truncation, reason = "a choice is a token")]
                let token = choice as u32;
                self.tokens[place] = token;
                self.log_probs[place] = distribution.log_probs[row * distribution.choices + choice];
                if Some(token) == distribution.end {
                    self.lengths[self.rows[lane]] = position + 1;
                    self.lanes -= 1;
                    let last = self.lanes;
                    self.rows[lane] = self.rows[last];
                    self.prompts[lane] = self.prompts[last];
                    self.numbers[lane] = self.numbers[last];
                    self.contexts[lane] = self.contexts[last];
                    self.uniforms[1][lane] = self.uniforms[1][last];
                } else {
                    self.contexts[lane] =
                        distribution.behind[self.contexts[lane]] as usize + choice * distribution.step;
                }
            }
        }
    }

    #[inline(never)]
    fn append_to(&self, samples: &mut Sampled) {
        for (row, &length) in self.lengths.iter().enumerate() {
            let row = row * self.horizon..row * self.horizon + length;
            samples.tokens.extend_from_slice(&self.tokens[row.clone()]);
            samples.log_probs.extend_from_slice(&self.log_probs[row]);
            samples.offsets.push(samples.tokens.len() as u64);
        }
    }
}

impl FiniteStateView for Distribution {
    fn start(&self, prompt: &[u32]) -> u64 {
        self.contexts.start(prompt)
    }

    fn expand(&self, position: usize, states: &[u64], log_probs: &mut [f64], next: &mut [u64]) {
        let symbols = self.choices - usize::from(self.end.is_some());
        for ((&state, log_probs), next) in
            states.iter().zip(log_probs.chunks_exact_mut(self.choices)).zip(next.chunks_exact_mut(symbols))
        {
            let row = self.row(position, state);
            log_probs.copy_from_slice(&self.log_probs[row..row + self.choices]);
            for (token, next) in (0..).zip(next) {
                *next = self.contexts.advance(state, token);
            }
        }
    }
}
