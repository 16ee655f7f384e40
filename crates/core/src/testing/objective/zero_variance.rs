//! Whether groups that teach nothing do no harm.

use super::Objective;
use super::asked::{Asked, declaration};
use super::coefficients::finite;
use crate::testing::{Conclusion, Outcome, Subject, batch};

/// Shows batches all of whose groups are all right, all wrong, or one or the other.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let declaration = declaration(subject)?;
    let size = declaration.minimum_group.max(2);
    let (right, wrong) = (vec![1; size], vec![0; size]);
    let batches: [&[&[u8]]; 3] = [&[&right], &[&wrong, &wrong], &[&right, &wrong]];
    for rewards in batches {
        let batch = batch(rewards).from_source_of(&declaration);
        let mut asked = Asked::prepared(subject, std::slice::from_ref(&batch))?;
        // Twice: what it learns of the first must do no harm to the second.
        for number in 0..2 {
            finite(&batch, &asked.step(&batch, number)?)?;
        }
    }
    Outcome::passed("3 batches")
}
