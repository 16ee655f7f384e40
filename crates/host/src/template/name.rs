//! Names of components that are names of packages as well.

use crate::cli::NewKind;
use pstar_core::shown;

/// What no crate can be called: words of Rust, crates that every crate or this template uses, devices of Windows.
const TAKEN: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "aux",
    "await",
    "become",
    "box",
    "break",
    "con",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "nul",
    "override",
    "priv",
    "prn",
    "proc-macro",
    "pstar-core",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// The longest name.
const MOST_CHARACTERS: usize = 64;

/// What is wrong with a name, if anything.
pub(crate) fn fault(name: &str) -> Option<String> {
    let foreign = |c: char| !matches!(c, 'a'..='z' | '0'..='9' | '-');
    let found = shown(name);
    if name.is_empty() {
        Some("a name cannot be empty".into())
    } else if let Some(c) = name.chars().find(|&c| foreign(c)) {
        Some(format!(
            "a name has lower-case letters, digits and `-`, found `{}` in `{found}`",
            c.escape_default()
        ))
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some(format!("a name begins with a letter, found `{found}`"))
    } else if name.ends_with('-') || name.contains("--") {
        Some(format!("a name is words joined by single `-`, found `{found}`"))
    } else if name.len() > MOST_CHARACTERS {
        Some(format!("a name has at most {MOST_CHARACTERS} characters, found {}", name.len()))
    } else if TAKEN.contains(&name) {
        Some(format!("no package can be called `{found}`: the name has a meaning in Rust or its packages"))
    } else {
        None
    }
}

/// The name in the style of Rust's types; with the kind behind it where the template's texts use that word for another.
pub(crate) fn type_name(name: &str, kind: NewKind, texts: &[&str]) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    let own: String = name.split('-').map(capital).collect();
    let is_used = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .any(|word| word == own && word != "Type");
    if is_used || own == "Type" { format!("{own}{}", capital(kind.word())) } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "a".repeat(65);
        for name in [
            "",
            "-",
            "-a",
            "a-",
            "a--b",
            "1a",
            "A",
            "aB",
            "a_b",
            "a b",
            "a/b",
            "../a",
            "a.b",
            "é",
            "а",
            "a\n",
            "a\"",
            "fn",
            "self",
            "core",
            "serde",
            "pstar-core",
            "nul",
            &long,
        ] {
            assert!(fault(name).is_some(), "{name:?}");
        }
        for name in ["a", "a1", "top-2", "my-verifier", "config", "objective", "fn-1", &long[1..]] {
            assert_eq!(fault(name), None, "{name:?}");
        }
    }

    #[test]
    fn types_are_none_that_the_template_uses() {
        let named =
            |name| type_name(name, NewKind::Verifier, &["use x::{Verifier, Field}; struct {{Type}};"]);
        assert_eq!(named("my-top-2"), "MyTop2");
        assert_eq!(named("field"), "FieldVerifier");
        assert_eq!(named("verifier"), "VerifierVerifier");
        assert_eq!(named("type"), "TypeVerifier");
    }
}
