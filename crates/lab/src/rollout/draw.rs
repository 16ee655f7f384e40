//! Drawing sequences from a source.

use super::{BatchKey, FilteredSource, Recipe, prompts_of_step};
use crate::plan::{SampleSource, Sampling};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::RaggedBuffer;
use pstar_core::objective::Source;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::{ModelHandle, PolicyHandle};
use pstar_record::Budget;
use std::collections::HashMap;
use std::ops::Range;

/// What samples are drawn from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    Policy(&'a PolicyHandle),
    Base,
    Filtered(&'a FilteredSource),
}

impl<'a> Origin<'a> {
    pub(super) fn of(recipe: &Recipe<'a>, policy: &'a PolicyHandle) -> Result<Self, PluginError> {
        match recipe.sampling.source {
            SampleSource::Policy | SampleSource::Buffer { .. } => Ok(Self::Policy(policy)),
            SampleSource::Base => Ok(Self::Base),
            SampleSource::Filtered => recipe
                .filtered
                .map(Self::Filtered)
                .ok_or_else(|| PluginError::contract("no samples of the filtered model were prepared")),
        }
    }

    fn source(self) -> Source {
        match self {
            Self::Policy(_) => Source::Policy,
            Self::Base => Source::Base,
            Self::Filtered(_) => Source::Filtered,
        }
    }

    fn sample(
        self,
        world: &World,
        request: &SampleRequest<'_>,
        key: StreamKey,
    ) -> Result<Samples, PluginError> {
        // The same uniforms as the policy's would be other numbers: the two are told apart.
        let off_policy = StreamKey { purpose: Purpose::BaseSample as u8, ..key };
        match self {
            Self::Policy(policy) => policy.sample(request, key),
            Self::Base => world.base.sample(request, off_policy),
            Self::Filtered(source) => Ok(source.sample(request, off_policy)),
        }
    }
}

/// Sequences that were drawn, in groups, with their log-probabilities under what drew them.
pub(crate) struct Drawn {
    pub(super) source: Source,
    /// For each group its prompt.
    pub(super) prompt: Vec<u32>,
    /// Where each group begins, and where the last one ends.
    pub(super) offsets: Vec<usize>,
    /// For each sequence its prompt, and its number among the samples of that prompt.
    pub(super) prompt_of: Vec<u32>,
    sample: Vec<u32>,
    pub(super) tokens: RaggedBuffer<u32>,
    pub(super) log_probs: Vec<f64>,
}

impl Drawn {
    /// The batch of a key.
    #[allow(clippy::cast_possible_truncation, reason = "groups and samples are below 2^32")]
    pub(super) fn first(
        world: &World,
        sampling: Sampling,
        origin: Origin<'_>,
        BatchKey { seed, step }: BatchKey,
    ) -> Result<Self, PluginError> {
        let prompts = world.prompts.view();
        let size = sampling.group;
        let trained = &world.trained.numbers;
        let mut prompt = prompts_of_step(seed, step, sampling.prompts, trained.len());
        for p in &mut prompt {
            *p = trained[*p as usize];
        }
        let rows = prompt.len() * size;
        let (mut prompt_of, mut sample) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        // A step is of few prompts among perhaps many.
        let mut drawn = HashMap::with_capacity(prompt.len());
        for &p in &prompt {
            let earlier = drawn.entry(p).or_insert(0);
            prompt_of.extend(std::iter::repeat_n(p, size));
            sample.extend((*earlier..*earlier + size).map(|i| i as u32));
            *earlier += size;
        }
        let request = SampleRequest::new(prompts, &prompt_of, &sample)?;
        let samples = origin.sample(world, &request, StreamKey::new(seed, Purpose::Rollout, step))?;
        let (tokens, log_probs) = (samples.tokens, samples.log_probs);
        let offsets = (0..=prompt.len()).map(|g| g * size).collect();
        Ok(Self { source: origin.source(), prompt, offsets, prompt_of, sample, tokens, log_probs })
    }

    /// Other sequences in the place of some groups.
    pub(super) fn again(
        &self,
        world: &World,
        origin: Origin<'_>,
        groups: &[Range<usize>],
        (BatchKey { seed, step }, attempt): (BatchKey, u8),
    ) -> Result<Self, PluginError> {
        let rows = || groups.iter().cloned().flatten();
        let prompt_of: Vec<u32> = rows().map(|row| self.prompt_of[row]).collect();
        let sample: Vec<u32> = rows().map(|row| self.sample[row]).collect();
        let request = SampleRequest::new(world.prompts.view(), &prompt_of, &sample)?;
        let key = StreamKey { resample: attempt, ..StreamKey::new(seed, Purpose::Rollout, step) };
        let samples = origin.sample(world, &request, key)?;
        Ok(Self {
            source: self.source,
            prompt: groups.iter().map(|rows| self.prompt_of[rows.start]).collect(),
            offsets: offsets_of(groups.iter().map(Range::len)),
            prompt_of,
            sample,
            tokens: samples.tokens,
            log_probs: samples.log_probs,
        })
    }

    /// Puts the sequences of `other` in the place of some groups.
    pub(super) fn replace(&mut self, groups: &[Range<usize>], other: &Self) {
        let mut place = vec![None; self.prompt_of.len()];
        groups.iter().cloned().flatten().enumerate().for_each(|(from, row)| place[row] = Some(from));
        let (mut tokens, mut log_probs) = (RaggedBuffer::default(), Vec::new());
        for (row, from) in place.into_iter().enumerate() {
            let (batch, row) = from.map_or((&*self, row), |from| (other, from));
            tokens.push(batch.tokens.view().row(row));
            log_probs.extend_from_slice(batch.log_probs_of(row));
        }
        (self.tokens, self.log_probs) = (tokens, log_probs);
    }

    /// Leaves out the sequences that are not `wanted`, and the groups of which fewer than `least` are left. The rows that
    /// stay.
    pub(super) fn keep(&mut self, wanted: &[bool], least: usize) -> Vec<usize> {
        let (mut prompt, mut sizes, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (group, rows) in self.groups().enumerate() {
            let left: Vec<usize> = rows.filter(|&row| wanted[row]).collect();
            if left.len() >= least.max(1) {
                prompt.push(self.prompt[group]);
                sizes.push(left.len());
                kept.extend(left);
            }
        }
        let (mut tokens, mut log_probs) = (RaggedBuffer::default(), Vec::new());
        for &row in &kept {
            tokens.push(self.tokens.view().row(row));
            log_probs.extend_from_slice(self.log_probs_of(row));
        }
        let of = |column: &[u32]| kept.iter().map(|&row| column[row]).collect();
        (self.prompt_of, self.sample) = (of(&self.prompt_of), of(&self.sample));
        (self.tokens, self.log_probs) = (tokens, log_probs);
        (self.prompt, self.offsets) = (prompt, offsets_of(sizes.into_iter()));
        kept
    }

    #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
    fn log_probs_of(&self, row: usize) -> &[f64] {
        let offsets = self.tokens.view().offsets();
        &self.log_probs[offsets[row] as usize..offsets[row + 1] as usize]
    }

    /// The rows of each group.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// What they cost.
    pub(super) fn budget(&self) -> Budget {
        Budget {
            sequences: self.prompt_of.len() as u64,
            tokens: self.log_probs.len() as u64,
            verifier_calls: self.prompt_of.len() as u64,
            ..Budget::default()
        }
    }
}

/// Where groups of these sizes begin, and where the last one ends.
fn offsets_of(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let ends = sizes.scan(0, |end, size| {
        *end += size;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}
