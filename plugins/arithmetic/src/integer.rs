//! Integers of any size, the usual ones without an allocation.

use num_bigint::BigInt;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg};

/// An integer; equal ones are of one variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Integer {
    /// One of 64 bits.
    Machine(i64),
    /// One that needs more.
    Unbounded(BigInt),
}

impl From<BigInt> for Integer {
    fn from(value: BigInt) -> Self {
        i64::try_from(value).map_or_else(|error| Self::Unbounded(error.into_original()), Self::Machine)
    }
}

impl From<Integer> for BigInt {
    fn from(value: Integer) -> Self {
        match value {
            Integer::Machine(value) => value.into(),
            Integer::Unbounded(value) => value,
        }
    }
}

impl Integer {
    pub(crate) const ZERO: Self = Self::Machine(0);

    /// What an operation gives, in 64 bits where it fits.
    fn worked_out(
        self,
        other: Self,
        machine: fn(i64, i64) -> Option<i64>,
        unbounded: fn(BigInt, BigInt) -> BigInt,
    ) -> Self {
        if let (Self::Machine(own), Self::Machine(other)) = (&self, &other)
            && let Some(value) = machine(*own, *other)
        {
            return Self::Machine(value);
        }
        unbounded(self.into(), other.into()).into()
    }
}

impl From<u8> for Integer {
    fn from(value: u8) -> Self {
        Self::Machine(value.into())
    }
}

impl Add for Integer {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.worked_out(other, i64::checked_add, BigInt::add)
    }
}

impl Mul for Integer {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.worked_out(other, i64::checked_mul, BigInt::mul)
    }
}

impl Neg for Integer {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO.worked_out(self, i64::checked_sub, |zero, value| zero - value)
    }
}

impl AddAssign for Integer {
    fn add_assign(&mut self, other: Self) {
        *self = std::mem::replace(self, Self::ZERO) + other;
    }
}

impl MulAssign for Integer {
    fn mul_assign(&mut self, other: Self) {
        *self = std::mem::replace(self, Self::ZERO) * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About the ends of 64 bits, against integers that have none.
    #[test]
    fn operations_are_those_of_unbounded_integers_and_equal_ones_are_of_one_variant() {
        let ends = [i64::MIN, i64::MIN + 1, -3_037_000_500, -1, 0, 1, 7, 3_037_000_500, i64::MAX];
        let mut numbers: Vec<BigInt> = ends.map(BigInt::from).into();
        numbers.push(BigInt::from(i64::MAX) + 1);
        numbers.push(BigInt::from(i64::MIN) * 3);
        let same = |found: Integer, expected: BigInt| {
            assert_eq!(matches!(found, Integer::Machine(_)), i64::try_from(&expected).is_ok(), "{expected}");
            assert_eq!(BigInt::from(found), expected);
        };
        for a in &numbers {
            same(-Integer::from(a.clone()), -a.clone());
            for b in &numbers {
                let [own, other] = [a, b].map(|number| Integer::from(number.clone()));
                same(own.clone() + other.clone(), a + b);
                same(own * other, a * b);
            }
        }
    }
}
