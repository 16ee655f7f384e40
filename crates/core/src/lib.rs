//! The interface between the pstar host and its plugins.
//!
//! Authors need the traits at the root ([`Verifier`], [`Objective`], [`BaseModel`], [`Policy`]), what their methods
//! exchange ([`author`], [`objective`], [`data`]), [`rng`] and [`math`], [`testing`] for unit tests, and [`export_plugin!`]. [`abi`] is
//! what crosses the boundary, [`wire`] how batches are laid out there: both are the business of this crate and of the
//! host's loader alone.
//!
//! The rest of this page is the guide for authors.
//!
#![doc = include_str!("../README.md")]

pub mod abi;
mod adapter;
pub mod author;
pub mod config;
pub mod corpus;
pub mod data;
mod error;
pub mod export;
mod field;
pub mod files;
pub mod math;
pub mod objective;
mod offers;
pub mod rng;
mod shown;
pub mod testing;
pub mod wire;

pub use author::{BaseModel, Incremental, Policy, Recognizer, SequenceModel, Verifier};
pub use data::Task;
pub use error::{ErrorKind, PluginError};
pub use field::Field;
pub use objective::Objective;
/// The version of the interface.
pub const INTERFACE_VERSION: &str = env!("CARGO_PKG_VERSION");

pub use shown::{escaped, is_obeyed, shown};
