//! Conformance of plugins: the checks of [`pstar_core::testing`] through the real binary interface, and what only a host can
//! check besides: which interface a plugin has, how long a call takes, and what a verifier lets through.
//!
//! [`conformance()`] checks one [`Target`], a component with a configuration on a task; [`answers`] are what two processes are
//! compared by; [`audit()`] tells what a verifier accepts under a base, what becomes of its verdicts where responses are
//! changed, and how it differs from a reference.

mod audit;
mod conformance;
mod interface;
mod speed;
mod target;

pub use audit::{Audited, MakeVerifier, audit};
pub use conformance::{answers, conformance};
pub use target::{KINDS, Target, default_task};
