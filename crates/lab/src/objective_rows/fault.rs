//! Why sequences are no batch.

use thiserror::Error;

/// Why sequences are no batch.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RowFault {
    /// A column does not tell of every sequence.
    #[error("`{column}` must have {expected} values, one a sequence, found {found}")]
    Rows {
        /// Which column.
        column: &'static str,
        /// Number of sequences.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// A column has another length than the sequence.
    #[error("sequence {sequence}: `{column}` must have {expected} values, one a token, found {found}")]
    Length {
        /// Which sequence, from 0.
        sequence: usize,
        /// Which column.
        column: &'static str,
        /// Number of tokens.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// A column of tokens does not have one value for each token of all sequences.
    #[error("`{column}` must have {expected} values, one for each token of all sequences, found {found}")]
    Tokens {
        /// Which column.
        column: &'static str,
        /// Sum of the lengths.
        expected: u64,
        /// Number of values.
        found: usize,
    },
    /// A sequence is longer than the rows of a padded column.
    #[error("sequence {sequence} has {expected} tokens, but a row of `{column}` has {found}")]
    Width {
        /// Which sequence, from 0.
        sequence: usize,
        /// Which column.
        column: &'static str,
        /// Number of tokens.
        expected: u64,
        /// Number of values of a row.
        found: usize,
    },
    /// Some sequences have base log-probabilities and some have not.
    #[error("sequence {sequence} has no `base_log_probs`, but others have")]
    MixedBase {
        /// Which sequence, from 0.
        sequence: usize,
    },
    /// Some sequences say which answers they equal and some do not.
    #[error("sequence {sequence} has no `outcome`, but others have")]
    MixedOutcome {
        /// Which sequence, from 0.
        sequence: usize,
    },
    /// A reward is neither 0 nor 1.
    #[error("sequence {sequence}: `reward` must be 0 or 1, found {found}")]
    Reward {
        /// Which sequence, from 0.
        sequence: usize,
        /// What it is.
        found: f64,
    },
}
