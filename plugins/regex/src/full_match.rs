//! Full match of the response.

use pstar_core::{Field, PluginError, Verifier};
use regex::Regex;
use serde::Deserialize;

/// Accepts the responses that a regular expression matches from end to end, whatever the prompt.
pub(crate) struct FullMatch(Regex);

/// `(pattern: "(b|ab*a)*")`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// In the syntax of the `regex` crate, which matches in linear time.
    pattern: String,
}

impl Verifier for FullMatch {
    const NAME: &'static str = "regex";
    const DOC: &'static str = "valid is what a regular expression matches from end to end";
    type Config = Config;
    const FIELDS: &'static [Field] =
        &[Field::required("pattern", "text", "a regular expression", "what the whole response must match")];

    fn new(Config { pattern }: Config) -> Result<Self, PluginError> {
        let refused = |error: regex::Error| PluginError::config("pattern", error.to_string());
        Regex::new(&pattern).map_err(refused)?;
        // A pattern in verbose mode may end in a comment, which would swallow the bracket.
        Regex::new(&format!(r"\A(?:{pattern})\z"))
            .or_else(|_| Regex::new(&format!("\\A(?:{pattern}\n)\\z")))
            .map(Self)
            .map_err(refused)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        self.0.is_match(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(pattern: &str, response: &str) -> bool {
        FullMatch::new(Config { pattern: pattern.into() }).unwrap().accepts("", response)
    }

    #[test]
    fn the_whole_response_must_match() {
        assert!(accepts("a|ab", "ab"));
        assert!(!accepts("a|ab", "aba"));
        assert!(accepts("", ""));
        assert!(!accepts("a*", "a\n"));
        assert!(accepts("(b|ab*a)*", "abbab"));
        assert!(!accepts("(b|ab*a)*", "ab"));
    }

    #[test]
    fn a_comment_at_the_end_of_a_verbose_pattern_is_harmless() {
        assert!(accepts("(?x) a b # both", "ab"));
    }

    #[test]
    fn a_bad_pattern_is_explained_by_the_library() {
        let error = FullMatch::new(Config { pattern: "(a".into() }).err().unwrap();
        assert!(error.message.contains("unclosed group"), "{}", error.message);
    }
}
