//! Keys of random streams.

use super::philox::{philox4x32_10, philox4x32_10_wide};

/// What a random number is drawn for: part of its counter, so that no two uses share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Purpose {
    /// Training samples from the policy.
    Rollout = 0,
    /// The order of the prompts.
    PromptOrder = 1,
    /// Initial parameters.
    Initialise = 2,
    /// Training samples from the base or the filtered model.
    BaseSample = 3,
    /// Samples from the policy for its evaluation.
    Evaluation = 4,
    /// Samples from the base for evaluation.
    BaseEvaluation = 5,
    /// Samples from the base that a policy is fitted to.
    FitBase = 6,
    /// Prompts that a verifier proposes.
    Prompts = 7,
    /// An objective's own draws.
    Objective = 8,
    /// Resampling in statistics.
    Bootstrap = 9,
    /// Samples from the filtered model for evaluation.
    FilteredEvaluation = 10,
    /// Which groups of a batch an optimizer step is of.
    Minibatch = 11,
}

/// A family of uniform numbers, indexed by prompt, sample and position. See the [module](super) for the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey {
    /// The experiment's seed.
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: u8,
    /// Training step, from 0.
    pub step: u32,
    /// Pass over the batch of a step, from 0.
    pub epoch: u8,
    /// Repetition of a draw within a step, from 0.
    pub resample: u8,
}

impl StreamKey {
    /// Greatest number of prompts that the layout tells apart.
    pub const MAX_PROMPTS: u32 = 1 << 24;
    /// Greatest number of positions that the layout tells apart.
    pub const MAX_POSITIONS: usize = 1 << 17;

    /// The key of a purpose at a training step.
    pub fn new(seed: u64, purpose: Purpose, step: u32) -> Self {
        Self { seed, purpose: purpose as u8, step, epoch: 0, resample: 0 }
    }

    /// The uniform numbers of one sample of one prompt.
    ///
    /// # Panics
    /// If `prompt` is not below [`MAX_PROMPTS`](Self::MAX_PROMPTS).
    #[allow(clippy::cast_possible_truncation, reason = "the two halves of the seed")]
    pub fn row(&self, prompt: u32, sample: u32) -> UniformRow {
        assert!(prompt < Self::MAX_PROMPTS, "prompt {prompt} is beyond the counter layout");
        UniformRow {
            key: [self.seed as u32, (self.seed >> 32) as u32],
            counter: [
                u32::from(self.epoch) << 16 | u32::from(self.resample) << 24,
                sample,
                prompt | u32::from(self.purpose) << 24,
                self.step,
            ],
            block: [0; 4],
            filled: None,
        }
    }

    /// The uniform number in [0, 1) at one position of one sample of one prompt.
    pub fn uniform(&self, prompt: u32, sample: u32, position: usize) -> f64 {
        self.row(prompt, sample).at(position)
    }

    /// The uniform numbers of many samples at an even position and at the odd one behind it: `even[i]` and
    /// `odd[i]` are those of [`row(prompts[i], samples[i])`](Self::row).
    ///
    /// # Panics
    /// If the slices differ in length, or `position` is odd, or it or a prompt is beyond the layout.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[allow(clippy::cast_possible_truncation, reason = "the low half of a word is the word")]
    #[inline(always)]
    pub fn pairs(
        &self,
        prompts: &[u32],
        samples: &[u32],
        position: usize,
        even: &mut [f64],
        odd: &mut [f64],
    ) {
        assert!(position < Self::MAX_POSITIONS, "position {position} is beyond the counter layout");
        assert!(position.is_multiple_of(2), "position {position} is the second of its block");
        assert!(
            prompts.iter().all(|&prompt| prompt < Self::MAX_PROMPTS),
            "a prompt is beyond the counter layout"
        );
        let n = prompts.len();
        assert!(samples.len() == n && even.len() == n && odd.len() == n, "the slices differ in length");
        let UniformRow { key, counter, .. } = self.row(0, 0);
        let [first, _, purpose, step] = counter.map(u64::from);
        let first = first | (position as u64 / 2);
        for i in 0..n {
            let counter = [first, samples[i].into(), purpose | u64::from(prompts[i]), step];
            let block = philox4x32_10_wide(counter, key).map(|word| word as u32);
            even[i] = uniform53(block[0], block[1]);
            odd[i] = uniform53(block[2], block[3]);
        }
    }
}

