//! Plugins: where their files are, whether they are sound, and what they offer.

mod discover;
mod registry;
mod soundness;

pub use discover::{PATH_VARIABLE, find};
pub use registry::{LoadFailure, LoadedPlugin, Registry, UnknownComponent};
