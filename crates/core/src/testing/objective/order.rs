//! Whether a coefficient hangs on the order of the batch.

use super::Objective;
use super::asked::{Asked, declaration, in_words, ordinary};
use crate::testing::numbers::{REORDERED, differ, scale};
use crate::testing::{Batch, Conclusion, Failure, Outcome, Subject};

/// Asks about the batch with its groups, and with the sequences of each group, from the last to the first.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let batch = ordinary(&declaration(subject)?);
    let first = by_sequence(subject, &batch)?;
    let scale = scale(&first.concat().concat());
    let mut of_groups = batch.clone();
    of_groups.groups.reverse();
    let mut found = by_sequence(subject, &of_groups)?;
    found.reverse();
    same(&batch, &first, &found, scale, "with its groups from the last to the first")?;
    let mut of_sequences = batch.clone();
    of_sequences.groups.iter_mut().for_each(|group| group.samples.reverse());
    let mut found = by_sequence(subject, &of_sequences)?;
    for group in &mut found {
        group.reverse();
    }
    same(&batch, &first, &found, scale, "with the sequences of every group from the last to the first")?;
    Outcome::passed(format!("{} groups", batch.groups.len()))
}

/// Group by group, sequence by sequence, its coefficients.
fn by_sequence(subject: &Subject<'_, Objective>, batch: &Batch) -> Result<Vec<Vec<Vec<f64>>>, Failure> {
    let step = Asked::prepared(subject, std::slice::from_ref(batch))?.step(batch, 0)?;
    let mut rest = step.coefficients.into_iter();
    let groups = batch.groups.iter().map(|group| {
        let rows = group.samples.iter().map(|s| rest.by_ref().take(s.log_probs.len()).collect());
        rows.collect()
    });
    Ok(groups.collect())
}

fn same(
    batch: &Batch,
    first: &[Vec<Vec<f64>>],
    found: &[Vec<Vec<f64>>],
    scale: f64,
    how: &str,
) -> Result<(), Failure> {
    for (g, (one, other)) in first.iter().zip(found).enumerate() {
        for (i, (one, other)) in one.iter().zip(other).enumerate() {
            let pair = one.iter().zip(other).find(|&(&a, &b)| differ(a, b, REORDERED, scale));
            if let Some((a, b)) = pair {
                return Err(Failure::new(
                    format!("sequence {i} of group {g} of {}, {how}", in_words(batch)),
                    format!("the coefficient {a}, as before"),
                    b.to_string(),
                    "a coefficient may depend on the sequences of a batch, not on where they stand in it",
                ));
            }
        }
    }
    Ok(())
}
