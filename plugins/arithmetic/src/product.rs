//! Long products and long numbers, in less than quadratic time.

use num_bigint::BigInt;

/// A product of factors that come one by one. Factors are multiplied in pairs, pairs in pairs and so on, so that numbers
/// of like length meet; one after another, each would be multiplied into all that came before.
#[derive(Default)]
pub(crate) struct Product {
    /// Products of numbers of factors that are distinct powers of two, the largest first.
    partial: Vec<BigInt>,
    factors: usize,
}

impl Product {
    /// Appends a factor.
    pub(crate) fn push(&mut self, mut factor: BigInt) {
        self.factors += 1;
        for _ in 0..self.factors.trailing_zeros() {
            if let Some(before) = self.partial.pop() {
                factor *= before;
            }
        }
        self.partial.push(factor);
    }

    /// The product so far, which starts anew; 1 of no factors.
    pub(crate) fn take(&mut self) -> BigInt {
        self.factors = 0;
        let last = self.partial.pop().unwrap_or_else(|| BigInt::from(1));
        self.partial.drain(..).rev().fold(last, |product, part| product * part)
    }
}

/// Digits that are read at once.
const SHORT: usize = 512;

/// The number that decimal digits stand for.
pub(crate) fn number(digits: &[u8]) -> Option<BigInt> {
    if digits.len() <= SHORT {
        return BigInt::parse_bytes(digits, 10);
    }
    // Blocks of SHORT digits, then pairs of blocks, and so on, each level with the square of the last one's base.
    let first = digits.len() % SHORT;
    let mut blocks: Vec<BigInt> = Vec::new();
    if first > 0 {
        blocks.push(BigInt::parse_bytes(&digits[..first], 10)?);
    }
    for block in digits[first..].chunks(SHORT) {
        blocks.push(BigInt::parse_bytes(block, 10)?);
    }
    let mut base = BigInt::from(10).pow(u32::try_from(SHORT).ok()?);
    while blocks.len() > 1 {
        let odd = blocks.len() % 2;
        let mut pairs: Vec<BigInt> = blocks.drain(..odd).collect();
        pairs.extend(blocks.chunks_exact(2).map(|pair| &pair[0] * &base + &pair[1]));
        blocks = pairs;
        if blocks.len() > 1 {
            base = &base * &base;
        }
    }
    blocks.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_any_number_of_factors() {
        let mut product = Product::default();
        assert_eq!(product.take(), BigInt::from(1));
        for factors in 1..40u32 {
            (1..=factors).for_each(|factor| product.push(BigInt::from(factor)));
            let expected = (1..=factors).fold(BigInt::from(1), |product, factor| product * factor);
            assert_eq!(product.take(), expected, "{factors}!");
        }
    }

    #[test]
    fn numbers_of_any_length() {
        for length in [1, SHORT, SHORT + 1, 2 * SHORT, 5 * SHORT + 3, 8 * SHORT] {
            let digits: Vec<u8> = (0..length).map(|i| b'0' + u8::try_from(i * i % 10).unwrap()).collect();
            assert_eq!(number(&digits), BigInt::parse_bytes(&digits, 10), "{length}");
        }
        // 10^n - 1 + 1 = 10^n
        let nines = vec![b'9'; 3 * SHORT + 1];
        assert_eq!(number(&nines).unwrap() + 1, BigInt::from(10).pow(3 * 512 + 1));
    }
}
