//! Whether the defaults that a component lists are those that it has.

use super::{Conclusion, Failure, Outcome, Subject};
use crate::config;
use crate::error::ErrorKind;

/// Questions and answers.
type Answers = Result<Vec<(String, String)>, Failure>;

/// Compares the answers of the configuration as it is with those of every listed default written out.
pub(super) fn check<V: ?Sized>(
    subject: &Subject<'_, V>,
    answers: fn(&Subject<'_, V>, &str) -> Answers,
) -> Conclusion {
    if subject.fields.is_empty() {
        return Outcome::skipped("its author lists no field");
    }
    let before = answers(subject, subject.configuration)?;
    if answers(subject, subject.configuration)? != before {
        return Outcome::skipped("its answers differ from instance to instance");
    }
    let mut written = 0;
    for field in subject.fields {
        let Some(default) = &field.default else { continue };
        let Some(configuration) = with_field(subject.configuration, &field.name, default) else { continue };
        // What excludes another field that is given says nothing of the default; what cannot be read does.
        let refused = (subject.make)(&configuration, subject.task).err();
        if refused.is_some_and(|error| error.kind == ErrorKind::Config && error.position.is_none()) {
            continue;
        }
        let asked = format!("the field `{}` left out, and `{}: {default}`", field.name, field.name);
        let after = answers(subject, &configuration).map_err(|failure| Failure {
            input: format!("{asked}: {}", failure.input),
            advice: format!("write into FIELDS what `{}` is where it is left out", field.name),
            ..failure
        })?;
        written += 1;
        if let Some(i) = (0..before.len()).find(|&i| after.get(i) != before.get(i)) {
            let found = after.get(i).map_or("nothing", |(_, answer)| answer.as_str());
            return Err(Failure::new(
                format!("{asked}; {}", before[i].0),
                format!("equal answers, {} as where it is left out", before[i].1),
                found,
                format!("write into FIELDS what `{}` is where it is left out", field.name),
            ));
        }
    }
    Outcome::passed(format!("{written} of {} fields", subject.fields.len()))
}

/// The configuration with one more field; `None` where it gives that field already.
fn with_field(configuration: &str, name: &str, value: &str) -> Option<String> {
    let body = configuration.trim();
    let body = if body.is_empty() { "()" } else { body };
    let inner = body.strip_prefix('(')?.strip_suffix(')')?.trim().trim_end_matches(',');
    if gives(inner, name) {
        return None;
    }
    let separator = if inner.is_empty() { "" } else { ", " };
    Some(format!("({inner}{separator}{name}: {value})"))
}

/// Whether a field is given at the top of the inside of a RON struct.
fn gives(inner: &str, name: &str) -> bool {
    let mut at = 0;
    while at < inner.len() {
        at = config::skip_space(inner, at);
        let rest = &inner[at..];
        if let Some(behind) = rest.strip_prefix(name)
            && behind.trim_start().starts_with(':')
        {
            return true;
        }
        // Behind the value: the next comma that no bracket holds.
        loop {
            match inner[at..].chars().next() {
                None => return false,
                Some(',') => {
                    at += 1;
                    break;
                }
                Some(_) => at = config::token_end(inner, at),
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_added_where_it_is_not_given() {
        assert_eq!(with_field("", "a", "1").as_deref(), Some("(a: 1)"));
        assert_eq!(with_field(" ( ) ", "a", "1").as_deref(), Some("(a: 1)"));
        assert_eq!(with_field("(b: (a: 2),)", "a", "1").as_deref(), Some("(b: (a: 2), a: 1)"));
        assert!(with_field("(b: [1, 2], s: \"x, a: 1\")", "a", "1").is_some());
        assert_eq!(with_field("(b: F(1, 2), a : 3)", "a", "1"), None);
        assert_eq!(with_field("(a: 3)", "a", "1"), None);
        assert_eq!(with_field("(é: 3)", "a", "1").as_deref(), Some("(é: 3, a: 1)"));
    }
}
