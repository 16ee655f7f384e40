//! The distribution of an n-gram: softmax rows, and how sequences are sampled and scored by them.

use crate::contexts::{Contexts, to_index};
use pstar_core::author::{FiniteStateView, SampleRequest, Samples};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::rng::{StreamKey, cumulative};
use pstar_core::{Task, math};

/// Cumulative sums that are compared with a uniform number at once.
const GROUP: usize = 4;

/// Sequences whose uniform numbers are computed side by side.
const SIDE_BY_SIDE: usize = 4;

/// Sequences that are sampled in lockstep, so that their chains of look-ups overlap.
const LOCKSTEP: usize = 32;

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
    /// Cumulative sums, each row filled up to whole groups with 1, which no uniform number reaches.
    cumulative: Vec<[f64; GROUP]>,
    /// For each context the one behind token 0; behind token k is the k-th after it.
    behind_first: Vec<u32>,
}

impl Distribution {
    /// The uniform distribution.
    pub(crate) fn uniform(contexts: Contexts, positions: usize, task: &Task) -> Self {
        let choices = task.choices();
        let rows = positions * contexts.count();
        #[allow(clippy::cast_possible_truncation, reason = "contexts are bounded by MOST_VALUES")]
        let behind_first = (0..contexts.count() as u64).map(|context| contexts.advance(context, 0) as u32);
        let mut distribution = Self {
            behind_first: behind_first.collect(),
            contexts,
            positions,
            choices,
            horizon: task.horizon,
            end: (task.ending == Ending::EndSymbol).then(|| task.alphabet.end()),
            logits: vec![0.0; rows * choices],
            log_probs: vec![0.0; rows * choices],
            probs: vec![0.0; rows * choices],
            cumulative: vec![[1.0; GROUP]; rows * choices.div_ceil(GROUP)],
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
        let rows = self.cumulative.chunks_exact_mut(k.div_ceil(GROUP));
        for (row, sums) in rows.enumerate() {
            let row = row * k..(row + 1) * k;
            math::log_softmax(
                &self.logits[row.clone()],
                &mut self.log_probs[row.clone()],
                &mut self.probs[row.clone()],
            );
            cumulative(&self.probs[row], sums.as_flattened_mut());
        }
    }

    /// The number of the row of context 0 at a position.
    #[inline]
    fn first_row(&self, position: usize) -> usize {
        if self.positions == 1 { 0 } else { position * self.contexts.count() }
    }

    /// Where the row of a context at a position starts.
    #[inline]
    pub(crate) fn row(&self, position: usize, context: u64) -> usize {
        (self.first_row(position) + to_index(context)) * self.choices
    }

    /// [`Contexts::advance`] by look-up.
    #[inline]
    fn advance(&self, context: usize, token: usize) -> usize {
        let only_one = self.behind_first.len() == 1;
        if only_one { 0 } else { self.behind_first[context] as usize + token }
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
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "twice as fast as the oldest instruction set")]
            // SAFETY: the processor has AVX2.
            return unsafe { self.sample_avx2(request, key) };
        }
        self.sample_portable(request, key)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn sample_avx2(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        self.sample_portable(request, key)
    }

    #[allow(clippy::inline_always, reason = "compiled for each instruction set")]
    #[inline(always)]
    fn sample_portable(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let starts: Vec<usize> =
            request.prompts.rows().map(|prompt| to_index(self.contexts.start(prompt))).collect();
        let rows = request.sample.len();
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let known = if self.end.is_none() { rows * self.horizon } else { 0 };
        let (mut tokens, mut log_probs) = (Vec::with_capacity(known), Vec::with_capacity(known));
        let mut block = Block::new(rows.min(LOCKSTEP), self.horizon);
        for (prompts, numbers) in request.prompt_of.chunks(LOCKSTEP).zip(request.sample.chunks(LOCKSTEP)) {
            block.begin(prompts, numbers, &starts);
            for position in (0..self.horizon).step_by(2) {
                block.draw(key, position);
                self.step(&mut block, position, 0);
                if position + 1 < self.horizon {
                    self.step(&mut block, position + 1, 1);
                }
                if block.lanes.is_empty() {
                    break;
                }
            }
            for (row, &length) in block.lengths.iter().enumerate() {
                let row = row * self.horizon..row * self.horizon + length;
                tokens.extend_from_slice(&block.tokens[row.clone()]);
                log_probs.extend_from_slice(&block.log_probs[row]);
                offsets.push(tokens.len() as u64);
            }
        }
        let tokens = RaggedBuffer::from_parts(offsets, tokens).expect("offsets are sums of lengths");
        Samples { tokens, log_probs }
    }

    /// Adds a token to every sequence of a block.
    #[allow(clippy::inline_always, reason = "compiled for each instruction set")]
    #[inline(always)]
    fn step(&self, block: &mut Block, position: usize, of_pair: usize) {
        let first_row = self.first_row(position);
        let groups = self.choices.div_ceil(GROUP);
        // From the last lane on, so that where one ends the last can take its place.
        for i in (0..block.lanes.len()).rev() {
            let lane = &mut block.lanes[i];
            let row = first_row + lane.context;
            let choice = pick(&self.cumulative[row * groups..(row + 1) * groups], lane.uniforms[of_pair]);
            let place = lane.row * self.horizon + position;
            #[allow(clippy::cast_possible_truncation, reason = "a choice is a token")]
            let token = choice as u32;
            block.tokens[place] = token;
            block.log_probs[place] = self.log_probs[row * self.choices + choice];
            if Some(token) == self.end {
                block.lengths[lane.row] = position + 1;
                block.lanes.swap_remove(i);
            } else {
                lane.context = self.advance(lane.context, choice);
            }
        }
    }
}

