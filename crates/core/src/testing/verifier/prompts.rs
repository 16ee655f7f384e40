//! Whether prompts of the verifier's own making can be used.

use super::Verifier;
use crate::rng::{Purpose, StreamKey};
use crate::testing::{Conclusion, Failure, Outcome, Questions, Subject};

const COUNT: usize = 16;

/// Asks for prompts twice, and for verdicts on them.
pub(super) fn check(subject: &Subject<'_, Verifier>) -> Conclusion {
    let verifier = subject.fresh()?;
    let asked = format!("{COUNT} prompts");
    let propose = |seed| {
        let key = StreamKey::new(seed, Purpose::Prompts, 0);
        verifier.prompts(COUNT, key).map_err(|error| Failure::of_error(&asked, &error))
    };
    let Some(first) = propose(0)? else { return Outcome::skipped("it offers no prompts") };
    let again = propose(0)?.unwrap_or_default();
    if first != again || first.len() != COUNT {
        return Err(Failure::new(
            asked,
            format!("{COUNT} prompts, the same for one key"),
            format!("{first:?}, then {again:?}"),
            "draw every prompt from the key, by `key.uniform(0, prompt, place)`",
        ));
    }
    let pairs: Vec<_> = first.iter().map(|prompt| (prompt.clone(), String::new())).collect();
    let questions = Questions::of(&pairs, subject.task);
    let verifier = subject.fresh_for(&questions.task)?;
    questions.judge(&*verifier, &(0..COUNT).collect::<Vec<_>>())?;
    Outcome::passed(format!("{COUNT} prompts, such as `{}`", first[0]))
}
