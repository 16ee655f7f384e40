//! The distribution of an n-gram: softmax rows, and how sequences are sampled and scored by them.

use crate::contexts::{Contexts, to_index};
use pstar_core::author::{FiniteStateView, SampleRequest, Samples};
use pstar_core::data::{Ending, RaggedBuffer, SequenceBatch};
use pstar_core::rng::{StreamKey, cumulative, pick};
use pstar_core::{Task, math};

/// Sequences that are sampled in lockstep, so that their chains of look-ups overlap.
const LOCKSTEP: usize = 64;

/// Tokens that memory is reserved for at once; what is not used is never touched.
const RESERVED: usize = 1 << 20;

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
    cumulative: Vec<f64>,
}

impl Distribution {
    /// The uniform distribution.
    pub(crate) fn uniform(contexts: Contexts, positions: usize, task: &Task) -> Self {
        let choices = task.choices();
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
            cumulative: vec![0.0; values],
        };
        distribution.normalise();
        distribution
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
        for row in 0..self.logits.len() / k {
            let row = row * k..(row + 1) * k;
            math::log_softmax(
                &self.logits[row.clone()],
                &mut self.log_probs[row.clone()],
                &mut self.probs[row.clone()],
            );
            cumulative(&self.probs[row.clone()], &mut self.cumulative[row]);
        }
    }

    /// Where the row of a context at a position starts.
    #[inline]
    pub(crate) fn row(&self, position: usize, context: u64) -> usize {
        let table = if self.positions == 1 { 0 } else { position };
        (table * self.contexts.count() + to_index(context)) * self.choices
    }

    /// What a row is conditioned on: its position, where that matters, and the symbols of its context.
    pub(crate) fn context_of(&self, row: usize) -> Option<(Option<usize>, Vec<u32>)> {
        let number = row / self.choices;
        let (position, context) = (number / self.contexts.count(), number % self.contexts.count());
        let position = (self.positions > 1).then_some(position);
        (row < self.logits.len()).then(|| (position, self.contexts.tokens(context as u64)))
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
            #[allow(unsafe_code, reason = "calls what is compiled for AVX2: a fifth faster, the same bits")]
            // SAFETY: the processor has AVX2.
            return unsafe { self.sample_with_avx2(request, key) };
        }
        self.sample_blocks(request, key)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn sample_with_avx2(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        self.sample_blocks(request, key)
    }

    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn sample_blocks(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let starts: Vec<u64> = request.prompts.rows().map(|prompt| self.contexts.start(prompt)).collect();
        let rows = request.sample.len();
        let reserved = (rows * self.horizon).min(RESERVED);
        let (mut tokens, mut log_probs) = (Vec::with_capacity(reserved), Vec::with_capacity(reserved));
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let mut block = Block::new(rows.min(LOCKSTEP), self.horizon);
        for (prompts, samples) in request.prompt_of.chunks(LOCKSTEP).zip(request.sample.chunks(LOCKSTEP)) {
            let mut lanes = Lanes::new(prompts, samples, &starts);
            block.lengths.clear();
            block.lengths.resize(prompts.len(), self.horizon);
            for position in 0..self.horizon {
                if position % 2 == 0 {
                    lanes.draw(key, position);
                }
                self.extend(&mut block, &mut lanes, position);
                if let Some(end) = self.end {
                    lanes.retire(&mut block, position, end);
                    if lanes.rows.is_empty() {
                        break;
                    }
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
        Samples::new(tokens, log_probs)
    }

    /// Adds a token to the sequence of every lane.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn extend(&self, block: &mut Block, lanes: &mut Lanes, position: usize) {
        let Block { tokens, log_probs, .. } = block;
        let places = lanes.rows.iter().map(|row| row * self.horizon + position);
        let uniforms = &lanes.uniforms[position % 2];
        for ((place, context), &uniform) in places.zip(&mut lanes.contexts).zip(uniforms) {
            let row = self.row(position, *context);
            let choice = pick(&self.cumulative[row..row + self.choices], uniform);
            #[allow(clippy::cast_possible_truncation, reason = "a choice is a token")]
            let token = choice as u32;
            tokens[place] = token;
            log_probs[place] = self.log_probs[row + choice];
            *context = self.contexts.advance(*context, token);
        }
    }
}

/// What sequences in lockstep have emitted.
struct Block {
    horizon: usize,
    /// For each sequence its number of tokens.
    lengths: Vec<usize>,
    /// Sequences × horizon.
    tokens: Vec<u32>,
    /// Sequences × horizon.
    log_probs: Vec<f64>,
}

impl Block {
    fn new(rows: usize, horizon: usize) -> Self {
        let values = rows * horizon;
        Self { horizon, lengths: Vec::new(), tokens: vec![0; values], log_probs: vec![0.0; values] }
    }
}

/// Sequences in lockstep that have not ended; each takes a lane, an entry of every column.
struct Lanes {
    /// Its place in the block.
    rows: Vec<usize>,
    prompts: Vec<u32>,
    samples: Vec<u32>,
    contexts: Vec<u64>,
    /// Those of an even position, and those of the odd one behind it.
    uniforms: [Vec<f64>; 2],
}

impl Lanes {
    fn new(prompts: &[u32], samples: &[u32], starts: &[u64]) -> Self {
        Self {
            rows: (0..prompts.len()).collect(),
            prompts: prompts.to_vec(),
            samples: samples.to_vec(),
            contexts: prompts.iter().map(|&prompt| starts[prompt as usize]).collect(),
            uniforms: [vec![0.0; prompts.len()], vec![0.0; prompts.len()]],
        }
    }

    /// Draws the uniform numbers of an even position and of the odd one behind it.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn draw(&mut self, key: StreamKey, position: usize) {
        let [even, odd] = &mut self.uniforms;
        key.pairs(&self.prompts, &self.samples, position, even, odd);
    }

    /// Frees the lanes of the sequences that ended at a position; the last lanes take their places.
    fn retire(&mut self, block: &mut Block, position: usize, end: u32) {
        for lane in (0..self.rows.len()).rev() {
            let row = self.rows[lane];
            if block.tokens[row * block.horizon + position] == end {
                block.lengths[row] = position + 1;
                self.rows.swap_remove(lane);
                self.prompts.swap_remove(lane);
                self.samples.swap_remove(lane);
                self.contexts.swap_remove(lane);
                for uniforms in &mut self.uniforms {
                    uniforms.swap_remove(lane);
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::task;
    use pstar_core::rng::Purpose;

    /// One token after another, each picked by its own uniform number.
    fn one_by_one(distribution: &Distribution, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut context = distribution.contexts.start(request.prompts.row(prompt as usize));
            for position in 0..distribution.horizon {
                let row = distribution.row(position, context);
                let sums = &distribution.cumulative[row..row + distribution.choices];
                let choice = pick(sums, key.uniform(prompt, sample, position));
                let token = u32::try_from(choice).unwrap();
                samples.tokens.push_value(token);
                samples.log_probs.push(distribution.log_probs[row + choice]);
                if Some(token) == distribution.end {
                    break;
                }
                context = distribution.contexts.advance(context, token);
            }
            samples.tokens.end_row();
        }
        samples
    }

    #[test]
    fn lockstep_samples_what_one_by_one_samples() {
        let prompts: RaggedBuffer<u32> = [&[][..], &[4, 1], &[0]].into_iter().collect();
        let key = StreamKey::new(5, Purpose::Rollout, 3);
        for (order, horizon, ending, dependent) in [
            (1, 1, Ending::FixedLength, false),
            (2, 4, Ending::FixedLength, true),
            (3, 7, Ending::EndSymbol, false),
            (2, 5, Ending::EndSymbol, true),
        ] {
            let mut task = task("abc", "=", horizon);
            task.ending = ending;
            let positions = if dependent { horizon } else { 1 };
            let contexts = Contexts::new(order, &task, positions).unwrap();
            let mut distribution = Distribution::uniform(contexts, positions, &task);
            distribution.change_logits(|logits| {
                for (i, logit) in (0..).zip(logits) {
                    let u = key.uniform(1, i, 0);
                    *logit = if u < 0.1 { f64::NEG_INFINITY } else { 3.0 * u };
                }
            });
            for n in [0, 1, u32::try_from(2 * LOCKSTEP).unwrap() + 3] {
                let prompt_of: Vec<u32> = (0..n).map(|i| i % 3).collect();
                let sample: Vec<u32> = (0..n).map(|i| i / 3).collect();
                let request = SampleRequest::new(prompts.view(), &prompt_of, &sample).unwrap();
                let expected = one_by_one(&distribution, &request, key);
                assert!(distribution.sample(&request, key) == expected, "{order} {ending:?} {n}");
                assert!(distribution.sample_blocks(&request, key) == expected, "{order} {ending:?} {n}");
            }
        }
    }
}
