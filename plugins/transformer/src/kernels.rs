//! The loops of a transformer, beside those of [`pstar_neural::kernels`].

mod activate;
mod attend;
mod backward_attend;
mod dots;
mod each;
mod mix;
mod normalise;
mod rotate;
mod soften;

pub(crate) use activate::{Activate, BackwardActivate};
pub(crate) use attend::{Ask, Attend, Scratch, TOGETHER};
pub(crate) use backward_attend::{BackwardAttend, BackwardScratch, Group};
pub(crate) use normalise::{BackwardNormalise, Normalise};
pub(crate) use rotate::{Rotate, angles};
