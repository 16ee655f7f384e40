//! Whether batches at the edges get finite coefficients.

use super::Objective;
use super::asked::{declaration, in_words};
use super::coefficients::finite;
use crate::error::ErrorKind;
use crate::objective::{Declaration, Moment};
use crate::rng::{Purpose, StreamKey};
use crate::testing::{Batch, Conclusion, Failure, Outcome, Sample, Subject, batch};

/// Tokens of a long sequence.
const LONG: usize = 4096;

/// Shows batches that are allowed and rare. A refusal in words is an answer: a panic and what is no number are none.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let declaration = declaration(subject)?;
    let (mut refused, batches) = (Vec::new(), batches(&declaration));
    for (what, batch) in &batches {
        let inside = |failure: Failure| Failure { input: format!("{what}: {}", failure.input), ..failure };
        let of_error = |error| inside(Failure::of_error(in_words(batch), &error));
        (subject.asks)(&format!("{what}: {}", in_words(batch)));
        let mut objective = subject.fresh()?;
        let buffer = batch.buffer_for(&declaration);
        let view = buffer.view(Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))).map_err(of_error)?;
        let answer = objective.prepare(&batch.facts_for(&declaration));
        let answer = answer.and_then(|()| objective.observe(&view)).and_then(|()| objective.step(&view));
        match answer {
            Ok(step) => finite(batch, &step).map_err(inside)?,
            Err(error) if matches!(error.kind, ErrorKind::Data | ErrorKind::Config) => refused.push(*what),
            Err(error) => return Err(of_error(error)),
        }
    }
    let refused = match refused.len() {
        0 => String::new(),
        _ => format!("; refused: {}", refused.join(", ")),
    };
    Outcome::passed(format!("{} batches{refused}", batches.len()))
}

fn batches(declaration: &Declaration) -> Vec<(&'static str, Batch)> {
    let size = declaration.minimum_group.max(2);
    let mixed: Vec<u8> = (0..size).map(|i| u8::from(i % 2 == 0)).collect();
    let plain = || batch(&[&mixed, &mixed]).from_source_of(declaration);
    let each = |change: &dyn Fn(usize, &mut Sample)| {
        let mut batch = plain();
        let samples = batch.groups.iter_mut().flat_map(|group| &mut group.samples);
        samples.enumerate().for_each(|(i, sample)| change(i, sample));
        batch
    };
    let all = |sample: &mut Sample, length: usize, value: f64| {
        sample.log_probs = vec![value; length];
        sample.behaviour_log_probs = vec![value; length];
        sample.base_log_probs = vec![value; length];
    };
    let mut batches = vec![
        ("sequences of one token", each(&|_, sample| all(sample, 1, -0.7))),
        ("sequences of 4096 tokens", each(&|_, sample| all(sample, LONG, -0.01))),
        ("improbable tokens", each(&|_, sample| all(sample, 3, -700.0))),
        ("certain tokens", each(&|_, sample| all(sample, 3, 0.0))),
        (
            "a wrong sequence that the base cannot say",
            each(&|i, sample| {
                if i == 1 {
                    sample.base_log_probs[0] = f64::NEG_INFINITY;
                }
            }),
        ),
        (
            "a right sequence that the base cannot say",
            each(&|i, sample| {
                if i == 0 {
                    sample.base_log_probs[0] = f64::NEG_INFINITY;
                }
            }),
        ),
        (
            "ratios of e^30 and e^-30",
            each(&|i, sample| {
                sample.behaviour_log_probs[0] = sample.log_probs[0] + if i % 2 == 0 { -30.0 } else { 30.0 };
                if i % 2 == 1 {
                    sample.log_probs[0] -= 31.0;
                    sample.behaviour_log_probs[0] -= 31.0;
                }
            }),
        ),
        ("sequences that were cut", each(&|_, sample| sample.ended = false)),
        ("equal answers alone", each(&|_, sample| sample.outcome = 0)),
    ];
    if declaration.minimum_group <= 1 {
        batches.push(("groups of one", batch(&[&[1], &[0]]).from_source_of(declaration)));
    }
    batches
}
