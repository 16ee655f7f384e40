//! From what a child said of a response to a verdict.

use pstar_core::author::Verdict;
use pstar_core::shown;
use serde_json::Value;

/// The verdict that an answer is: `true`, `false`, a score, or `{"error": "…"}`. Scores other than 0 and 1 are none without a
/// threshold, at and above which they are valid. Whatever else was said is no verdict.
pub(crate) fn verdict(said: &Value, threshold: Option<f64>) -> Verdict {
    match said {
        Value::Bool(valid) => Verdict::of(*valid),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| no_score(said), |score| of_score(score, threshold))
        }
        Value::Object(entries) => match entries.get("error") {
            Some(Value::String(error)) => Verdict::Unknown(shown(error)),
            _ => no_score(said),
        },
        _ => no_score(said),
    }
}

fn of_score(score: f64, threshold: Option<f64>) -> Verdict {
    match threshold {
        _ if score == 0.0 => Verdict::Invalid,
        _ if score == 1.0 => Verdict::Valid,
        Some(threshold) => Verdict::Between { valid: score >= threshold },
        None => {
            Verdict::Unknown(format!("its score {score} is neither 0 nor 1, and `threshold` is not declared"))
        }
    }
}

fn no_score(said: &Value) -> Verdict {
    let said = shown(&said.to_string());
    Verdict::Unknown(format!("it said `{said}`, expected true, false, a number or {{\"error\": \"…\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str, threshold: Option<f64>) -> Verdict {
        verdict(&serde_json::from_str(said).unwrap(), threshold)
    }

    #[test]
    fn nothing_and_everything_are_verdicts_with_and_without_a_threshold() {
        for threshold in [None, Some(0.0), Some(0.5), Some(2.0)] {
            for invalid in ["false", "0", "0.0", "-0.0", "0e7"] {
                assert_eq!(of(invalid, threshold), Verdict::Invalid, "{invalid}");
            }
            for valid in ["true", "1", "1.0", "1e0"] {
                assert_eq!(of(valid, threshold), Verdict::Valid, "{valid}");
            }
        }
    }

    #[test]
    fn what_lies_elsewhere_needs_a_threshold() {
        for (score, valid) in
            [("0.5", true), ("0.4999", false), ("-1", false), ("2", true), ("1e300", true), ("1e-320", false)]
        {
            assert_eq!(of(score, Some(0.5)), Verdict::Between { valid }, "{score}");
            assert!(
                matches!(of(score, None), Verdict::Unknown(reason) if reason.contains("`threshold`")),
                "{score}"
            );
        }
    }

    #[test]
    fn nothing_else_is_ever_a_verdict() {
        for said in [
            "null",
            r#""1""#,
            r#""true""#,
            r#""NaN""#,
            "[]",
            "[1]",
            "{}",
            r#"{"error": 1}"#,
            r#"{"score": 1}"#,
        ] {
            assert!(matches!(of(said, Some(0.5)), Verdict::Unknown(_)), "{said}");
        }
        assert_eq!(of(r#"{"error": "late\n"}"#, None), Verdict::Unknown("late\\n".into()));
    }
}
