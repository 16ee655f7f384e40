//! Whether answers depend on their pairs alone.

use super::{MOST, Verifier};
use crate::testing::questions::ordinary;
use crate::testing::{Conclusion, Failure, Outcome, Questions, Subject, VerifierView, hostile_texts};

/// Asks what ordinary and hostile responses answer, twice, the second time in another order and of another instance.
pub(super) fn check(subject: &Subject<'_, Verifier>) -> Conclusion {
    let mut pairs = ordinary(subject, MOST);
    pairs.extend(hostile_texts().into_iter().map(|text| (String::new(), text)));
    let questions = Questions::of(&pairs, subject.task);
    let verifier = subject.fresh_for(&questions.task)?;
    let order: Vec<usize> = (0..questions.len()).collect();
    let reversed: Vec<usize> = order.iter().rev().copied().collect();
    let Some(first) = tell(&questions, &*verifier, &order)? else {
        return Outcome::skipped("it tells no answers: only equal responses give equal answers");
    };
    let another = subject.fresh_for(&questions.task)?;
    for verifier in [&*verifier, &*another] {
        let again = tell(&questions, verifier, &reversed)?.unwrap_or_default();
        if let Some((&i, found)) = reversed.iter().zip(&again).find(|&(&i, found)| first[i] != *found) {
            return Err(Failure::new(
                format!("{}, in another order", questions.quoted(i)),
                format!("the answer {:?}, as the first time", first[i]),
                format!("{found:?}"),
                "an answer must depend on prompt and response alone",
            ));
        }
    }
    Outcome::passed(format!("{} pairs", questions.len()))
}

fn tell(
    questions: &Questions,
    verifier: &dyn VerifierView,
    order: &[usize],
) -> Result<Option<Vec<Option<String>>>, Failure> {
    verifier.answers(&questions.batch(order.iter().copied()).view()).map_err(|error| {
        let alone = order.iter().find_map(|&i| {
            let error = verifier.answers(&questions.batch([i]).view()).err()?;
            Some(Failure::of_error(format!("what answer is given by {}", questions.quoted(i)), &error))
        });
        alone.unwrap_or_else(|| Failure::of_error(format!("{} responses at once", order.len()), &error))
    })
}
