//! One spelling of all expressions that are the same calculation.
//!
//! The same are those that differ in the order of what is added or multiplied, in brackets that the value does not need by
//! the laws of association and of signs, and in leading zeros: `2*(3+4)`, `(4+03)*2` and `((2))*(4+3)`; `1-(2-3)` and
//! `1+3-2`. Nothing is worked out and no factor is spread over a sum: `1+1`, `2` and `2*1` are three, as are `2*(3+4)` and
//! `2*3+2*4`.

use pstar_core::author::MAX_ANSWER;

/// The spelling; `None` of what is no expression, and of responses longer than answers may be.
pub(crate) fn normal_form(text: &str) -> Option<String> {
    // A spelling is never longer than what it comes from: brackets, zeros and nothing else go.
    if text.len() > MAX_ANSWER {
        return None;
    }
    let bytes = text.as_bytes();
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut operand_next = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, operand_next) {
            (b'0'..=b'9', true) => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                level.factors.push(Factor::Number(without_zeros(&text[at..at + digits]).into()));
                at += digits;
                operand_next = false;
                continue;
            }
            (b'(', true) => outer.push(std::mem::take(&mut level)),
            (b')', false) => {
                level.end_term();
                let inner = std::mem::replace(&mut level, outer.pop()?);
                level.bracket(inner.terms);
            }
            (b'*', false) => operand_next = true,
            (b'+' | b'-', false) => {
                level.end_term();
                level.negative = byte == b'-';
                operand_next = true;
            }
            _ => return None,
        }
        at += 1;
    }
    if operand_next || !outer.is_empty() {
        return None;
    }
    level.end_term();
    Some(spelling(level.terms))
}

