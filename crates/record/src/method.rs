//! How figures were had.

use serde::{Deserialize, Serialize};

/// How figures were had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exactly, by enumerating all outputs.
    Enumeration,
    /// Exactly, by dynamic programming over the states of base, policy and verifier.
    DynamicProgramming,
    /// Estimated from samples.
    Sampling,
}
