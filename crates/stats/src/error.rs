//! Why there is no statistic.

/// Why there is no statistic of what was given.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsError {
    /// There is nothing to take a statistic of.
    #[error("expected at least one value, found none")]
    Empty,
    /// A value that must be finite is not.
    #[error("value {index} must be finite, found `{value}`")]
    NotFinite {
        /// Which, from 0.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// A value may be infinite, but not this.
    #[error("value {index} must be a number, found `NaN`")]
    NotANumber {
        /// Which, from 0.
        index: usize,
    },
    /// Scores hold infinities of both signs, of which there is no mean.
    #[error("infinite values must have one sign, found `inf` at {positive} and `-inf` at {negative}")]
    OppositeInfinities {
        /// The first that is ∞.
        positive: usize,
        /// The first that is −∞.
        negative: usize,
    },
    /// A p-value is no probability.
    #[error("p-value {index} must be between `0` and `1`, found `{value}`")]
    NotAProbability {
        /// Which, from 0.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// A level of significance that none can have.
    #[error("the level must be above `0` and at most `1`, found `{found}`")]
    Level {
        /// What it is.
        found: f64,
    },
    /// Two lists that belong together have different lengths.
    #[error("expected {expected} values, found {found}")]
    Length {
        /// The length of the first, or what the shape asks for.
        expected: usize,
        /// That of the other.
        found: usize,
    },
    /// What is to be 0 and what is to be 1 after normalisation are one.
    #[error("the references of task {task} must differ, found `{value}` for both")]
    NoRange {
        /// Which task, from 0.
        task: usize,
        /// Both references.
        value: f64,
    },
    /// More than random numbers are laid out for.
    #[error("expected at most {limit} values to draw from, found {found}")]
    TooMany {
        /// The greatest number.
        limit: usize,
        /// How many there are.
        found: usize,
    },
}

/// Refuses no values at all, and values that are infinite or NaN.
pub(crate) fn check_finite(values: &[f64]) -> Result<(), StatsError> {
    if values.is_empty() {
        return Err(StatsError::Empty);
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(StatsError::NotFinite { index, value: values[index] }),
        None => Ok(()),
    }
}

/// Refuses lists of different lengths.
pub(crate) fn check_length(expected: usize, found: usize) -> Result<(), StatsError> {
    if expected == found { Ok(()) } else { Err(StatsError::Length { expected, found }) }
}
