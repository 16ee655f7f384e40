//! Full match of the response.

use crate::automaton::{Automaton, NoAutomaton};
use pstar_core::author::{Answer, Incremental, MAX_ANSWER};
use pstar_core::{Field, PluginError, Verifier};
use regex::Regex;
use serde::Deserialize;
use std::sync::OnceLock;

/// The name of the group that holds the answer.
const ANSWER: &str = "answer";

/// Accepts the responses that a regular expression matches from end to end, whatever the prompt.
pub(crate) struct FullMatch {
    /// Anchored at both ends.
    regex: Regex,
    /// Whether it has a group named `answer`.
    has_answer: bool,
    /// Built when first needed.
    automaton: OnceLock<Result<Automaton, NoAutomaton>>,
}

/// `(pattern: "(b|ab*a)*")`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// In the syntax of the `regex` crate, which matches in linear time.
    pattern: String,
}

impl Verifier for FullMatch {
    const NAME: &'static str = "regex";
    const DOC: &'static str = "valid is what a regular expression matches from end to end; what a group `(?<answer>…)` of \
        it matches is the answer";
    type Config = Config;
    const FIELDS: &'static [Field] =
        &[Field::required("pattern", "text", "a regular expression", "what the whole response must match")];
    const ANSWER: Option<Answer<Self>> = Some(Self::answer);

    fn new(Config { pattern }: Config) -> Result<Self, PluginError> {
        let refused = |error: regex::Error| PluginError::config("pattern", error.to_string());
        Regex::new(&pattern).map_err(refused)?;
        // A pattern in verbose mode may end in a comment, which would swallow the bracket.
        Regex::new(&format!(r"\A(?:{pattern})\z"))
            .or_else(|_| Regex::new(&format!("\\A(?:{pattern}\n)\\z")))
            .map(|regex| {
                let has_answer = regex.capture_names().flatten().any(|name| name == ANSWER);
                Self { regex, has_answer, automaton: OnceLock::new() }
            })
            .map_err(refused)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        self.regex.is_match(response)
    }

    fn incremental(&self, _prompt: &str) -> Option<Incremental> {
        self.automaton().ok().cloned().map(Incremental::new)
    }

    fn incremental_refusal(&self, _prompt: &str) -> Option<PluginError> {
        self.automaton().err().map(NoAutomaton::explain)
    }
}

impl FullMatch {
    /// What the group named `answer` matched; of responses that do not match, and where it matched nothing, there is none.
    fn answer(&self, _prompt: &str, response: &str) -> Option<String> {
        if !self.has_answer {
            return None;
        }
        let answer = self.regex.captures(response)?.name(ANSWER)?.as_str();
        (1..=MAX_ANSWER).contains(&answer.len()).then(|| answer.to_string())
    }

    /// The automaton of the pattern, if it has one of moderate size.
    pub(crate) fn automaton(&self) -> Result<&Automaton, NoAutomaton> {
        self.automaton.get_or_init(|| Automaton::new(self.regex.as_str())).as_ref().map_err(|&error| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FullMatch {
        pub(crate) fn of(pattern: &str) -> Result<Self, PluginError> {
            Self::new(Config { pattern: pattern.into() })
        }
    }

    fn accepts(pattern: &str, response: &str) -> bool {
        FullMatch::of(pattern).unwrap().accepts("", response)
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
    fn a_group_of_that_name_is_the_answer() {
        let answer = |pattern: &str, response: &str| FullMatch::of(pattern).unwrap().answer("", response);
        let pattern = "[a-z]*=0*(?<answer>[0-9]*)";
        assert_eq!(answer(pattern, "ab=0042").as_deref(), Some("42"));
        assert_eq!(answer(pattern, "=42").as_deref(), Some("42"));
        for none in ["42", "=", "a=0"] {
            assert_eq!(answer(pattern, none), None, "{none}");
        }
        assert_eq!(answer("(?<other>a)", "a"), None);
        assert_eq!(answer("(?<answer>a*)b|c", "c"), None);
        assert_eq!(answer("(?<answer>a*)b", &format!("{}b", "a".repeat(5000))), None);
    }

    #[test]
    fn a_comment_at_the_end_of_a_verbose_pattern_is_harmless() {
        assert!(accepts("(?x) a b # both", "ab"));
    }

    #[test]
    fn the_incremental_view_is_that_of_the_automaton() {
        assert!(FullMatch::of("a|ab").unwrap().incremental("").is_some());
        assert!(FullMatch::of("a|ab").unwrap().incremental_refusal("").is_none());
    }

    #[test]
    fn a_pattern_without_an_automaton_says_why() {
        let verifier = FullMatch::of(r"\bab*").unwrap();
        assert!(verifier.incremental("").is_none());
        let error = verifier.incremental_refusal("").unwrap();
        assert!(error.message.contains("word boundary") && error.hint.unwrap().contains(r"(?-u:\b)"));
        assert!(FullMatch::of(r"(?-u:\b)ab*").unwrap().incremental("").is_some());
    }

    #[test]
    fn a_bad_pattern_is_explained_by_the_library() {
        let error = FullMatch::of("(a").err().unwrap();
        assert!(error.message.contains("unclosed group"), "{}", error.message);
    }
}
