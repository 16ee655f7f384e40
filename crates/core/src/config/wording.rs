//! Faults that the library names, in words, and advice on misspelt names.

use crate::shown;

/// A fault of RON text in words, and advice: names of types are left out, since whoever wrote the text does not
/// know them.
pub fn describe(error: &ron::Error) -> (String, Option<String>) {
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            (format!("unknown field `{}`", shown(found)), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            (format!("unknown choice `{}`", shown(found)), Some(suggest(found, expected.iter().copied())))
        }
        ron::Error::DuplicateStructField { field, .. } => {
            (format!("the field `{field}` is given twice"), None)
        }
        ron::Error::MissingStructField { field, .. } => (format!("the field `{field}` is missing"), None),
        other => (words(other), None),
    }
}

fn words(error: &ron::Error) -> String {
    match error {
        ron::Error::Eof => "the text ends before a bracket or quote is closed".into(),
        ron::Error::ExpectedFloat => "expected a number".into(),
        ron::Error::ExpectedInteger => "expected a whole number".into(),
        ron::Error::IntegerOutOfBounds => "expected a whole number that is not too large".into(),
        ron::Error::ExpectedString => "expected a text in quotes".into(),
        ron::Error::ExpectedStringEnd => "expected the quote that closes the text".into(),
        ron::Error::ExpectedBoolean => "expected `true` or `false`".into(),
        ron::Error::ExpectedArray => "expected a list, `[…]`".into(),
        ron::Error::ExpectedMap => "expected a map, `{\"name\": value, …}`".into(),
        ron::Error::ExpectedIdentifier | ron::Error::SuggestRawIdentifier(_) => "expected a name".into(),
        ron::Error::ExpectedStructLike
        | ron::Error::ExpectedNamedStructLike(_)
        | ron::Error::ExpectedDifferentStructName { .. }
        | ron::Error::ExpectedStructName(_) => "expected fields in brackets, `(name: value, …)`".into(),
        ron::Error::ExpectedRawValue => "expected a value".into(),
        ron::Error::TrailingCharacters => "expected the end of the text".into(),
        ron::Error::UnclosedLineComment => "a comment at the end must be followed by a line break".into(),
        ron::Error::ExceededRecursionLimit => "brackets stand more than 128 deep in each other".into(),
        ron::Error::InvalidValueForType { expected, found } => {
            format!("expected {}, found {}", without_types(expected), shown(found))
        }
        other => {
            let text = shown(&other.to_string());
            let mut rest = text.chars();
            let first = rest.next().into_iter().flat_map(char::to_lowercase);
            first.chain(rest).collect()
        }
    }
}

/// What a reader expects, without the names of its types.
fn without_types(expected: &str) -> &str {
    match expected.split_once(' ') {
        Some(("struct", _)) => "fields in brackets, `(name: value, …)`",
        Some(("enum", _)) => "a choice by its name",
        _ if expected.ends_with("integer") => "a whole number",
        _ => expected,
    }
}

/// Longest text in which a misspelt name is seen, in bytes.
const LONGEST_NAME: usize = 100;

/// Advice on a misspelt name: the nearest of those expected, if one is near, and all of them.
pub fn suggest<'a>(found: &str, expected: impl Iterator<Item = &'a str> + Clone) -> String {
    // What is far longer than any name is no misspelt one, and costly to compare.
    let found = if found.len() > LONGEST_NAME { "" } else { found };
    let distance = |name: &&str| strsim::damerau_levenshtein(found, name);
    let nearest = expected.clone().min_by_key(distance).filter(|name| distance(name) <= 1 + name.len() / 4);
    let all = if expected.clone().count() <= MOST_NAMES {
        format!("expected one of {}", quoted(expected))
    } else {
        // A page of names helps nobody.
        let mut names: Vec<&str> = expected.collect();
        names.sort_by_key(|name| (!name.contains(found) && !found.contains(name), distance(name)));
        format!("the nearest of {} are {}", names.len(), quoted(names.iter().take(NEAREST).copied()))
    };
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? {all}"),
        None => all,
    }
}

/// Most names that are all told.
const MOST_NAMES: usize = 24;
/// Number of names that are told of more.
const NEAREST: usize = 8;

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
