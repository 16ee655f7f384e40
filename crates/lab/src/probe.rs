//! Asking a single component, outside of any run.

mod objective;

pub use objective::{BatchFault, ObjectiveInput, ObjectiveOutput, SequenceInput};
