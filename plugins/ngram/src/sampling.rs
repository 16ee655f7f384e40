//! How an n-gram samples: sequences in lockstep, so that their chains of look-ups overlap.

#[cfg(target_arch = "x86_64")]
use crate::beyond::{Avx2, Avx512};
use crate::beyond::{Beyond, Plain};
use crate::contexts::to_index;
use crate::distribution::Distribution;
use pstar_core::author::{SampleRequest, SampleRoom, Samples};
use pstar_core::data::RaggedBuffer;
use pstar_core::rng::StreamKey;

/// Sequences in lockstep.
const LOCKSTEP: usize = 64;

/// Tokens that memory is reserved for at once; what is not used is never touched.
const RESERVED: usize = 1 << 20;

impl Distribution {
    /// Samples of any length, in memory that grows with them.
    pub(crate) fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let rows = request.sample.len();
        let reserved = (rows * self.horizon).min(RESERVED);
        let (mut tokens, mut log_probs) = (Vec::with_capacity(reserved), Vec::with_capacity(reserved));
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let mut block = Block::new(LOCKSTEP.min(rows), self.horizon);
        self.each_block(request, |_, lanes| {
            self.fill(&mut block.view(), lanes, key);
            for (row, &length) in block.lengths[..lanes.begun].iter().enumerate() {
                let row = row * self.horizon..row * self.horizon + length;
                tokens.extend_from_slice(&block.tokens[row.clone()]);
                log_probs.extend_from_slice(&block.log_probs[row]);
                offsets.push(tokens.len() as u64);
            }
        });
        let tokens = RaggedBuffer::from_parts(offsets, tokens).expect("offsets are sums of lengths");
        Samples::new(tokens, log_probs)
    }

    /// Samples into room that is large enough for sequences as long as the horizon.
    pub(crate) fn sample_into(&self, request: &SampleRequest<'_>, key: StreamKey, room: SampleRoom<'_>) {
        let SampleRoom { tokens, log_probs, ends, .. } = room;
        if self.end.is_none() {
            // Sequences stand where they stay.
            let mut lengths = [self.horizon; LOCKSTEP];
            self.each_block(request, |first, lanes| {
                let place = first * self.horizon..(first + lanes.begun) * self.horizon;
                let (tokens, log_probs) = (&mut tokens[place.clone()], &mut log_probs[place]);
                self.fill(&mut BlockView { lengths: &mut lengths, tokens, log_probs }, lanes, key);
            });
            return ends.iter_mut().zip(1..).for_each(|(end, row)| *end = row * self.horizon as u64);
        }
        let mut block = Block::new(LOCKSTEP.min(ends.len()), self.horizon);
        let mut end = 0;
        self.each_block(request, |first, lanes| {
            self.fill(&mut block.view(), lanes, key);
            for (row, &length) in block.lengths[..lanes.begun].iter().enumerate() {
                let own = row * self.horizon..row * self.horizon + length;
                tokens[end..end + length].copy_from_slice(&block.tokens[own.clone()]);
                log_probs[end..end + length].copy_from_slice(&block.log_probs[own]);
                end += length;
                ends[first + row] = end as u64;
            }
        });
    }

    /// Shows the sequences of a request block by block: the number of the first, and lanes for all.
    fn each_block(&self, request: &SampleRequest<'_>, mut show: impl FnMut(usize, &mut Lanes)) {
        let mut starts = self.contexts.starts();
        let blocks = request.prompt_of.chunks(LOCKSTEP).zip(request.sample.chunks(LOCKSTEP));
        for ((prompts, samples), first) in blocks.zip((0..).step_by(LOCKSTEP)) {
            let start = |prompt| starts.of(prompt, request.prompts.row(prompt as usize));
            show(first, &mut Lanes::new(prompts, samples, start));
        }
    }

    /// Samples the sequences of a block, with the widest vectors that there are.
    fn fill(&self, block: &mut BlockView<'_>, lanes: &mut Lanes, key: StreamKey) {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "calls what is compiled for an instruction set")]
        if let Some(by) = Avx512::detect() {
            // SAFETY: the processor was asked for AVX-512 and POPCNT.
            return unsafe { self.fill_with_avx512(by, block, lanes, key) };
        } else if let Some(by) = Avx2::detect() {
            // SAFETY: the processor was asked for AVX2 and POPCNT.
            return unsafe { self.fill_with_avx2(by, block, lanes, key) };
        }
        self.fill_by(Plain, block, lanes, key);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
    fn fill_with_avx512(&self, by: Avx512, block: &mut BlockView<'_>, lanes: &mut Lanes, key: StreamKey) {
        self.fill_by(by, block, lanes, key);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt")]
    fn fill_with_avx2(&self, by: Avx2, block: &mut BlockView<'_>, lanes: &mut Lanes, key: StreamKey) {
        self.fill_by(by, block, lanes, key);
    }

    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn fill_by(&self, by: impl Beyond, block: &mut BlockView<'_>, lanes: &mut Lanes, key: StreamKey) {
        let mut emitted = Emitted { tokens: [0; LOCKSTEP], places: [0; LOCKSTEP] };
        for position in 0..self.horizon {
            if position % 2 == 0 {
                lanes.draw(key, position);
            }
            let first = self.row_number(position, 0);
            // Rows of the usual sizes have loops of their own, which are unrolled.
            match self.sums.stride() {
                8 => self.choose::<8>(by, lanes, (first, position), &mut emitted),
                16 => self.choose::<16>(by, lanes, (first, position), &mut emitted),
                _ => self.choose::<0>(by, lanes, (first, position), &mut emitted),
            }
            self.write(block, lanes, position, &emitted);
            if let Some(end) = self.end {
                lanes.retire(block, position, (end, &emitted.tokens));
                if lanes.count == 0 {
                    break;
                }
            }
        }
    }

    /// Chooses a token for every lane and moves its context on, without meaning behind an end. `first` is the first row of the
    /// position, S the stride of rows, if it is none of 0.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn choose<const S: usize>(
        &self,
        by: impl Beyond,
        lanes: &mut Lanes,
        (first, position): (usize, usize),
        emitted: &mut Emitted,
    ) {
        let (choices, behind) = (self.choices(), self.contexts.all_behind());
        let contexts = lanes.contexts[..lanes.count].iter_mut().zip(&lanes.uniforms[position % 2]);
        let emitted = emitted.tokens.iter_mut().zip(&mut emitted.places);
        for ((context, &uniform), (token, place)) in contexts.zip(emitted) {
            let row = first + to_index(*context);
            let choice = self.sums.pick::<S>(by, row, uniform);
            #[allow(clippy::cast_possible_truncation, reason = "a choice is a token")]
            let choice_token = choice as u32;
            *token = choice_token;
            *place = row * choices + choice;
            *context = behind.of(to_index(*context), choice_token);
        }
    }

    /// Writes the tokens that were chosen with their log-probabilities.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn write(&self, block: &mut BlockView<'_>, lanes: &Lanes, position: usize, emitted: &Emitted) {
        let (log_probs, horizon) = (self.log_probs.as_slice(), self.horizon);
        let rows = lanes.rows[..lanes.count].iter().zip(emitted.tokens.iter().zip(&emitted.places));
        for (&row, (&token, &place)) in rows {
            let at = row * horizon + position;
            block.tokens[at] = token;
            block.log_probs[at] = log_probs[place];
        }
    }
}

