//! Numbers with an exponent of their own, which neither overflow nor underflow.

use std::f64::consts::LN_2;

use pstar_core::math;

/// A number of at least 0 with an exponent of its own: products of any length neither underflow nor overflow, and keep
/// the precision that logarithms of that size would lose. The order is that of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Wide {
    exponent: i64,
    /// In [1, 2), or 0.
    mantissa: f64,
}

impl Wide {
    pub(super) const ZERO: Self = Self { exponent: i64::MIN / 2, mantissa: 0.0 };
    pub(super) const ONE: Self = Self { exponent: 0, mantissa: 1.0 };

    /// A logarithm further from 0 counts as this one, so that only −∞ gives zero and no exponent overflows.
    const MOST_LOG: f64 = 1e12;

    /// Of a number of at least 0 that is normal or 0.
    pub(super) fn new(value: f64) -> Self {
        Self::normalised(value, 0)
    }

    /// e^log.
    #[allow(clippy::cast_possible_truncation, reason = "at most MOST_LOG / log 2")]
    pub(super) fn exp(log: f64) -> Self {
        if log == f64::NEG_INFINITY {
            return Self::ZERO;
        }
        let log = log.clamp(-Self::MOST_LOG, Self::MOST_LOG);
        let exponent = (log / LN_2).round();
        Self::normalised(math::exp(log - exponent * LN_2), exponent as i64)
    }

    /// A probability; zero only where its logarithm is −∞.
    pub(super) fn of_prob(prob: f64, log_prob: f64) -> Self {
        if prob >= f64::MIN_POSITIVE { Self::new(prob) } else { Self::exp(log_prob) }
    }

    fn normalised(value: f64, exponent: i64) -> Self {
        const MANTISSA: u64 = (1 << 52) - 1;
        if value == 0.0 {
            return Self::ZERO;
        }
        let bits = value.to_bits();
        let shift = (bits >> 52).cast_signed() - 1023;
        Self { exponent: exponent + shift, mantissa: f64::from_bits(bits & MANTISSA | 1023 << 52) }
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0.0
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self::normalised(self.mantissa * other.mantissa, self.exponent + other.exponent)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (great, small) = if self >= other { (self, other) } else { (other, self) };
        if small.is_zero() || great.exponent - small.exponent > 64 {
            return great;
        }
        let small = small.mantissa * power_of_two(small.exponent - great.exponent);
        Self::normalised(great.mantissa + small, great.exponent)
    }

    pub(super) fn max(self, other: Self) -> Self {
        if self >= other { self } else { other }
    }

    /// self / other; 0 if both are zero.
    pub(super) fn over(self, other: Self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let exponent = self.exponent - other.exponent;
        Self { exponent, mantissa: self.mantissa / other.mantissa }.value()
    }

    /// The same beyond the range of numbers.
    pub(super) fn by(self, other: Self) -> Self {
        if self.is_zero() {
            return self;
        }
        Self::normalised(self.mantissa / other.mantissa, self.exponent - other.exponent)
    }

    /// The number itself; 0 or infinite where it is beyond the range.
    pub(super) fn value(self) -> f64 {
        let exponent = self.exponent.clamp(-1200, 1200);
        self.mantissa * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
    }

    pub(super) fn ln(self) -> f64 {
        math::ln(self.mantissa) + self.exponent as f64 * LN_2
    }
}

/// 2^exponent for the exponents of normal numbers.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((exponent + 1023).cast_unsigned() << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn wide_numbers_are_numbers() {
        for x in [0.0, 1e-300, 0.3, 1.0, 7.5, 1e300] {
            assert_eq!(Wide::new(x).value(), x);
            for y in [0.0, 1e-300, 0.3, 1.0, 7.5] {
                assert_eq!(Wide::new(x).times(Wide::new(y)).value(), x * y);
                assert_eq!(Wide::new(x).plus(Wide::new(y)).value(), x + y);
                assert_eq!(Wide::new(x).max(Wide::new(y)).value(), f64::max(x, y));
                assert_eq!(Wide::new(x) >= Wide::new(y), x >= y);
            }
            assert_close(
                Wide::exp(x.ln()).value() / x.max(f64::MIN_POSITIVE),
                f64::from(u8::from(x > 0.0)),
                1e-13,
            );
        }
        let tiny = Wide::exp(-5000.0);
        assert_eq!(tiny.value(), 0.0);
        assert_eq!(Wide::exp(5000.0).value(), f64::INFINITY);
        assert_close(tiny.times(Wide::exp(4999.0)).value(), (-1f64).exp(), 1e-12);
        assert_close(tiny.ln(), -5000.0, 1e-12);
        assert!(!Wide::exp(f64::MIN).is_zero() && Wide::exp(f64::NEG_INFINITY).is_zero());
        assert_eq!(Wide::ZERO.over(Wide::ZERO), 0.0);
    }
}
