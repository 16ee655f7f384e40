use super::*;
use crate::evaluate::evaluate;
use std::collections::{HashMap, HashSet};

fn reader(target: i64) -> ExpressionReader {
    ExpressionReader { target: Some(Integer::Machine(target)) }
}

fn read(text: &str) -> Option<Beginning> {
    reader(0).next(&Beginning::empty(), text)
}

/// Every text of at most `longest` symbols.
fn texts(symbols: &[&str], longest: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut of_one_length = texts.clone();
    for _ in 0..longest {
        of_one_length = of_one_length
            .iter()
            .flat_map(|text| symbols.iter().map(move |symbol| format!("{text}{symbol}")))
            .collect();
        texts.extend(of_one_length.iter().cloned());
    }
    texts
}

/// Visits every response of at most `longest` symbols behind `text` and checks its value. Returns whether any of them
/// is an expression.
fn check_below(text: &str, state: Option<&Beginning>, symbols: &[&str], longest: usize) -> bool {
    let value = evaluate(text);
    assert_eq!(state.and_then(Beginning::value), value, "{text}");
    let mut possible = value.is_some();
    if longest > 0 {
        for symbol in symbols {
            let next = state.and_then(|state| reader(0).next(state, symbol));
            possible |= check_below(&format!("{text}{symbol}"), next.as_ref(), symbols, longest - 1);
        }
    }
    assert!(
        !possible || state.is_some_and(|state| reader(0).can_accept_within(state, longest) || longest == 0)
    );
    possible
}

#[test]
fn every_short_text_has_the_value_of_its_evaluation() {
    check_below("", Some(&Beginning::empty()), &["0", "2", "3", "+", "-", "*", "(", ")"], 6);
}

#[test]
fn symbols_may_have_several_characters() {
    let symbols = ["0", "17", ")*(", "(2", "-0*(", "+1)", ")-", "*é", "３", ""];
    check_below("", Some(&Beginning::empty()), &symbols, 4);
}

#[test]
fn states_are_equal_exactly_where_no_ending_tells_them_apart() {
    let beginnings = texts(&["0", "2", "+", "-", "*", "(", ")"], 3);
    let nested = texts(&["0*(", "2*(", "2-(", "2+", "(2"], 3);
    // Long enough to tell apart what can be told apart behind these beginnings.
    let endings = texts(&["0", "2", "*2", "+2", ")", "+2)"], 4);
    let mut state_of_values = HashMap::new();
    let mut states = HashSet::new();
    for beginning in beginnings.iter().chain(&nested) {
        let values: Vec<_> = endings.iter().map(|ending| evaluate(&format!("{beginning}{ending}"))).collect();
        let state = read(beginning);
        states.insert(state.clone());
        let first = state_of_values.entry(values).or_insert_with(|| state.clone());
        if state.is_some() && first.is_some() {
            assert_eq!(*first, state, "{beginning} is kept apart");
        }
    }
    assert_eq!(state_of_values.len(), states.len(), "states are merged that have different futures");
}

#[test]
fn equal_futures_are_merged() {
    for (a, b) in [
        ("2*3+", "6+"),
        ("1-4*", "1-2*2*"),
        ("(2*3)", "(6)"),
        ("2*(3)", "3*(2)"),
        ("007", "7"),
        ("0*12", "0*7"),
        ("5+0*(1+", "2+3+0*(7*3-"),
        ("0*((4)", "0*((2*8)"),
        ("0*(1)", "0*(2-3)"),
        ("1-1*0*", "1+(2-2)*"),
    ] {
        assert!(read(a).is_some());
        assert_eq!(read(a), read(b), "{a} {b}");
    }
    for (a, b) in
        [("2*3", "6"), ("(6)", "6"), ("0*(1", "0*((1"), ("0*1", "0*(1)"), ("2*", "2+"), ("1-", "1+")]
    {
        assert_ne!(read(a), read(b), "{a} {b}");
    }
}

/// Of the 3906 texts of at most five symbols.
#[test]
fn within_a_bracket_that_is_multiplied_by_zero_only_the_depth_counts() {
    let states: HashSet<_> =
        texts(&["1", "2", "+", "*", "("], 5).iter().filter_map(|text| read(&format!("0*({text}"))).collect();
    // Depths 0 to 5 with the operand to come, 0 to 4 behind a digit.
    assert_eq!(states.len(), 11);
}

#[test]
fn only_the_target_is_accepted() {
    for (target, text, expected) in [
        (-6, "0-2*3", true),
        (-6, "2*3", false),
        (0, "", false),
        (0, "0*(9", false),
        (0, "0*(9)", true),
        (24, "(1+3)*6", true),
        (24, "(1+3)*6+", false),
    ] {
        assert_eq!(reader(target).accepts(&read(text).unwrap()), expected, "{text}");
        assert_eq!(reader(target).can_accept_within(&read(text).unwrap(), 0), expected, "{text}");
        assert!(reader(target).can_accept_within(&read(text).unwrap(), 1), "one symbol may be long");
    }
}

#[test]
fn without_a_target_nothing_is_valid() {
    assert_eq!(ExpressionReader { target: None }.start(), None);
}

#[test]
fn nothing_overflows() {
    let nines = "9".repeat(40);
    let product = format!("0-{nines}*({nines}*{nines})");
    assert_eq!(read(&product).unwrap().value(), evaluate(&product));
    let deep = read(&"(".repeat(1_000_000)).unwrap();
    let closed = reader(1).next(&deep, &format!("1{}", ")".repeat(1_000_000))).unwrap();
    assert!(reader(1).accepts(&closed));
    assert_eq!(reader(1).next(&closed, ")"), None);
}
