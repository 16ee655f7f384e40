//! Who works on which arm: one arm, one owner, among processes of one machine or of several that share a file system.
//!
//! Claims are generations: the files `claim.1`, `claim.2`, … in an arm's folder, of which the last one counts. A
//! generation is made by linking a finished file to its name, which one process alone can do; taking over an arm whose
//! owner is dead is making the next generation. While the arm has no result no generation is ever removed, so that
//! nobody removes the claim of another by mistake. Nothing here trusts file locks, or the clocks of machines.

mod claim;
mod heartbeat;
mod owner;

pub(crate) use claim::{Claim, Claims, Taken, claimed, is_claim};
pub(crate) use heartbeat::{Heartbeat, WORKERS, living, sign_of, silence};
pub use owner::Owner;
pub(crate) use owner::SUPERVISOR_VARIABLE;