/// What lanes emit at a position: their tokens, and where the log-probabilities of these stand.
struct Emitted {
    tokens: [u32; LOCKSTEP],
    places: [usize; LOCKSTEP],
}

/// What sequences in lockstep have emitted.
struct Block {
    lengths: [usize; LOCKSTEP],
    tokens: Vec<u32>,
    log_probs: Vec<f64>,
}

impl Block {
    fn new(rows: usize, horizon: usize) -> Self {
        let values = rows * horizon;
        Self { lengths: [horizon; LOCKSTEP], tokens: vec![0; values], log_probs: vec![0.0; values] }
    }

    fn view(&mut self) -> BlockView<'_> {
        let Self { lengths, tokens, log_probs } = self;
        BlockView { lengths, tokens, log_probs }
    }
}

/// Where sequences in lockstep are written.
struct BlockView<'a> {
    /// For each sequence its number of tokens.
    lengths: &'a mut [usize; LOCKSTEP],
    /// Sequences × horizon.
    tokens: &'a mut [u32],
    /// Sequences × horizon.
    log_probs: &'a mut [f64],
}

/// Sequences in lockstep that have not ended; each takes a lane, an entry of every column.
struct Lanes {
    /// How many there were, and how many there are.
    begun: usize,
    count: usize,
    /// Its place in the block.
    rows: [usize; LOCKSTEP],
    prompts: [u32; LOCKSTEP],
    samples: [u32; LOCKSTEP],
    contexts: [u64; LOCKSTEP],
    /// Those of an even position, and those of the odd one behind it.
    uniforms: [[f64; LOCKSTEP]; 2],
}

