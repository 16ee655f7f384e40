//! Asking a single component, outside of any run.

mod batch;
mod json;
mod lines;
mod model;
mod objective;
mod task;
mod verifier;

pub use batch::{BatchFault, BatchQuestion};
pub use json::Number;
pub use lines::{LineProbe, ProbeError, ask_lines};
pub use model::ModelProbe;
pub use objective::{ObjectiveInput, ObjectiveOutput, SequenceInput};
pub use task::{NamedComponent, ProbeTask};
pub use verifier::VerifierProbe;
