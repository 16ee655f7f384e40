//! Whether gradients add.

use super::Of;
use super::drawn::{parameters, policy, sequences};
use super::gradient::columns;
use crate::author::GradientBatch;
use crate::data::{RaggedBuffer, SequenceBuffer};
use crate::testing::numbers::{differ, scale};
use crate::testing::{Conclusion, Failure, Outcome};
use std::ops::Range;

/// Sums in single precision in another order leave this share.
const TOLERANCE: f64 = 1e-4;

/// Compares the gradient of a batch with those of its two parts, and with that of a batch whose other part weighs nothing.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (policy, batch) = (policy(subject, 4)?, sequences(subject.task));
    let (view, count) = (batch.view(), parameters(&*policy)?.len());
    let (weights, coefficients) = columns(view.len(), view.tokens().values().len());
    let prompts: RaggedBuffer<u32> = view.prompts().rows().collect();
    let gradient = |rows: Range<usize>, silent: Range<usize>| {
        let mut part = SequenceBuffer::new(prompts.clone());
        let (mut of_rows, mut of_tokens) = (Vec::new(), Vec::new());
        for row in rows.clone() {
            part.push(view.prompt_of()[row], view.tokens().row(row).iter().copied());
            of_rows.push(if silent.contains(&row) { 0.0 } else { weights[row] });
            let [from, to] =
                [row, row + 1].map(|row| usize::try_from(view.tokens().offsets()[row]).unwrap_or(0));
            of_tokens.extend_from_slice(&coefficients[from..to]);
        }
        let failed =
            |error| Failure::of_error(format!("the gradient of {} sequences", of_rows.len()), &error);
        let columns = GradientBatch::new(part.view(), &of_rows, &of_tokens).map_err(failed)?;
        let mut gradient = vec![f64::NAN; count];
        policy.gradient(&columns, &mut gradient).map_err(failed)?;
        Ok::<_, Failure>(gradient)
    };
    let (all, half) = (view.len(), view.len() / 3);
    let whole = gradient(0..all, 0..0)?;
    let (first, second) = (gradient(0..half, 0..0)?, gradient(half..all, 0..0)?);
    let sum: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
    let silenced = gradient(0..all, half..all)?;
    let largest = scale(&whole).max(scale(&first));
    let same = |one: &[f64], other: &[f64], what: &str, advice: &str| match (0..count)
        .find(|&i| differ(one[i], other[i], TOLERANCE, largest))
    {
        None => Ok(()),
        Some(i) => {
            Err(Failure::new(what, format!("{} for parameter {i}", one[i]), other[i].to_string(), advice))
        }
    };
    same(
        &whole,
        &sum,
        "the gradients of two slices of a batch, added",
        "the gradient is a sum over the sequences, each times its weight: divide by nothing, keep nothing from call to call, \
         and begin at 0 whatever the slice held",
    )?;
    same(&first, &silenced, "a batch whose other sequences have weight 0", "multiply by the weight")?;
    let nothing = gradient(0..0, 0..0)?;
    same(
        &vec![0.0; count],
        &nothing,
        "the gradient of no sequence",
        "write every value, 0 where nothing is known",
    )?;
    Outcome::passed(format!("{all} sequences"))
}