/// [`pick`](pstar_core::rng::pick) from a row of whole groups.
#[inline]
fn pick(groups: &[[f64; GROUP]], uniform: f64) -> usize {
    let mut passed = [0; GROUP];
    for group in groups {
        for (passed, &sum) in passed.iter_mut().zip(group) {
            *passed += usize::from(sum <= uniform);
        }
    }
    passed.iter().sum()
}

/// Sequences that are sampled in lockstep.
struct Block {
    horizon: usize,
    /// The sequences that have not ended.
    lanes: Vec<Lane>,
    /// For each sequence its number of tokens.
    lengths: Vec<usize>,
    /// Sequences × horizon.
    tokens: Vec<u32>,
    /// Sequences × horizon.
    log_probs: Vec<f64>,
}

/// A sequence that has not ended.
struct Lane {
    /// Its place in the block.
    row: usize,
    prompt: u32,
    sample: u32,
    context: usize,
    /// Those of an even position and of the odd one behind it.
    uniforms: [f64; 2],
}

impl Block {
    fn new(rows: usize, horizon: usize) -> Self {
        Self {
            horizon,
            lanes: Vec::with_capacity(rows),
            lengths: Vec::with_capacity(rows),
            tokens: vec![0; rows * horizon],
            log_probs: vec![0.0; rows * horizon],
        }
    }

    fn begin(&mut self, prompts: &[u32], samples: &[u32], starts: &[usize]) {
        self.lanes.clear();
        self.lengths.clear();
        self.lengths.resize(prompts.len(), self.horizon);
        let rows = prompts.iter().zip(samples).enumerate();
        self.lanes.extend(rows.map(|(row, (&prompt, &sample))| Lane {
            row,
            prompt,
            sample,
            context: starts[prompt as usize],
            uniforms: [0.0; 2],
        }));
    }

    /// Draws the uniform numbers of an even position and of the odd one behind it.
    #[allow(clippy::inline_always, reason = "compiled for each instruction set")]
    #[inline(always)]
    fn draw(&mut self, key: StreamKey, position: usize) {
        for lanes in self.lanes.chunks_mut(SIDE_BY_SIDE) {
            let rows = std::array::from_fn(|i| {
                let lane = &lanes[i.min(lanes.len() - 1)];
                (lane.prompt, lane.sample)
            });
            let pairs: [_; SIDE_BY_SIDE] = key.pairs(rows, position);
            for (lane, uniforms) in lanes.iter_mut().zip(pairs) {
                lane.uniforms = uniforms;
            }
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
