//! Plugins: where their files are, whether they are sound, and what they offer.

mod discover;
mod identity;
mod registry;
mod soundness;

pub use discover::{PATH_VARIABLE, find};
pub use registry::{Listing, LoadFailure, LoadedPlugin, Registry, UnknownComponent};
