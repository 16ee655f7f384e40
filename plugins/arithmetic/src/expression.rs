//! `arithmetic-expression`: the response must evaluate to the target.

use crate::evaluate::evaluate;
use crate::expression_reader::ExpressionReader;
use crate::integer::Integer;
use crate::normal_form::normal_form;
use crate::prompts::number_below;
use num_bigint::BigInt;
use pstar_core::author::{Answer, Incremental};
use pstar_core::rng::StreamKey;
use pstar_core::{Field, PluginError, Verifier};
use serde::Deserialize;

/// Accepts expressions over `0-9 + - * ( )` that evaluate to the target.
pub(crate) struct ExpressionVerifier {
    target: Target,
    largest: u64,
}

/// `(target: FromPrompt)` or `(target: Value(24))`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The number that an expression must evaluate to.
    target: Target,
    /// Largest target in prompts of the verifier's own making.
    #[serde(default = "ninety_nine")]
    largest: u64,
}

fn ninety_nine() -> u64 {
    99
}

#[derive(Deserialize)]
enum Target {
    /// The decimal number in the prompt, with or without `=` behind it.
    FromPrompt,
    /// The same number for every prompt.
    Value(i64),
}

impl Verifier for ExpressionVerifier {
    const NAME: &'static str = "arithmetic-expression";
    const DOC: &'static str = "valid is an arithmetic expression that evaluates to the target; the order of what is added or \
        multiplied, needless brackets and leading zeros make no other answer";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required(
            "target",
            "FromPrompt | Value(integer)",
            "",
            "the number that an expression must evaluate to",
        ),
        Field::optional("largest", "integer", ">= 0", "99", "largest target in prompts of its own making"),
    ];

    const ANSWER: Option<Answer<Self>> = Some(|_, _, response| normal_form(response));

    fn new(Config { target, largest }: Config) -> Result<Self, PluginError> {
        Ok(Self { target, largest })
    }

    fn accepts(&self, prompt: &str, response: &str) -> bool {
        // Most responses are no expression: the prompt is read for the others alone.
        evaluate(response).is_some_and(|value| self.target(prompt) == Some(value))
    }

    fn prompts(&self, count: usize, key: StreamKey) -> Option<Vec<String>> {
        let Target::FromPrompt = self.target else { return None };
        Some((0..count).map(|i| format!("{}=", number_below(self.largest, key, i, 0))).collect())
    }

    fn incremental(&self, prompt: &str) -> Option<Incremental> {
        Some(Incremental::new(ExpressionReader { target: self.target(prompt) }))
    }
}

impl ExpressionVerifier {
    /// `None` for a prompt that should hold the target and does not.
    fn target(&self, prompt: &str) -> Option<Integer> {
        match self.target {
            Target::Value(value) => Some(Integer::Machine(value)),
            Target::FromPrompt => read_target(prompt),
        }
    }
}

fn read_target(prompt: &str) -> Option<Integer> {
    let text = prompt.strip_suffix('=').unwrap_or(prompt);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value = match digits.parse() {
        _ if !is_number => return None,
        Ok(value) => Integer::Machine(value),
        Err(_) => evaluate(digits)?,
    };
    Some(if text.len() > digits.len() { Integer::from(-BigInt::from(value)) } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier(target: Target) -> ExpressionVerifier {
        ExpressionVerifier::new(Config { target, largest: 9 }).unwrap()
    }

    #[test]
    fn the_target_comes_from_the_prompt_or_the_configuration() {
        let from_prompt = verifier(Target::FromPrompt);
        assert!(from_prompt.accepts("12=", "3*4"));
        assert!(from_prompt.accepts("12", "3*4"));
        assert!(from_prompt.accepts("-1=", "0-1"));
        assert!(!from_prompt.accepts("12=", "3*5"));
        assert!(!from_prompt.accepts("", ""));
        assert!(!from_prompt.accepts("a=", "1"));
        assert!(verifier(Target::Value(7)).accepts("12=", "1+2*3"));
    }

    #[test]
    fn its_prompts_can_be_solved() {
        let key = StreamKey::new(1, pstar_core::rng::Purpose::Prompts, 0);
        let from_prompt = verifier(Target::FromPrompt);
        for prompt in from_prompt.prompts(20, key).unwrap() {
            assert!(from_prompt.accepts(&prompt, prompt.trim_end_matches('=')));
        }
        assert!(verifier(Target::Value(7)).prompts(1, key).is_none());
    }
}
