//! Values of tokens, as callers have them.

use super::RowFault;
use std::borrow::Cow;
use std::ops::Range;

/// Values of the tokens of all sequences, one a token.
#[derive(Clone, Copy, Debug)]
pub enum TokenValues<'a> {
    /// One sequence behind the other.
    Ragged(&'a [f64]),
    /// Rows of the same width, of which each sequence has the beginning.
    Padded {
        /// Row behind row.
        values: &'a [f64],
        /// Values of a row.
        width: usize,
    },
    /// The same in single precision.
    PaddedSingle {
        /// Row behind row.
        values: &'a [f32],
        /// Values of a row.
        width: usize,
    },
}

impl<'a> TokenValues<'a> {
    /// Whether there is a value for every token of sequences of these lengths.
    pub(super) fn check(&self, column: &'static str, lengths: &[u64]) -> Result<(), RowFault> {
        let (found, width) = match *self {
            Self::Ragged(values) => {
                let expected = lengths.iter().fold(0, |sum: u64, &length| sum.saturating_add(length));
                let found = values.len();
                let fault = RowFault::Tokens { column, expected, found };
                return if expected == found as u64 { Ok(()) } else { Err(fault) };
            }
            Self::Padded { values, width } => (values.len(), width),
            Self::PaddedSingle { values, width } => (values.len(), width),
        };
        let expected = lengths.len().saturating_mul(width);
        if found != expected {
            return Err(RowFault::Tokens { column, expected: expected as u64, found });
        }
        let longer = lengths.iter().position(|&length| length > width as u64);
        longer.map_or(Ok(()), |sequence| {
            Err(RowFault::Width { sequence, column, expected: lengths[sequence], found: width })
        })
    }

    /// The values one sequence behind the other, in an order of sequences; `starts` says where the tokens of each begin.
    pub(super) fn in_order(
        &self,
        order: Option<&[usize]>,
        starts: &[u64],
        lengths: &[u64],
    ) -> Cow<'a, [f64]> {
        if let (Self::Ragged(values), None) = (self, order) {
            return Cow::Borrowed(values);
        }
        let total: u64 = lengths.iter().sum();
        let mut packed = Vec::with_capacity(index(total));
        let mut put = |sequence: usize| {
            let length = index(lengths[sequence]);
            match *self {
                Self::Ragged(values) => {
                    packed.extend_from_slice(&values[from(index(starts[sequence]), length)]);
                }
                Self::Padded { values, width } => {
                    packed.extend_from_slice(&values[from(sequence * width, length)]);
                }
                Self::PaddedSingle { values, width } => {
                    packed
                        .extend(values[from(sequence * width, length)].iter().map(|&value| f64::from(value)));
                }
            }
        };
        match order {
            Some(order) => order.iter().for_each(|&sequence| put(sequence)),
            None => (0..lengths.len()).for_each(put),
        }
        Cow::Owned(packed)
    }
}

fn from(start: usize, length: usize) -> Range<usize> {
    start..start + length
}

#[allow(clippy::cast_possible_truncation, reason = "offsets of what is in memory")]
pub(super) fn index(offset: u64) -> usize {
    offset as usize
}
