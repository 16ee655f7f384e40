//! Whether a verdict depends on its pair alone.

use super::{MOST, Verifier, word};
use crate::testing::questions::ordinary;
use crate::testing::{Conclusion, Failure, Outcome, Questions, Subject};
use std::thread;

/// Pairs that are asked about alone.
const ALONE: usize = 64;

/// Asks about the same pairs in several ways.
pub(super) fn check(subject: &Subject<'_, Verifier>) -> Conclusion {
    let questions = Questions::of(&ordinary(subject, MOST), subject.task);
    let verifier = subject.fresh_for(&questions.task)?;
    let verifier = &*verifier;
    let order: Vec<usize> = (0..questions.len()).collect();
    let first = questions.judge(verifier, &order)?;
    let same = |order: &[usize], found: &[Option<bool>], how: &str| match order
        .iter()
        .zip(found)
        .find(|&(&i, &found)| first[i] != found)
    {
        None => Ok(()),
        Some((&i, &found)) => Err(Failure::new(
            format!("{}, {how}", questions.quoted(i)),
            format!("{}, as the first time", word(first[i])),
            word(found),
            "a verdict must depend on prompt and response alone: on no hidden state, no random number, no clock",
        )),
    };
    same(&order, &questions.judge(verifier, &order)?, "asked again")?;
    let reversed: Vec<usize> = order.iter().rev().copied().collect();
    same(&reversed, &questions.judge(verifier, &reversed)?, "in another order")?;
    for &i in order.iter().step_by((order.len() / ALONE).max(1)) {
        same(&[i], &questions.judge(verifier, &[i])?, "alone")?;
    }
    let another = subject.fresh_for(&questions.task)?;
    same(&order, &questions.judge(&*another, &order)?, "of another instance")?;
    let elsewhere = thread::scope(|scope| {
        let asked: Vec<_> = (0..2).map(|_| scope.spawn(|| questions.judge(verifier, &reversed))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Ok(Vec::new()))).collect::<Vec<_>>()
    });
    for found in elsewhere {
        same(&reversed, &found?, "in another thread")?;
    }
    Outcome::passed(format!("{} pairs", questions.len()))
}