/// The uniform numbers of one sample; reading them in order computes each block once.
#[derive(Clone, Debug)]
pub struct UniformRow {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    filled: Option<u32>,
}

impl UniformRow {
    /// The uniform number in [0, 1) at `position`, of 53 random bits.
    ///
    /// # Panics
    /// If `position` is not below [`StreamKey::MAX_POSITIONS`].
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "checked against the layout")]
    pub fn at(&mut self, position: usize) -> f64 {
        assert!(position < StreamKey::MAX_POSITIONS, "position {position} is beyond the counter layout");
        let index = (position / 2) as u32;
        if self.filled != Some(index) {
            let [first, sample, prompt, step] = self.counter;
            self.block = philox4x32_10([first | index, sample, prompt, step], self.key);
            self.filled = Some(index);
        }
        let word = position % 2 * 2;
        uniform53(self.block[word], self.block[word + 1])
    }
}

/// The top 53 of 64 random bits as a number in [0, 1).
#[inline]
fn uniform53(low: u32, high: u32) -> f64 {
    const SCALE: f64 = 1.0 / (1u64 << 53) as f64;
    ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 * SCALE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const KEY: StreamKey = StreamKey { seed: 7, purpose: 0, step: 0, epoch: 0, resample: 0 };

    #[test]
    fn the_layout_is_the_documented_one() {
        let key = StreamKey { seed: 0x0123_4567_89ab_cdef, purpose: 3, step: 9, epoch: 1, resample: 2 };
        let block = philox4x32_10([0x0201_0002, 11, 5 | 3 << 24, 9], [0x89ab_cdef, 0x0123_4567]);
        assert_eq!(key.uniform(5, 11, 4).to_bits(), uniform53(block[0], block[1]).to_bits());
        assert_eq!(key.uniform(5, 11, 5).to_bits(), uniform53(block[2], block[3]).to_bits());
    }

    #[test]
    fn every_coordinate_changes_the_number() {
        let mut seen = HashSet::new();
        for key in [
            KEY,
            StreamKey { seed: 8, ..KEY },
            StreamKey { purpose: 1, ..KEY },
            StreamKey { step: 1, ..KEY },
            StreamKey { epoch: 1, ..KEY },
            StreamKey { resample: 1, ..KEY },
        ] {
            for (prompt, sample, position) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 2)] {
                assert!(seen.insert(key.uniform(prompt, sample, position).to_bits()));
            }
        }
    }

    #[test]
    fn pairs_are_the_uniforms_of_their_rows() {
        let key = StreamKey { seed: u64::MAX - 5, purpose: 9, step: u32::MAX, epoch: 255, resample: 254 };
        let prompts: Vec<u32> = (0..37).map(|i| i * 7 % 5 * ((1 << 22) - 1)).collect();
        let samples: Vec<u32> = (0..37).map(|i: u32| i.wrapping_mul(0x9E37_79B9)).collect();
        let (mut even, mut odd) = ([0.0; 37], [0.0; 37]);
        for position in [0, 2, 254, StreamKey::MAX_POSITIONS - 2] {
            key.pairs(&prompts, &samples, position, &mut even, &mut odd);
            for i in 0..37 {
                let uniform = |position| key.uniform(prompts[i], samples[i], position).to_bits();
                assert_eq!([even[i], odd[i]].map(f64::to_bits), [position, position + 1].map(uniform));
            }
        }
    }

    #[test]
    fn uniforms_are_uniform() {
        // Mean of 10^5 uniforms: standard error 0.0009; five of them allowed.
        let n: u32 = 100_000;
        let mean = (0..n).map(|i| KEY.uniform(0, i, 0)).sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0 / f64::from(n)).sqrt());
        assert!(uniform53(u32::MAX, u32::MAX) < 1.0);
    }
}
