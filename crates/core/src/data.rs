//! What host and plugins exchange: the task, and batches of sequences in flat buffers.

mod alphabet;
mod context;
mod ending;
mod ragged;
mod sequences;
mod task;

pub use alphabet::{Alphabet, AlphabetError, EncodeError};
pub use context::ContextError;
pub use ending::Ending;
pub use ragged::{Ragged, RaggedBuffer};
pub use sequences::{SequenceBatch, SequenceBuffer};
pub use task::Task;
