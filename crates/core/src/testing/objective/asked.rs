//! Objectives that are asked about batches.

use super::Objective;
use crate::objective::{Declaration, Moment, ObjectiveStep};
use crate::rng::{Purpose, StreamKey};
use crate::testing::{Batch, Failure, Subject, batch};

/// An instance that was told what it declared to need, and its declaration.
pub(super) struct Asked {
    pub(super) objective: Box<Objective>,
    pub(super) declaration: Declaration,
}

impl Asked {
    /// An instance of the subject's configuration, prepared for the prompts of some batches.
    pub(super) fn prepared(subject: &Subject<'_, Objective>, batches: &[Batch]) -> Result<Self, Failure> {
        Self::prepared_of(subject, subject.configuration, batches)
    }

    fn prepared_of(
        subject: &Subject<'_, Objective>,
        configuration: &str,
        batches: &[Batch],
    ) -> Result<Self, Failure> {
        let mut objective = subject.fresh_of(configuration, subject.task)?;
        let declaration =
            objective.declaration().map_err(|error| Failure::of_error("its declaration", &error))?;
        let facts = batches.iter().map(|batch| batch.facts_for(&declaration)).max_by_key(Vec::len);
        let facts = facts.unwrap_or_default();
        objective
            .prepare(&facts)
            .map_err(|error| Failure::of_error(format!("to prepare for {} prompts", facts.len()), &error))?;
        Ok(Self { objective, declaration })
    }

    /// Shows a batch, and asks for the coefficients of its only step.
    pub(super) fn step(&mut self, batch: &Batch, number: u64) -> Result<ObjectiveStep, Failure> {
        let step = u32::try_from(number).unwrap_or(u32::MAX);
        self.step_at(batch, Moment::new(number, StreamKey::new(0, Purpose::Objective, step)))
    }

    /// The same at a moment.
    pub(super) fn step_at(&mut self, batch: &Batch, moment: Moment) -> Result<ObjectiveStep, Failure> {
        let failed = |error| Failure::of_error(in_words(batch), &error);
        let buffer = batch.buffer_for(&self.declaration);
        let view = buffer.view(moment).map_err(failed)?;
        self.objective.observe(&view).map_err(failed)?;
        let step = self.objective.step(&view).map_err(failed)?;
        let (expected, found) = (buffer.log_probs.len(), step.coefficients.len());
        if expected == found {
            return Ok(step);
        }
        Err(Failure::new(
            in_words(batch),
            format!("one coefficient for each of {expected} tokens"),
            format!("{found} coefficients"),
            "`ObjectiveStep::per_sequence` gives every token the coefficient of its sequence",
        ))
    }
}

/// An ordinary batch for the subject: mixed groups and one of each kind that has no variance, of as many samples as it
/// declares to need.
pub(super) fn ordinary(declaration: &Declaration) -> Batch {
    ordinary_at(declaration, 0)
}

/// The same at a step: batches of neighbouring steps differ.
pub(super) fn ordinary_at(declaration: &Declaration, step: usize) -> Batch {
    let size = declaration.minimum_group.max(4);
    // The mean reward of all differs too, lest what learns it seem to learn nothing.
    let right =
        [1, size / 2, size, 0, size - 1].map(|right| if step == 0 { right } else { (right + step) % size });
    of_right(declaration, size, &right)
}

/// Groups with right and wrong answers alone.
pub(super) fn mixed(declaration: &Declaration) -> Batch {
    let size = declaration.minimum_group.max(4);
    of_right(declaration, size, &[1, size / 2, size - 1])
}

/// Groups of a size with so many right answers each, spread.
fn of_right(declaration: &Declaration, size: usize, right: &[usize]) -> Batch {
    let group = |&right: &usize| (0..size).map(|i| u8::from(i * right % size < right)).collect::<Vec<u8>>();
    let groups: Vec<Vec<u8>> = right.iter().map(group).collect();
    let rewards: Vec<&[u8]> = groups.iter().map(Vec::as_slice).collect();
    batch(&rewards).from_source_of(declaration)
}

/// The declaration of the subject.
pub(super) fn declaration(subject: &Subject<'_, Objective>) -> Result<Declaration, Failure> {
    let objective = subject.fresh()?;
    objective.declaration().map_err(|error| Failure::of_error("its declaration", &error))
}

/// A batch as messages name it: its rewards, group by group.
pub(super) fn in_words(batch: &Batch) -> String {
    const MOST: usize = 6;
    let group = |group: &crate::testing::Group| {
        let rewards: Vec<String> = group.samples.iter().take(16).map(|s| s.reward.to_string()).collect();
        let more = if group.samples.len() > 16 { ", …" } else { "" };
        format!("[{}{more}]", rewards.join(", "))
    };
    let groups: Vec<String> = batch.groups.iter().take(MOST).map(group).collect();
    format!("a batch of groups with the rewards {}", groups.join(", "))
}

/// What an objective answers to ordinary batches, as questions and answers.
///
/// # Errors
/// If it does not.
pub fn answers(subject: &Subject<'_, Objective>) -> Result<Vec<(String, String)>, Failure> {
    answers_of(subject, subject.configuration)
}

pub(super) fn answers_of(
    subject: &Subject<'_, Objective>,
    configuration: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let declaration = declaration(subject)?;
    let mut stale = ordinary(&declaration);
    for (i, sample) in stale.groups.iter_mut().flat_map(|group| &mut group.samples).enumerate() {
        sample.behaviour_log_probs.iter_mut().for_each(|x| *x += if i % 2 == 0 { -0.4 } else { 0.02 });
    }
    let batches = [ordinary(&declaration), stale];
    let mut asked = Asked::prepared_of(subject, configuration, &batches)?;
    let mut answers = Vec::new();
    for (number, batch) in (0..).zip(&batches) {
        let step = asked.step(batch, number)?;
        let lengths = batch.groups.iter().flat_map(|group| &group.samples).map(|s| s.log_probs.len());
        let mut coefficients = step.coefficients.iter();
        for (i, length) in lengths.enumerate() {
            let of_row: Vec<String> = coefficients.by_ref().take(length).map(ToString::to_string).collect();
            let stale = if number == 0 { "" } else { ", stale," };
            answers.push((format!("sequence {i} of{stale} {}", in_words(batch)), of_row.join(", ")));
        }
    }
    Ok(answers)
}
