//! `permutation`: the response must be the prompt in some order.

use crate::unused::Unused;
use pstar_core::author::Incremental;
use pstar_core::{Field, PluginError, Verifier};
use serde::Deserialize;

/// Accepts the permutations of the characters of the prompt.
pub(crate) struct Permutation {
    end: String,
}

/// `(end: "=")`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What ends every prompt and is not permuted.
    #[serde(default)]
    end: String,
}

impl Verifier for Permutation {
    const NAME: &'static str = "permutation";
    const DOC: &'static str = "valid is every order of the characters of the prompt, each as often as there; a prompt without its \
        `end` has none";
    type Config = Config;
    const FIELDS: &'static [Field] =
        &[Field::optional("end", "text", "", r#""""#, "what ends every prompt and is not permuted")];

    fn new(Config { end }: Config) -> Result<Self, PluginError> {
        Ok(Self { end })
    }

    fn accepts(&self, prompt: &str, response: &str) -> bool {
        let given = prompt.strip_suffix(&self.end);
        given.is_some_and(|given| given.len() == response.len() && sorted(given) == sorted(response))
    }

    fn incremental(&self, prompt: &str) -> Option<Incremental> {
        Unused::new(prompt.strip_suffix(&self.end)).map(Incremental::new)
    }

    fn incremental_refusal(&self, _prompt: &str) -> Option<PluginError> {
        let message = format!("the prompt has more than {} characters", Unused::MOST);
        Some(PluginError::data(message).with_hint("use shorter prompts"))
    }
}

fn sorted(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::testing;

    /// Verdicts by hand.
    const VALID: [(&str, &str); 10] = [
        ("123=", "123"),
        ("123=", "132"),
        ("123=", "213"),
        ("123=", "231"),
        ("123=", "312"),
        ("123=", "321"),
        ("=", ""),
        ("112=", "121"),
        ("a é=", "é a"),
        ("==", "="),
    ];
    const INVALID: [(&str, &str); 18] = [
        ("123=", ""),
        ("123=", "12"),
        ("123=", "1231"),
        ("123=", "122"),
        ("123=", "124"),
        ("123=", "123="),
        ("123=", " 123"),
        ("123=", "123 "),
        ("123=", "0123"),
        ("123=", "-123"),
        ("123=", "1 23"),
        ("123=", "１２３"),
        ("123=", "123\n"),
        ("123=", "18446744073709551616"),
        ("112=", "122"),
        ("é=", "e\u{301}"),
        ("123", "123"),
        ("", ""),
    ];

    fn verifier(end: &str) -> Permutation {
        Permutation { end: end.into() }
    }

    #[test]
    fn every_order_is_valid_and_nothing_else() {
        for (prompt, response) in VALID {
            assert!(verifier("=").accepts(prompt, response), "{prompt} {response}");
        }
        for (prompt, response) in INVALID {
            assert!(!verifier("=").accepts(prompt, response), "{prompt} {response}");
        }
        assert!(!verifier("=").accepts("123=", &"123".repeat(1000)));
    }

    #[test]
    fn without_an_end_the_whole_prompt_is_permuted() {
        assert!(verifier("").accepts("12=", "=21"));
        assert!(!verifier("").accepts("12=", "21"));
    }

    #[test]
    fn there_are_factorially_many() {
        let digits = ["1", "2", "3", "4"];
        for (prompt, expected) in [("1=", 1), ("12=", 2), ("123=", 6), ("1234=", 24), ("1123=", 12)] {
            let mut responses = vec![String::new()];
            for _ in 1..prompt.len() {
                let longer = |response: &String| digits.map(|digit| format!("{response}{digit}"));
                responses = responses.iter().flat_map(longer).collect();
            }
            let valid = responses.iter().filter(|response| verifier("=").accepts(prompt, response));
            assert_eq!(valid.count(), expected, "{prompt}");
        }
    }

    #[test]
    fn it_keeps_to_the_contract() {
        let pairs = VALID.iter().chain(&INVALID).copied().collect::<Vec<_>>();
        testing::check_verifier::<Permutation>(r#"(end: "=")"#, &pairs).assert();
        testing::check_verifier::<Permutation>("()", &pairs).assert();
    }
}
