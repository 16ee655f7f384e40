use super::*;

fn verifier(most: usize) -> Result<{{Type}}, PluginError> {
    {{Type}}::new({{Type}} { most })
}

/// What is valid, what is not, and what is nearly so.
#[test]
fn verdicts_are_those_expected() {
    let verifier = verifier(2).unwrap_or_else(|error| panic!("{error}"));
    for (response, expected) in [
        ("a", true),
        ("bab", true),
        ("aba", true),
        ("", false),
        ("bb", false),
        ("aaa", false),
        ("A", false),
        ("а", false), // a Cyrillic letter
    ] {
        assert_eq!(verifier.accepts("", response), expected, "{response:?}");
    }
}

#[test]
fn a_configuration_that_accepts_nothing_is_refused() {
    assert!(verifier(0).is_err());
}
