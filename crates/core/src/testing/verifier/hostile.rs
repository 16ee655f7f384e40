//! Whether any text at all gets a verdict.

use super::Verifier;
use crate::testing::{Conclusion, Outcome, Questions, Subject, hostile_texts};

/// Asks about hostile responses to ordinary prompts and ordinary responses to hostile prompts, and about both together.
pub(super) fn check(subject: &Subject<'_, Verifier>) -> Conclusion {
    let (texts, alphabet) = (hostile_texts(), &subject.task.alphabet);
    let mut prompts: Vec<String> =
        subject.task.prompts.iter().map(|prompt| alphabet.decode(prompt)).collect();
    prompts.extend(subject.pairs.iter().map(|(prompt, _)| prompt.clone()));
    prompts.dedup();
    prompts.truncate(4);
    let mut pairs = Vec::new();
    for text in &texts {
        pairs.extend(prompts.iter().map(|prompt| (prompt.clone(), text.clone())));
        pairs.extend([(text.clone(), text.clone()), (text.clone(), "1".into())]);
    }
    let questions = Questions::of(&pairs, subject.task);
    let verifier = subject.fresh_for(&questions.task)?;
    let mut without = 0;
    for i in 0..questions.len() {
        // One by one: what ends the process here was asked last.
        (subject.asks)(&questions.quoted(i));
        without += questions.judge(&*verifier, &[i])?.iter().filter(|verdict| verdict.is_none()).count();
    }
    let missing = if without == 0 { String::new() } else { format!(", {without} of them without a verdict") };
    Outcome::passed(format!("{} pairs{missing}", questions.len()))
}
