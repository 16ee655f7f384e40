//! A run on one machine or on many: what is kept of it, who works on what, and who is told.

mod blocks;
mod claims;
mod conduct;
mod directory;
mod files;
pub mod isolate;
mod known;
mod machine;
mod merge;
pub mod observers;
mod part;
mod phases;
mod prompts;
mod shown;
mod status;
mod store;
mod summary;
mod tidy;
mod train;
mod work;

pub use claims::Owner;
pub use conduct::{CHECKPOINT_SECONDS, Conducted, Part, RunError, RunOptions, conduct};
pub use directory::{DirectoryError, RunDirectory};
pub use files::{Unwritable, write_whole};
pub use merge::merge;
pub use shown::Shown;
pub use status::{FailedArm, Status, Worker, status};
pub use work::{WorkOptions, Worked, retry_failed, work};
