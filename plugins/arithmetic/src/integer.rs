//! Integers of any size, the usual ones without an allocation.

use num_bigint::BigInt;

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
