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
mod mixture;
pub(crate) mod occupancy;
mod power;
pub(crate) mod rows;
mod sampler;
pub(crate) mod weight;
mod wide;

pub use classes::{log_masses, split};
pub use counts::{ln, outputs, valid_outputs, valid_support};
pub use coverage::coverage_at_k;
pub use divergences::divergences;
pub use power::PowerChain;
pub use sampler::FilteredSampler;

#[cfg(test)]
mod tests;
