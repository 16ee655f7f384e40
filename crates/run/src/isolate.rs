//! Runs whose arms are trained in processes of their own, so that a component that ends its process costs one arm.

mod black_box;
mod child;
mod crash;
mod death;
mod supervise;
mod watched;

pub(crate) use black_box::BlackBox;
pub use child::{Avoided, Child, Stage, child};
pub use crash::{Going, go_on_isolated_after_a_crash, tell_what_ends_this_process};
pub use death::Death;
pub use supervise::{Isolated, Isolation, supervise};

use std::sync::OnceLock;

/// The box of this process, if it keeps one.
static OWN: OnceLock<&'static BlackBox> = OnceLock::new();

/// Notes something in the box of this process.
pub(crate) fn note(what: impl FnOnce(&BlackBox)) {
    if let Some(own) = OWN.get() {
        what(own);
    }
}

/// Keeps a box from now on, for the whole process, in which every call of a component is noted.
fn keep(own: BlackBox) -> &'static BlackBox {
    let own = OWN.get_or_init(|| Box::leak(Box::new(own)));
    pstar_loader::watch(Box::new(*own));
    own
}