impl Lanes {
    fn new(prompts: &[u32], samples: &[u32], start: impl FnMut(u32) -> u64) -> Self {
        let count = prompts.len();
        let mut lanes = Self {
            begun: count,
            count,
            rows: std::array::from_fn(|row| row),
            prompts: [0; LOCKSTEP],
            samples: [0; LOCKSTEP],
            contexts: [0; LOCKSTEP],
            uniforms: [[0.0; LOCKSTEP]; 2],
        };
        lanes.prompts[..count].copy_from_slice(prompts);
        lanes.samples[..count].copy_from_slice(samples);
        for (context, start) in lanes.contexts.iter_mut().zip(prompts.iter().copied().map(start)) {
            *context = start;
        }
        lanes
    }

    /// Frees the lanes of the sequences that ended at a position: what follows moves into their places. No branch is taken on an
    /// end, which no processor can foresee.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn retire(&mut self, block: &mut BlockView<'_>, position: usize, (end, tokens): (u32, &[u32; LOCKSTEP])) {
        let mut kept = 0;
        for (lane, &token) in tokens[..self.count].iter().enumerate() {
            let row = self.rows[lane];
            block.lengths[row] = position + 1;
            self.rows[kept] = row;
            self.prompts[kept] = self.prompts[lane];
            self.samples[kept] = self.samples[lane];
            self.contexts[kept] = self.contexts[lane];
            self.uniforms[1][kept] = self.uniforms[1][lane];
            kept += usize::from(token != end);
        }
        self.count = kept;
    }

    /// Draws the uniform numbers of an even position and of the odd one behind it.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    fn draw(&mut self, key: StreamKey, position: usize) {
        let Self { count, prompts, samples, uniforms: [even, odd], .. } = self;
        let count = *count;
        key.pairs(&prompts[..count], &samples[..count], position, &mut even[..count], &mut odd[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contexts::Contexts;
    use crate::table::tests::task;
    use pstar_core::data::Ending;
    use pstar_core::rng::{Purpose, cumulative, pick};

    /// One token after another, each picked by its own uniform number.
    fn one_by_one(distribution: &Distribution, request: &SampleRequest<'_>, key: StreamKey) -> Samples {
        let mut samples = Samples::default();
        for (&prompt, &sample) in request.prompt_of.iter().zip(request.sample) {
            let mut context = distribution.contexts.start(request.prompts.row(prompt as usize));
            for position in 0..distribution.horizon {
                let row = distribution.row(position, context);
                let probs = &distribution.probs()[row..row + distribution.choices()];
                let mut sums = vec![0.0; probs.len()];
                cumulative(probs, &mut sums);
                let choice = pick(&sums, key.uniform(prompt, sample, position));
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
        // Rows that are not padded, of one vector, of two, and of more.
        for (symbols, order, horizon, ending, dependent) in [
            ("abc", 1, 1, Ending::FixedLength, false),
            ("abc", 2, 4, Ending::FixedLength, true),
            ("abc", 3, 7, Ending::EndSymbol, false),
            ("abcdef", 2, 5, Ending::EndSymbol, true),
            ("abcdefghijklm", 3, 6, Ending::EndSymbol, false),
            ("abcdefghijklmnop", 2, 3, Ending::FixedLength, false),
            ("abcdefghijklmnopqrst", 2, 4, Ending::EndSymbol, false),
        ] {
            let mut task = task(symbols, "=", horizon);
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
                let room = prompt_of.len() * horizon;
                let (mut tokens, mut log_probs) = (vec![7; room], vec![7.0; room]);
                let mut ends = vec![7; prompt_of.len()];
                let room = SampleRoom::new(&mut tokens, &mut log_probs, &mut ends, horizon).unwrap();
                distribution.sample_into(&request, key, room);
                let end = ends.last().map_or(0, |&end| usize::try_from(end).unwrap());
                assert_eq!(expected.tokens.view().offsets()[1..], ends);
                assert_eq!(expected.tokens.view().values(), &tokens[..end]);
                assert_eq!(expected.log_probs, log_probs[..end]);
            }
        }
    }
}
