//! The interface between the pstar host and its plugins.

pub mod abi;
mod adapter;
pub mod author;
pub mod config;
pub mod corpus;
pub mod data;
mod error;
pub mod export;
mod field;
pub mod host;
pub mod math;
pub mod objective;
pub mod rng;
mod wire;

pub use author::{BaseModel, Policy, SequenceModel, Verifier};
pub use data::Task;
pub use error::{ErrorKind, PluginError};
pub use field::Field;
pub use objective::Objective;
