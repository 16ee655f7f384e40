//! What plugin authors implement: safe traits, one a kind of component.

mod base_model;
mod finite_state;
mod incremental;
mod policy;
mod quick_hash;
mod sequence_model;
mod verdict;
mod verifier;

pub use base_model::BaseModel;
pub use finite_state::FiniteStateView;
pub use incremental::{Incremental, Recognizer};
pub use policy::{FitBatch, GradientBatch, Policy};
pub use sequence_model::{SampleRequest, SampleRoom, Samples, SequenceModel, ShapedParameters, Tensor};
pub use verdict::{Judge, Verdict};
pub use verifier::{Answer, MAX_ANSWER, Verifier};
