//! The blocks that objectives over groups of samples are made of: how they are written in a configuration, what a sequence
//! is worth, how tokens add up to a loss, and what distances cost.
//!
//! A family of objectives picks those that it has with [`blocks!`], and its named objectives are presets of them. Names and
//! values are the same in every family.

mod advantage;
mod aggregate;
mod block;
mod estimator;
mod given;
mod penalty;
mod ratio;
mod rows;
mod sum;
mod value;

pub use advantage::{
    Advantage, Advantages, Baseline, Lone, Multiplier, Over, PassForm, Per, PromptWeight, RankPenalty,
    RateReference, RewardKl, Scale, Scales, Sharing, Signal, TupleBaseline, Whiten, Window,
};
pub use aggregate::{Aggregate, Divisor};
pub use block::{Block, Blocks, written};
#[doc(hidden)]
pub use block::{count_of, joined};
pub use estimator::Estimator;
pub use given::{Given, Preset, fields_of};
pub use penalty::{LogProbs, Penalties, Penalty, PenaltyScratch, Reference, Weighted};
pub use ratio::Ratio;
pub use rows::{Counts, Rows, Run};
pub use sum::sum;
pub use value::{Argument, Arguments, Value, unknown, word};
