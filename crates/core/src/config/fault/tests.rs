use super::*;
use serde::Deserialize;
use std::fmt::Debug;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only whether it can be read matters")]
struct Numbers {
    #[serde(default)]
    count: u64,
    #[serde(default)]
    small: u32,
    #[serde(default)]
    signed: i64,
    #[serde(default)]
    rate: f64,
    #[serde(default)]
    list: Vec<u64>,
    #[serde(default)]
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only whether it can be read matters")]
enum Target {
    FromPrompt,
    Value(i64),
    Text(String),
}

/// Message, underlined text and hint.
fn fault_of(text: &str) -> (String, String, String) {
    let fault = read::<Numbers>(text).unwrap_err();
    (fault.message, text[fault.place].to_string(), fault.hint.unwrap_or_default())
}

#[track_caller]
fn check(text: &str, message: &str, underlined: &str, hint: &str) {
    assert_eq!(fault_of(text), (message.into(), underlined.into(), hint.into()), "{text}");
}

#[test]
fn numbers_are_quoted_as_they_were_written() {
    check("(count: -1)", "expected a whole number of at least 0, found `-1`", "-1", "");
    check("(list: [1, -1])", "expected a whole number of at least 0, found `-1`", "-1", "");
    check("(count: 3.0)", "expected a whole number, found `3.0`", "3.0", "write `3`");
    check("(count: 3.)", "expected a whole number, found `3.`", "3.", "write `3`");
    check("(count: 3e0, small: -1)", "expected a whole number, found `3e0`", "3e0", "write `3`");
    check("(count: -0.5)", "expected a whole number, found `-0.5`", "-0.5", "");
    check("(list: [3.5])", "expected a whole number, found `3.5`", "3.5", "");
    check("(count: 12abc)", "expected a number, found `12abc`", "12abc", "");
    check("(rate: 1.2.3)", "expected a number, found `1.2.3`", "1.2.3", "");
    check("(rate: --1)", "expected a number, found `--1`", "--1", "");
    check("(count: 3u8)", "expected a number without a type, found `3u8`", "3u8", "write `3`");
    check("(count: \"3\")", "expected a whole number, found `\"3\"`", "\"3\"", "");
    check("(count: 3 4)", "expected comma, found `4`", "4", "");
}

/// The bounds are those of the types: 2^64 − 1, 2^32 − 1, −2^63.
#[test]
fn numbers_out_of_range_are_told_the_range() {
    let most = "expected a whole number of at most";
    let wide = "18446744073709551616";
    check(&format!("(count: {wide})"), &format!("{most} 18446744073709551615, found `{wide}`"), wide, "");
    let wide = "4294967296";
    check(&format!("(small: {wide})"), &format!("{most} 4294967295, found `{wide}`"), wide, "");
    let wide = "9223372036854775808";
    check(&format!("(signed: {wide})"), &format!("{most} 9223372036854775807, found `{wide}`"), wide, "");
    let low = "-9223372036854775809";
    let message = format!("expected a whole number of at least -9223372036854775808, found `{low}`");
    check(&format!("(signed: {low})"), &message, low, "");
}

#[test]
fn a_value_for_a_choice_is_told_the_choices() {
    let choices = "expected one of `FromPrompt`, `Value`, `Text`";
    let message = |found: &str| format!("expected a choice by its name, found `{found}`");
    check("(target: 7)", &message("7"), "7", &format!("did you mean `Value(7)`? {choices}"));
    check("(target: -7, count: 1)", &message("-7"), "-7", &format!("did you mean `Value(-7)`? {choices}"));
    let hint = format!("did you mean `FromPrompt`? {choices}");
    check("(target: \"FromPrompt\")", &message("\"FromPrompt\""), "\"FromPrompt\"", &hint);
    check("(target: \"x\")", &message("\"x\""), "\"x\"", &format!("did you mean `Text(\"x\")`? {choices}"));
    check("(target: 7.5)", &message("7.5"), "7.5", choices);
}

#[test]
fn no_words_of_the_library_or_of_types_are_told() {
    let nested = format!("(x: {}", "[".repeat(200));
    for text in [
        "hello",
        "[1]",
        "",
        "{\"a\": 1}",
        "(count: 1",
        "(1a: 3)",
        &nested,
        "(count 3)",
        "(count: 1) x",
        "Other(count: 1)",
    ] {
        let (message, _, hint) = fault_of(text);
        let told = format!("{message} {hint}");
        for word in ["Numbers", "struct", "ron::", "RON", "identifier", "std ", "Options"] {
            assert!(!told.contains(word), "{text}: {told}");
        }
    }
    check("[1]", "expected fields in brackets, `(name: value, …)`, found `[1]`", "[1]", "");
    check("(count: 1", "the text ends before a bracket or quote is closed", "1", "");
}

#[test]
fn quotes_are_short_however_long_the_text() {
    let text = format!("(count: {})", "9".repeat(2_000_000));
    let fault = read::<Numbers>(&text).unwrap_err();
    assert!(fault.message.len() < 400, "{}", fault.message.len());
}
