//! The value of an expression.
//!
//! expr := term (('+'|'-') term)*; term := factor ('*' factor)*; factor := digit+ | '(' expr ')'.

use crate::product::{Product, number};
use num_bigint::BigInt;

/// A bracket level under evaluation: `sum ± product`.
struct Level {
    sum: BigInt,
    negative: bool,
    product: Product,
}

impl Level {
    fn new() -> Self {
        Self { sum: BigInt::ZERO, negative: false, product: Product::default() }
    }

    /// Adds the product to the sum.
    fn end_term(&mut self) {
        let product = self.product.take();
        if self.negative { self.sum -= product } else { self.sum += product }
    }
}

/// The value of an expression; `None` for anything else. Without recursion: brackets nest as deep as memory
/// allows.
pub(crate) fn evaluate(text: &str) -> Option<BigInt> {
    let bytes = text.as_bytes();
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::new();
    let mut operand_next = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, operand_next) {
            (b'0'..=b'9', true) => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                level.product.push(number(&bytes[at - 1..at + digits])?);
                at += digits;
                operand_next = false;
            }
            (b'(', true) => outer.push(std::mem::replace(&mut level, Level::new())),
            (b')', false) => {
                let mut inner = std::mem::replace(&mut level, outer.pop()?);
                inner.end_term();
                level.product.push(inner.sum);
            }
            (b'*', false) => operand_next = true,
            (b'+' | b'-', false) => {
                level.end_term();
                level.negative = byte == b'-';
                operand_next = true;
            }
            _ => return None,
        }
    }
    if operand_next || !outer.is_empty() {
        return None;
    }
    level.end_term();
    Some(level.sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<i64> {
        evaluate(text).map(|value| i64::try_from(value).unwrap())
    }

    #[test]
    fn precedence_and_associativity() {
        assert_eq!(value("2+3*4"), Some(14));
        assert_eq!(value("10-3-4"), Some(3));
        assert_eq!(value("2*(3+4)*5"), Some(70));
        assert_eq!(value("1-(2-3)"), Some(2));
        assert_eq!(value("007"), Some(7));
        assert_eq!(value("((5))"), Some(5));
        assert_eq!(value("0-2*3"), Some(-6));
    }

    #[test]
    fn malformed_expressions_have_no_value() {
        for text in
            ["", "+1", "-1", "1+", "1**2", "2(3)", "(1)2", "(1)(2)", "()", "(1", "1)", "1 2", "1+-2", "x"]
        {
            assert_eq!(value(text), None, "{text}");
        }
    }

    /// Hundreds of thousands of factors and of digits: seconds and more if each were taken into all that came before.
    #[test]
    fn long_products_and_numbers_take_no_quadratic_time() {
        let twos = 300_000;
        let text = format!("{}1", "2*".repeat(twos));
        assert_eq!(evaluate(&text), Some(BigInt::from(1) << twos));
        let digits = format!("1{}", "0".repeat(300_000));
        assert_eq!(evaluate(&format!("{digits}-{digits}*1+7")), Some(BigInt::from(7)));
    }

    #[test]
    fn nothing_overflows() {
        let nines = "9".repeat(40);
        assert_eq!(evaluate(&format!("{nines}*{nines}")).unwrap().to_string().len(), 80);
        let deep = format!("{}1{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
        assert_eq!(value(&deep), Some(1));
        assert_eq!(value(&"(".repeat(1000)), None);
    }
}
