use super::*;
use crate::full_match::FullMatch;
use proptest::prelude::*;
use pstar_core::Verifier;
use std::collections::HashSet;

/// The letters of the tests: ASCII and not, one that case folding changes, a line end.
const LETTERS: [&str; 6] = ["a", "b", "c", "é", "K", "\n"];

fn verifier(pattern: &str) -> FullMatch {
    FullMatch::of(pattern).unwrap()
}

fn automaton(pattern: &str) -> Automaton {
    verifier(pattern)
        .automaton()
        .unwrap_or_else(|error| panic!("no automaton for {pattern}: {error:?}"))
        .clone()
}

/// Compares every response of at most `longest` symbols behind `text`. Returns whether any of them is valid.
fn check_below(
    (verifier, automaton): (&FullMatch, &Automaton),
    (text, state): (&str, Option<StateID>),
    symbols: &[&str],
    longest: usize,
) -> bool {
    let valid = verifier.accepts("", text);
    assert_eq!(state.is_some_and(|state| automaton.accepts(&state)), valid, "{text:?}");
    let mut possible = valid;
    if longest > 0 {
        for symbol in symbols {
            let next = state.and_then(|state| automaton.next(&state, symbol));
            let longer = format!("{text}{symbol}");
            possible |= check_below((verifier, automaton), (&longer, next), symbols, longest - 1);
        }
    }
    assert!(!possible || state.is_some_and(|state| automaton.can_accept_within(&state, longest)), "{text:?}");
    possible
}

fn check(pattern: &str, symbols: &[&str], longest: usize) -> bool {
    let (verifier, automaton) = (verifier(pattern), automaton(pattern));
    check_below((&verifier, &automaton), ("", automaton.start()), symbols, longest)
}

/// How many states responses over `symbols` lead to.
fn live_states(pattern: &str, symbols: &[&str]) -> usize {
    let automaton = automaton(pattern);
    let mut open: Vec<_> = automaton.start().into_iter().collect();
    let mut seen: HashSet<_> = open.iter().copied().collect();
    while let Some(state) = open.pop() {
        for symbol in symbols {
            open.extend(automaton.next(&state, symbol).filter(|&next| seen.insert(next)));
        }
    }
    seen.len()
}

#[test]
fn it_agrees_with_the_pattern() {
    for pattern in [
        "",
        "a|ab",
        "ab|a",
        "(b|ab*a)*",
        "(?:a|ab)(?:c|bcd?)??",
        ".*",
        "(?s).*",
        ".?é.?",
        "[^a]*",
        r"\w+",
        r"\PL*",
        "(?i)k*É?",
        "(?x) a b # both",
        "(?x) a # one\n b* # many",
        "a{2,3}?b*?",
        r"(?-u:\b)a(?-u:\B)b(?-u:\b)",
        r"(?-u:a*\b[bK]*)",
    ] {
        assert!(check(pattern, &LETTERS, 4), "{pattern}");
    }
}

#[test]
fn assertions_inside_the_pattern_hold() {
    for pattern in [
        "^a$",
        "(?:^a|b$|c)*",
        "a(?:$|b)c?",
        r"(?:a\z|b)*",
        r"(?:\Aa|b)*",
        "(?m)a$\n^b",
        "(?m)(?:^a|b$|\n)*",
        "(?mR)^a*$\n?",
        "^$",
        "(?m)^$\n?(?:^$)?",
    ] {
        assert!(check(pattern, &LETTERS, 4), "{pattern}");
    }
}

#[test]
fn symbols_may_have_several_characters() {
    let symbols = ["ab", "é\n", "aé", "b", "", "日本"];
    for pattern in ["(b|ab*a)*", r"(?:ab|é\n|日本)*", "a.*", "(?:a$|b|.)*", r"\w*"] {
        assert!(check(pattern, &symbols, 4), "{pattern}");
    }
}

#[test]
fn equal_futures_share_a_state() {
    assert_eq!(live_states("(b|ab*a)*", &["a", "b"]), 2, "parity");
    assert_eq!(live_states("a|b|é|aa|ab", &["a", "b", "é"]), 3, "nothing, a, all else");
    assert_eq!(live_states("(a|b)*a(a|b)*|(a|b)*", &["a", "b"]), 1);
    assert_eq!(live_states("(?:a$|b)*", &["a", "b"]), 2);
    assert_eq!(live_states("a{3}", &["a", "b"]), 4);
    assert_eq!(live_states(".*abc", &["a", "b", "c"]), 4);
}

#[test]
fn dead_states_are_recognised() {
    for pattern in [r"[^\s\S]", "a^", "$a", r"(?:a^|\zb)c*"] {
        assert_eq!(automaton(pattern).start(), None, "{pattern}");
    }
    let automaton = automaton("a(?:b|c^c)");
    let behind_a = automaton.next(&automaton.start().unwrap(), "a").unwrap();
    assert!(automaton.next(&behind_a, "b").is_some());
    assert_eq!(automaton.next(&behind_a, "c"), None, "no line begins here");
    assert_eq!(automaton.next(&behind_a, "bb"), None);
}

#[test]
fn a_symbol_may_make_up_all_that_is_missing() {
    let automaton = automaton("aab");
    let start = automaton.start().unwrap();
    assert!(!automaton.can_accept_within(&start, 0));
    assert!(automaton.can_accept_within(&start, 1));
    assert!(automaton.accepts(&automaton.next(&start, "aab").unwrap()));
}

#[test]
fn too_large_to_minimise_is_still_right() {
    let pattern = "(a|b)*a(a|b){10}";
    let built = automaton(pattern);
    assert!(states(&built.dfa) > MOST_STATES_TO_MINIMISE);
    assert!(check(pattern, &["a", "abba", "bbb"], 6));
}

#[test]
fn patterns_without_an_automaton_have_none() {
    for pattern in [r"a\bb", r"\w+\B"] {
        assert_eq!(verifier(pattern).automaton().err(), Some(NoAutomaton::LooksFurther), "{pattern}");
    }
    for pattern in ["(a|b)*a(a|b){40}", r"\pL{60}"] {
        assert_eq!(verifier(pattern).automaton().err(), Some(NoAutomaton::TooLarge), "{pattern}");
    }
}

/// Patterns over a few letters with every kind of operator and of assertion.
fn patterns() -> impl Strategy<Value = String> {
    const ATOMS: [&str; 13] =
        ["a", "b", "é", ".", "[^a]", "", "^", "$", r"\z", "(?m:^)", "(?m:$)", r"(?-u:\b)", "(?i:k)"];
    prop::sample::select(ATOMS.as_slice()).prop_map(str::to_string).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
            (inner.clone(), prop::sample::select(["*", "+?", "?", "{2}"].as_slice()))
                .prop_map(|(a, repeat)| format!("(?:{a}){repeat}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_agrees_with_any_pattern(pattern in patterns()) {
        check(&pattern, &LETTERS, 3);
        check(&pattern, &["ab", "é\n", "b"], 4);
    }
}
