//! Exact quantities of finite output spaces: what a distribution over outputs is worth against its targets.
//!
//! The notation throughout: `a` is the base model, Y1 the valid outputs, A1 = a(Y1), A0 the rest of a's mass,
//! p* = a·v / A1 the filtered model, p_\[β\] ∝ a·e^{v/β} the tilted distribution with validity rate μ, p_α ∝ a^α·v the
//! power-filtered target, and q any other distribution, usually a policy. All logarithms are natural, all information is in nats.
//!
//! The way through: a finite-state model is explored once into a [`LayeredAutomaton`]; [`enumerate`] turns it
//! into an [`OutputTable`], one entry an output in the canonical order of an [`OutputSpace`]; a [`ValidSet`]
//! marks the valid ones. [`Split`], [`FilteredModel`], [`TiltedModel`] and [`PowerModel`] are the targets; [`Summary`] and
//! [`Divergences`] the measures; [`CurveMeasures`] the cheap part of them.
//!
//! ```
//! use pstar_exact::{FilteredModel, OutputTable, Split, TiltedModel, ValidSet};
//!
//! // Three outputs of probability ½, ¼ and ¼; the verifier accepts the last two.
//! let base = OutputTable::from_log_probs([0.5f64, 0.25, 0.25].map(f64::ln).to_vec());
//! let valid = ValidSet::new(vec![false, true, true]);
//! let split = Split::of(base.view(), &valid);
//! let filtered = FilteredModel::new(base.view(), &valid, &split).expect("the base reaches valid outputs");
//! assert!((filtered.kl_to_base() - 2f64.ln()).abs() < 1e-15);
//! // At β = 1 the validity rate is e / (e + 1).
//! let tilted = TiltedModel::new(1.0, &split);
//! assert!((tilted.one_minus_mu - 1.0 / (1f64.exp() + 1.0)).abs() < 1e-15);
//! ```
//!
//! Three rules hold everywhere. A quantity is infinite when the *supports* say so (a log-probability of −∞),
//! never because a number underflowed. Nothing is NaN: what does not exist is `None`. Functions are the
//! portable ones of `pstar_core::math` and sums have a fixed order, so that the bits do not depend on the
//! processor.

mod automata;
pub mod dynamic;
mod enumeration;
mod measures;
mod optimum;
mod sum;
mod targets;

#[cfg(test)]
mod testing;

pub use automata::acceptor::{Acceptor, ExplicitAutomaton, ResponseAutomaton};
pub use automata::automaton::{FiniteState, LayeredAutomaton};
pub use automata::explore::{ExploreError, Explored};
pub use automata::product::{Product, PromptedModel, Role};
pub use dynamic::flow::{FlowLimit, reward_flow};
pub use dynamic::forward::WeightedProduct;
pub use dynamic::gradient::{PopulationError, population_gradient};
pub use dynamic::occupancy::{PolicyRows, PromptProblem, rows_in_use};
pub use dynamic::rows::ModelRows;
pub use enumeration::distribution::Distribution;
pub use enumeration::enumerate::{OutputTable, enumerate};
pub use enumeration::likeliest::{Likely, likeliest};
pub use enumeration::numbering::Numbering;
pub use enumeration::space::OutputSpace;
pub use enumeration::tree::OutputTree;
pub use enumeration::valid_set::ValidSet;
pub use measures::coverage::at_least_once;
pub use measures::curve::CurveMeasures;
pub use measures::divergence::{Divergences, Orders, Targets};
pub use measures::entropy::entropy;
pub use measures::length::expected_length;
pub use measures::reach::{CoverageCurve, first_fall};
pub use measures::spread::Spread;
pub use measures::summary::Summary;
pub use measures::support::Support;
pub use optimum::{Optimum, Search, filtered_projection, optima};
pub use sum::Accumulator;
pub use targets::filtered::FilteredModel;
pub use targets::power::{PowerFigures, PowerModel};
pub use targets::split::{OutputClass, Split};
pub use targets::tilted::TiltedModel;
