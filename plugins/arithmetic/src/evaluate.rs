//! The value of an expression.
//!
//! expr := term (('+'|'-') term)*; term := factor ('*' factor)*; factor := digit+ | '(' expr ')'.

use crate::integer::Integer;
use crate::product::{Product, number};
use num_bigint::BigInt;

/// The value of an expression; `None` for anything else. Without recursion: brackets nest as deep as memory
/// allows.
pub(crate) fn evaluate(text: &str) -> Option<Integer> {
    // What ends like no expression need not be read.
    if !matches!(text.as_bytes().last(), Some(b'0'..=b'9' | b')')) {
        return None;
    }
    match value::<i64>(text.as_bytes()) {
        Ok(value) => Some(Integer::Machine(value)),
        Err(NoValue::Malformed) => None,
        Err(NoValue::Overflow) => value::<BigInt>(text.as_bytes()).ok().map(Integer::from),
    }
}

/// Why an expression has no value.
enum NoValue {
    /// It is none.
    Malformed,
    /// An intermediate value is beyond the type of number.
    Overflow,
}

/// A kind of number that expressions are worked out in.
trait Number: Sized {
    /// A product under way.
    type Product: Default;
    const ZERO: Self;
    /// What decimal digits stand for.
    fn of_digits(digits: &[u8]) -> Option<Self>;
    fn multiply(product: &mut Self::Product, factor: Self) -> Option<()>;
    /// The product so far, which starts anew; 1 of no factors.
    fn take(product: &mut Self::Product) -> Self;
    fn plus(self, term: Self) -> Option<Self>;
    fn minus(self, term: Self) -> Option<Self>;
}

impl Number for BigInt {
    type Product = Product;
    const ZERO: Self = BigInt::ZERO;

    fn of_digits(digits: &[u8]) -> Option<Self> {
        number(digits)
    }

    fn multiply(product: &mut Product, factor: Self) -> Option<()> {
        product.push(factor);
        Some(())
    }

    fn take(product: &mut Product) -> Self {
        product.take()
    }

    fn plus(self, term: Self) -> Option<Self> {
        Some(self + term)
    }

    fn minus(self, term: Self) -> Option<Self> {
        Some(self - term)
    }
}

/// A product of machine integers.
struct MachineProduct(i64);

impl Default for MachineProduct {
    fn default() -> Self {
        Self(1)
    }
}

impl Number for i64 {
    type Product = MachineProduct;
    const ZERO: Self = 0;

    fn of_digits(digits: &[u8]) -> Option<Self> {
        let append = |number: i64, digit: &u8| number.checked_mul(10)?.checked_add((digit - b'0').into());
        digits.iter().try_fold(0, append)
    }

    fn multiply(product: &mut MachineProduct, factor: Self) -> Option<()> {
        product.0 = product.0.checked_mul(factor)?;
        Some(())
    }

    fn take(product: &mut MachineProduct) -> Self {
        std::mem::take(product).0
    }

    fn plus(self, term: Self) -> Option<Self> {
        self.checked_add(term)
    }

    fn minus(self, term: Self) -> Option<Self> {
        self.checked_sub(term)
    }
}

/// A bracket level under evaluation: `sum ± product`.
struct Level<N: Number> {
    sum: N,
    negative: bool,
    product: N::Product,
}

impl<N: Number> Level<N> {
    fn new() -> Self {
        Self { sum: N::ZERO, negative: false, product: N::Product::default() }
    }

    /// Adds the product to the sum.
    fn end_term(&mut self) -> Result<(), NoValue> {
        let (product, sum) = (N::take(&mut self.product), std::mem::replace(&mut self.sum, N::ZERO));
        let sum = if self.negative { sum.minus(product) } else { sum.plus(product) };
        self.sum = sum.ok_or(NoValue::Overflow)?;
        Ok(())
    }

