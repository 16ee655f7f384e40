//! How long a call takes: told, and never a failure.

use crate::target::Target;
use pstar_core::data::SequenceBuffer;
use pstar_core::testing::{
    Finding, Make, ModelView, ObjectiveView, Observer, Outcome, Outputs, batch, made, moment,
};
use pstar_core::{PluginError, Task};
use std::time::{Duration, Instant};

/// For so long a call is repeated, at least once.
const LONG: Duration = Duration::from_millis(20);

/// Sequences of a call.
const SEQUENCES: usize = 256;

/// Verdicts on outputs of the task.
pub(crate) fn verifier(target: Target<'_>, observer: &mut dyn Observer) -> Option<Finding> {
    let measured = || {
        let component = target.registry.verifier(target.name);
        let component = component.map_err(|error| PluginError::contract(error.to_string()))?;
        let verifier = component.create(target.configuration, target.task)?;
        let sequences = sequences(target.task);
        time(sequences.view().len(), || verifier.judge(&sequences.view()).map(drop))
    };
    tell(&measured, "verdict", observer)
}

/// Scores of outputs of the task.
pub(crate) fn model(
    target: Target<'_>,
    make: &Make<'_, dyn ModelView>,
    observer: &mut dyn Observer,
) -> Option<Finding> {
    let measured = || {
        let (model, sequences) = (make(target.configuration, target.task)?, sequences(target.task));
        let mut log_probs = vec![0.0; sequences.view().tokens().values().len()];
        time(sequences.view().len(), || model.score(&sequences.view(), &mut log_probs))
    };
    tell(&measured, "output scored", observer)
}

/// Coefficients of a batch.
pub(crate) fn objective(
    target: Target<'_>,
    make: &Make<'_, dyn ObjectiveView>,
    observer: &mut dyn Observer,
) -> Option<Finding> {
    let measured = || {
        let mut objective = make(target.configuration, target.task)?;
        let declaration = objective.declaration()?;
        let rewards: Vec<u8> = (0..32.max(declaration.minimum_group)).map(|i| u8::from(i % 3 == 0)).collect();
        let batch = batch(&[rewards.as_slice(); 8]).from_source_of(&declaration);
        objective.prepare(&batch.facts_for(&declaration))?;
        let buffer = batch.buffer_for(&declaration);
        time(buffer.rewards.len(), || objective.step(&buffer.view(moment())?).map(drop))
    };
    tell(&measured, "sequence of a step", observer)
}

fn sequences(task: &Task) -> SequenceBuffer {
    let prompt = task.prompts.first().cloned().unwrap_or_default();
    let mut sequences = SequenceBuffer::new([prompt.as_slice()].into_iter().collect());
    for row in Outputs::of(task, SEQUENCES).rows {
        sequences.push(0, row);
    }
    sequences
}

/// Seconds for one of the `units` of a call.
fn time(units: usize, mut call: impl FnMut() -> Result<(), PluginError>) -> Result<f64, PluginError> {
    call()?;
    let (begun, mut calls) = (Instant::now(), 0u32);
    while calls == 0 || begun.elapsed() < LONG {
        call()?;
        calls += 1;
    }
    Ok(begun.elapsed().as_secs_f64() / f64::from(calls) / units.max(1) as f64)
}

fn tell(
    measured: &dyn Fn() -> Result<f64, PluginError>,
    unit: &str,
    observer: &mut dyn Observer,
) -> Option<Finding> {
    made("speed", "nothing: a time on this machine", observer, || match measured() {
        Ok(seconds) => Outcome::Told { what: format!("{} for each {unit}", in_words(seconds)) },
        Err(error) => Outcome::Skipped { why: error.message },
    })
}

fn in_words(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let (scale, unit) = units.into_iter().find(|(scale, _)| seconds >= *scale).unwrap_or((1e-9, "ns"));
    format!("{:.3} {unit}", seconds / scale)
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn times_are_of_a_readable_unit() {
        assert_eq!([2.0, 3.5e-3, 4e-6, 5e-9].map(in_words), ["2.000 s", "3.500 ms", "4.000 µs", "5.000 ns"]);
    }
}
