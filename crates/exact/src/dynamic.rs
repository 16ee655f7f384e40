//! The measures by dynamic programming over a product, for spaces that nobody can enumerate.
//!
//! Everything that decomposes into sums over outputs of products of powers, and of those times logarithms, comes out
//! as by enumeration. Total variation and Jensen–Shannon divergence do not decompose: they are absent.
//!
//! Checked against enumeration on random tasks, and against closed forms on large ones.

mod choices;
mod classes;
mod completions;
mod counts;
mod coverage;
mod divergences;
pub(crate) mod flow;
pub(crate) mod forward;
pub(crate) mod gradient;
mod length;
mod likeliest;
mod mixture;
pub(crate) mod occupancy;
mod power;
pub(crate) mod rows;
mod sampler;
mod support;
pub(crate) mod weight;
mod wide;

pub use classes::{log_masses, split};
pub use counts::{ln, outputs, valid_outputs, valid_support};
pub use coverage::{coverage_at_k, coverage_curve};
pub use divergences::divergences;
pub use length::expected_length;
pub use likeliest::likeliest;
pub use power::PowerChain;
pub use sampler::FilteredSampler;
pub use support::support_at_k;

#[cfg(test)]
mod tests;
