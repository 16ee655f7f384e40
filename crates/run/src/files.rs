//! Files that are whole or absent, whenever the program or the machine ends.

mod folder;
mod remove;
mod sweep;
mod whole;

pub(crate) use folder::make_folder;
pub(crate) use remove::remove;
pub(crate) use sweep::{owner_of, sweep};
pub use whole::{Unwritable, write_whole};
pub(crate) use whole::{Writer, sync_folder};
