//! The host's side of the boundary: where components come from, and typed handles on them.
//!
//! A [`Registry`] holds the [`Component`]s of all plugins, each with a maker: it may be an entry of a plugin file
//! ([`open`]) or anything else that makes an object of the binary interface, which nobody behind it can tell. A handle
//! checks every answer of its component.

mod c_verifier;
mod component;
mod discover;
mod handles;
mod identity;
mod memo;
mod noise;
mod open;
mod registry;
mod soundness;
mod trust;
mod watch;

pub use c_verifier::TableFault;
pub use component::{Component, Handle, Plugin, TaskText};
pub use discover::{PATH_VARIABLE, find};
pub use handles::{
    BaseModelHandle, IncrementalHandle, Judged, ModelHandle, ObjectiveHandle, PolicyHandle, Shape,
    VerifierHandle,
};
pub use memo::Memo;
pub use noise::Noise;
pub use open::{OpenError, open};
pub use registry::{AVOIDABLE, Listing, LoadFailure, LoadedPlugin, Registry, UnknownComponent};
pub use watch::{Called, Watcher, watch};