/// Digits without those that say nothing.
fn without_zeros(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

/// A term of a sum: the spellings of its factors.
struct Term {
    negative: bool,
    factors: Vec<String>,
}

/// A factor of the term under way.
enum Factor {
    Number(String),
    /// A bracket of several terms.
    Sum(Vec<Term>),
}

/// A bracket level.
#[derive(Default)]
struct Level {
    terms: Vec<Term>,
    /// Of the term under way.
    negative: bool,
    factors: Vec<Factor>,
}

impl Level {
    /// Takes in a bracket as a factor; of a single term, which is never negative, its factors.
    fn bracket(&mut self, mut terms: Vec<Term>) {
        match &mut terms[..] {
            [only] => self.factors.extend(std::mem::take(&mut only.factors).into_iter().map(Factor::Number)),
            _ => self.factors.push(Factor::Sum(terms)),
        }
    }

    /// Ends the term under way; a bracket alone gives its own terms.
    fn end_term(&mut self) {
        let negative = self.negative;
        let mut factors = std::mem::take(&mut self.factors);
        if let [Factor::Sum(terms)] = &mut factors[..] {
            let terms = std::mem::take(terms).into_iter();
            self.terms.extend(terms.map(|term| Term { negative: term.negative != negative, ..term }));
            return;
        }
        let spelt = |factor| match factor {
            Factor::Number(spelling) => spelling,
            Factor::Sum(terms) => format!("({})", spelling(terms)),
        };
        self.terms.push(Term { negative, factors: factors.into_iter().map(spelt).collect() });
    }
}

/// Terms in the order of their spelling, what is added before what is taken away.
fn spelling(terms: Vec<Term>) -> String {
    let spelt = |mut term: Term| {
        term.factors.sort_unstable();
        (term.negative, term.factors.join("*"))
    };
    let mut terms: Vec<(bool, String)> = terms.into_iter().map(spelt).collect();
    terms.sort_unstable();
    let mut text = String::new();
    for (negative, term) in terms {
        if negative {
            text.push('-');
        } else if !text.is_empty() {
            text.push('+');
        }
        text.push_str(&term);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use pstar_core::rng::{Purpose, StreamKey};

    #[test]
    fn the_same_calculations_are_spelt_alike() {
        for same in [
            &["12", "012", "(12)", "((012))"][..],
            &["3*4", "4*3", "(4)*3", "(4*3)", "04*(3)"],
            &["1+2+3", "3+(2+1)", "(3+1)+2", "(1)+(2)+(3)"],
            &["2*(3+4)", "(4+3)*2", "(2)*((3)+4)", "((4+3)*2)"],
            &["1-(2-3)", "1+3-2", "3-2+1", "3+(1-2)", "3-(2-1)"],
            &["9-1-2", "9-(1+2)", "9-2-1", "(9-2)-1"],
            &["2*(3*4)", "2*3*4", "4*(2*3)", "(4*2)*3"],
            &["1-2*(3-4)", "1-(3-4)*2"],
        ] {
            let spellings: Vec<_> = same.iter().map(|text| normal_form(text).unwrap()).collect();
            assert!(spellings.iter().all(|spelling| *spelling == spellings[0]), "{same:?}: {spellings:?}");
        }
    }

    #[test]
    fn other_calculations_are_other_answers() {
        let others = [
            "12", "10+2", "11+1", "1+11*1", "3*4", "2*6", "2*2*3", "12+0", "12*1", "13-1", "2*(3+3)",
            "2*3+2*3", "0+12", "24-12", "3+9", "1*12+0", "12-0",
        ];
        let spellings: std::collections::BTreeSet<_> =
            others.iter().map(|text| normal_form(text).unwrap()).collect();
        // 12+0 and 0+12 alone are one.
        assert_eq!(spellings.len(), others.len() - 1, "{spellings:?}");
        for none in ["", "+1", "1+", "(1", "1)", "2(3)", "()", "1 2", "x", "1+-2", "(1)2"] {
            assert_eq!(normal_form(none), None, "{none}");
        }
    }

    #[test]
    fn long_ones_have_none() {
        let of = |length: usize| normal_form(&"1".repeat(length)).map(|spelling| spelling.len());
        assert_eq!((of(MAX_ANSWER), of(MAX_ANSWER + 1)), (Some(MAX_ANSWER), None));
        let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
        assert_eq!(normal_form(&deep).as_deref(), Some("1"));
        assert_eq!(normal_form(&"(".repeat(MAX_ANSWER)), None);
        let nested = format!("{}1{}", "2*(1+".repeat(580), ")".repeat(580));
        assert!(normal_form(&nested).is_some());
    }

    /// Random expressions: their spelling has their value and is its own spelling, and is theirs with all operands of `+`
    /// and `*` exchanged and brackets set.
    #[test]
    fn a_spelling_keeps_the_value() {
        let key = StreamKey::new(5, Purpose::Prompts, 0);
        let mut brackets = 0;
        for text in 0..2000 {
            let mut place = 0;
            let mut pick = |most: usize| {
                place += 1;
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `most`")]
                let picked = (key.uniform(0, text, place) * most as f64) as usize;
                picked
            };
            let (mut left, mut right) = (pick(30).to_string(), String::new());
            right.push_str(&left);
            for _ in 0..pick(8) {
                let next = pick(30);
                (left, right) = match pick(5) {
                    0 => (format!("({left})+{next}"), format!("0{next}+({right})")),
                    1 => (format!("({left})*{next}"), format!("{next}*({right})")),
                    2 => (format!("({left})-{next}"), format!("(({right}))-({next})")),
                    3 => (format!("{next}-({left})"), format!("(0{next})-({right})")),
                    _ => (format!("{next}*({left})"), format!("(({right})*{next})")),
                };
            }
            let spelling = normal_form(&left).unwrap();
            assert_eq!(evaluate(&spelling), evaluate(&left), "{left}: {spelling}");
            assert_eq!(normal_form(&spelling).as_ref(), Some(&spelling), "{left}");
            assert_eq!(normal_form(&right).as_ref(), Some(&spelling), "{left} and {right}");
            brackets += usize::from(spelling.contains('('));
        }
        assert!(brackets > 300, "{brackets}");
    }
}
