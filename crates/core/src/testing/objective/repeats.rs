//! Whether equal batches get equal bits.

use super::Objective;
use super::asked::{Asked, declaration, in_words, ordinary_at};
use crate::testing::{Batch, Conclusion, Failure, Outcome, Subject};
use std::thread;

/// Steps that instances are taken through.
const STEPS: usize = 3;

/// Takes several instances through the same batches, which differ from step to step.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let declaration = declaration(subject)?;
    let batches: Vec<Batch> = (0..STEPS).map(|step| ordinary_at(&declaration, step)).collect();
    let prepared = || Asked::prepared(subject, &batches);
    let first = coefficients(&mut prepared()?, &batches)?;
    let mut another = prepared()?;
    same(&batches[0], &first, &coefficients(&mut another, &batches)?, "of another instance")?;
    let mut moved = prepared()?;
    let of_thread = thread::scope(|scope| scope.spawn(|| coefficients(&mut moved, &batches)).join());
    same(&batches[0], &first, &of_thread.unwrap_or_else(|_| Ok(Vec::new()))?, "in another thread")?;
    Outcome::passed(format!("{STEPS} steps of three instances"))
}

/// The bits of the coefficients of some steps.
fn coefficients(asked: &mut Asked, batches: &[Batch]) -> Result<Vec<u64>, Failure> {
    let mut bits = Vec::new();
    for (number, batch) in (0..).zip(batches) {
        bits.extend(asked.step(batch, number)?.coefficients.iter().map(|c| c.to_bits()));
    }
    Ok(bits)
}

fn same(batch: &Batch, first: &[u64], found: &[u64], how: &str) -> Result<(), Failure> {
    if first == found {
        return Ok(());
    }
    let place = first.iter().zip(found).position(|(a, b)| a != b).unwrap_or(found.len());
    let number =
        |bits: &[u64]| bits.get(place).map_or("nothing".into(), |&bits| f64::from_bits(bits).to_string());
    Err(Failure::new(
        format!("{STEPS} steps, the first on {}, {how}", in_words(batch)),
        format!("the same bits: {} as coefficient {place}", number(first)),
        number(found),
        "coefficients must depend on the batch and on what was observed alone: random numbers come from the moment's key, \
         and no clock, no address, no hash order may show",
    ))
}
