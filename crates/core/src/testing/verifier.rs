//! Checks of verifiers.

mod answers;
mod hostile;
mod incremental;
mod prompts;
mod repeats;

use super::questions::ordinary;
use super::{Check, Failure, Questions, Subject, VerifierView, defaults};
pub use incremental::read;

/// What a verifier is.
type Verifier = dyn VerifierView;

/// Outputs of the task that a verifier is asked about.
const MOST: usize = 1 << 11;

/// All checks of verifiers.
pub const CHECKS: &[Check<Verifier>] = &[
    Check {
        name: "hostile-input",
        proves: "responses and prompts of any kind get a verdict: empty, long, deep, foreign, huge",
        first: false,
        run: hostile::check,
    },
    Check {
        name: "same-verdicts",
        proves: "a verdict depends on prompt and response alone: asked twice, alone, in another order, of another instance and \
            in another thread",
        first: false,
        run: repeats::check,
    },
    Check {
        name: "incremental",
        proves: "reading symbol by symbol gives the verdicts of the whole response, at every horizon",
        first: false,
        run: incremental::check,
    },
    Check {
        name: "answers",
        proves: "an answer depends on prompt and response alone, and is text of 1 to 4096 bytes",
        first: false,
        run: answers::check,
    },
    Check {
        name: "prompts",
        proves: "prompts of its own making are as many as asked for, a function of the key, and get verdicts",
        first: false,
        run: prompts::check,
    },
    Check {
        name: "listed-defaults",
        proves: "the defaults that `host plugins` lists are those it has",
        first: false,
        run: |subject| defaults::check(subject, answers_of),
    },
];

/// What a verifier of a configuration says of ordinary responses, as questions and answers.
///
/// # Errors
/// If it says nothing.
pub fn answers(subject: &Subject<'_, Verifier>) -> Result<Vec<(String, String)>, Failure> {
    answers_of(subject, subject.configuration)
}

fn answers_of(
    subject: &Subject<'_, Verifier>,
    configuration: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let questions = Questions::of(&ordinary(subject, 256), subject.task);
    let verifier = subject.fresh_of(configuration, &questions.task)?;
    let order: Vec<usize> = (0..questions.len()).collect();
    let verdicts = questions.judge(&*verifier, &order)?;
    Ok(verdicts.iter().enumerate().map(|(i, &verdict)| (questions.quoted(i), word(verdict).into())).collect())
}

/// A verdict in words.
fn word(verdict: Option<bool>) -> &'static str {
    match verdict {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "no verdict",
    }
}
