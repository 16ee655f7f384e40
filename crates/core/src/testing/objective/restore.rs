//! Whether an objective that stops and goes on is the one that stopped.

use super::Objective;
use super::asked::{Asked, declaration, in_words, ordinary_at};
use crate::testing::{Batch, Conclusion, Failure, Outcome, Subject};

/// Steps before and behind the stop.
const STEPS: usize = 3;

/// Saves behind some steps, restores into a fresh instance and compares what follows.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let declaration = declaration(subject)?;
    let batches: Vec<Batch> = (0..2 * STEPS).map(|step| ordinary_at(&declaration, step)).collect();
    let prepared = || Asked::prepared(subject, &batches);
    let mut whole = prepared()?;
    for (number, batch) in (0..).zip(&batches[..STEPS]) {
        whole.step(batch, number)?;
    }
    let saved = whole.objective.save().map_err(|error| Failure::of_error("to save its state", &error))?;
    let asked = format!("to restore a state of {} bytes", saved.len());
    let mut restored = prepared()?;
    restored.objective.restore(&saved).map_err(|error| Failure::of_error(&asked, &error))?;
    let again = restored.objective.save().map_err(|error| Failure::of_error("to save it again", &error))?;
    if again != saved {
        return Err(Failure::new(asked, "the same state, saved again", again, ADVICE));
    }
    for (number, batch) in (0..).zip(&batches).skip(STEPS) {
        let (one, other) = (bits(&mut whole, batch, number)?, bits(&mut restored, batch, number)?);
        if let Some(i) = (0..one.len()).find(|&i| one[i] != other[i]) {
            return Err(Failure::new(
                format!("{asked}, then step {number} on {}", in_words(batch)),
                format!("{} as coefficient {i}, as without the stop", f64::from_bits(one[i])),
                f64::from_bits(other[i]).to_string(),
                ADVICE,
            ));
        }
    }
    let keeps =
        if saved.is_empty() { "it keeps no state".into() } else { format!("{} bytes of state", saved.len()) };
    Outcome::passed(keeps)
}

const ADVICE: &str =
    "save and restore all that it has learnt, with `saved` and `restored`, which keep every bit";

fn bits(asked: &mut Asked, batch: &Batch, number: u64) -> Result<Vec<u64>, Failure> {
    Ok(asked.step(batch, number)?.coefficients.iter().map(|c| c.to_bits()).collect())
}
