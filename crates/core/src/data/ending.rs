//! How an output ends.

use serde::{Deserialize, Serialize};

/// How an output ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Outputs are all strings of exactly `horizon` symbols; there is no end symbol.
    FixedLength,
    /// Outputs are all strings of 0 to `horizon` symbols. A shorter one carries the probability of the end
    /// symbol `$`; one of `horizon` symbols is truncated and carries none, so that the total mass is 1.
    EndSymbol,
}