    fn multiply(&mut self, factor: N) -> Result<(), NoValue> {
        N::multiply(&mut self.product, factor).ok_or(NoValue::Overflow)
    }
}

fn value<N: Number>(bytes: &[u8]) -> Result<N, NoValue> {
    let mut outer: Vec<Level<N>> = Vec::new();
    let mut level = Level::new();
    let mut operand_next = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, operand_next) {
            (b'0'..=b'9', true) => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let factor = N::of_digits(&bytes[at - 1..at + digits]).ok_or(NoValue::Overflow)?;
                level.multiply(factor)?;
                at += digits;
                operand_next = false;
            }
            (b'(', true) => outer.push(std::mem::replace(&mut level, Level::new())),
            (b')', false) => {
                let mut inner = std::mem::replace(&mut level, outer.pop().ok_or(NoValue::Malformed)?);
                inner.end_term()?;
                level.multiply(inner.sum)?;
            }
            (b'*', false) => operand_next = true,
            (b'+' | b'-', false) => {
                level.end_term()?;
                level.negative = byte == b'-';
                operand_next = true;
            }
            _ => return Err(NoValue::Malformed),
        }
    }
    if operand_next || !outer.is_empty() {
        return Err(NoValue::Malformed);
    }
    level.end_term()?;
    Ok(level.sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<i64> {
        evaluate(text).map(|value| i64::try_from(BigInt::from(value)).unwrap())
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
        assert_eq!(evaluate(&text).map(BigInt::from), Some(BigInt::from(1) << twos));
        let digits = format!("1{}", "0".repeat(300_000));
        assert_eq!(value(&format!("{digits}-{digits}*1+7")), Some(7));
    }

    #[test]
    fn nothing_overflows() {
        let nines = "9".repeat(40);
        let square = BigInt::from(evaluate(&format!("{nines}*{nines}")).unwrap());
        assert_eq!(square.to_string().len(), 80);
        let deep = format!("{}1{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
        assert_eq!(value(&deep), Some(1));
        assert_eq!(value(&"(".repeat(1000)), None);
    }

    /// Random expressions with numbers about the ends of machine integers, in both kinds of number.
    #[test]
    fn machine_integers_give_what_unbounded_ones_give() {
        use pstar_core::rng::{Purpose, StreamKey};
        let numbers =
            ["0", "1", "7", "12", "3037000500", "4294967296", "9223372036854775807", "9223372036854775808"];
        let key = StreamKey::new(1, Purpose::Prompts, 0);
        let pick = |text: u32, place: usize, most: usize| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `most`")]
            let picked = (key.uniform(0, text, place) * most as f64) as usize;
            picked
        };
        let (mut machine, mut unbounded) = (0, 0);
        for text in 0..2000 {
            let mut expression = numbers[pick(text, 0, numbers.len())].to_string();
            for term in 1..=pick(text, 1, 6) {
                let next = numbers[pick(text, 3 * term, numbers.len())];
                let operator = ["+", "-", "*"][pick(text, 3 * term + 1, 3)];
                expression = match pick(text, 3 * term + 2, 3) {
                    0 => format!("({expression}){operator}{next}"),
                    1 => format!("{next}{operator}({expression})"),
                    _ => format!("{expression}{operator}{next}"),
                };
            }
            let expected = super::value::<BigInt>(expression.as_bytes()).ok().unwrap();
            let found = evaluate(&expression).unwrap();
            let fits = i64::try_from(&expected).is_ok();
            assert_eq!(matches!(found, Integer::Machine(_)), fits, "{expression}");
            assert_eq!(BigInt::from(found), expected, "{expression}");
            *(if fits { &mut machine } else { &mut unbounded }) += 1;
        }
        assert!(machine > 400 && unbounded > 400, "{machine} {unbounded}");
        for text in ["9223372036854775808*", "(9223372036854775807+1", "9223372036854775808)"] {
            assert_eq!(evaluate(text), None, "{text}");
        }
    }
}
