//! The interface between the pstar host and its plugins.
//!
//! Authors need the traits at the root ([`Verifier`], [`Objective`], [`BaseModel`], [`Policy`]), what their methods
//! exchange ([`author`], [`objective`], [`data`]), [`rng`] and [`math`], and [`export_plugin!`]. The host uses
//! [`host`]. [`abi`] is what crosses the boundary between them; nothing outside this crate touches it.
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
pub mod host;
pub mod math;
pub mod objective;
pub mod rng;
mod shown;
mod wire;

pub use author::{BaseModel, Incremental, Policy, Recognizer, SequenceModel, Verifier};
pub use data::Task;
pub use error::{ErrorKind, PluginError};
pub use field::Field;
pub use objective::Objective;
pub use shown::{escaped, is_obeyed, shown};
