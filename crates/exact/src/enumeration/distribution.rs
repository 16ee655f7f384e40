//! A distribution over the outputs of a space, as two slices.

/// A distribution over enumerated outputs: one entry an output, in canonical order.
///
/// The log-probabilities decide supports: −∞ says that an output is impossible, a probability of 0 may be an
/// underflow. The total mass is 1 up to rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution<'a> {
    /// Log-probability of every output.
    pub log_probs: &'a [f64],
    /// Probability of every output; as long as `log_probs`.
    pub probs: &'a [f64],
}

impl Distribution<'_> {
    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.probs.len()
    }

    /// Whether there are no outputs at all.
    pub fn is_empty(&self) -> bool {
        self.probs.is_empty()
    }
}
