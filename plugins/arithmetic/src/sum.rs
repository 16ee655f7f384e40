//! `arithmetic-sum`: the response must be the sum in the prompt.

use crate::only_response::OnlyResponse;
use crate::prompts::number_below;
use num_bigint::BigUint;
use pstar_core::author::Incremental;
use pstar_core::rng::StreamKey;
use pstar_core::{Field, PluginError, Verifier};
use serde::Deserialize;

/// Accepts the canonical decimal of A+B for the prompt `A+B=`.
pub(crate) struct SumVerifier {
    largest: u64,
}

/// `()`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Largest summand in prompts of the verifier's own making.
    #[serde(default = "ninety_nine")]
    largest: u64,
}

fn ninety_nine() -> u64 {
    99
}

impl Verifier for SumVerifier {
    const NAME: &'static str = "arithmetic-sum";
    const DOC: &'static str =
        "valid is the sum of the two numbers of the prompt `A+B=`, without leading zeros";
    type Config = Config;
    const FIELDS: &'static [Field] = &[Field::optional(
        "largest",
        "integer",
        ">= 0",
        "99",
        "largest summand in prompts of its own making",
    )];

    fn new(Config { largest }: Config) -> Result<Self, PluginError> {
        Ok(Self { largest })
    }

    fn accepts(&self, prompt: &str, response: &str) -> bool {
        answer(prompt).is_some_and(|answer| answer == response)
    }

    fn prompts(&self, count: usize, key: StreamKey) -> Option<Vec<String>> {
        let summand = |i, place| number_below(self.largest, key, i, place);
        Some((0..count).map(|i| format!("{}+{}=", summand(i, 0), summand(i, 1))).collect())
    }

    fn incremental(&self, prompt: &str) -> Option<Incremental> {
        Some(Incremental::new(OnlyResponse(answer(prompt))))
    }
}

/// The only valid response; `None` for a prompt that is not `A+B=`.
fn answer(prompt: &str) -> Option<String> {
    let (a, b) = prompt.strip_suffix('=')?.split_once('+')?;
    Some((number(a)? + number(b)?).to_string())
}

fn number(digits: &str) -> Option<BigUint> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| BigUint::parse_bytes(digits.as_bytes(), 10)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_sum_is_valid() {
        let verifier = SumVerifier { largest: 9 };
        assert!(verifier.accepts("17+25=", "42"));
        assert!(verifier.accepts("0+0=", "0"));
        let nines = "9".repeat(50);
        assert!(verifier.accepts(&format!("{nines}+1="), &format!("1{}", "0".repeat(50))));
        for (prompt, response) in
            [("17+25=", "042"), ("17+25=", ""), ("17+25", "42"), ("+1=", "1"), ("1+2+3=", "6")]
        {
            assert!(!verifier.accepts(prompt, response), "{prompt} {response}");
        }
    }

    #[test]
    fn there_is_at_most_one_answer() {
        assert_eq!(answer("17+25=").as_deref(), Some("42"));
        assert_eq!(answer("17+25"), None);
        assert_eq!(answer("17+-25="), None);
    }

    #[test]
    fn its_prompts_are_sums() {
        let key = StreamKey::new(3, pstar_core::rng::Purpose::Prompts, 0);
        for prompt in (SumVerifier { largest: 9 }).prompts(20, key).unwrap() {
            assert_eq!(prompt.len(), 4, "{prompt}");
        }
    }
}
