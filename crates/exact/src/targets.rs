//! What the base model and the verifier determine: the split of the mass, p* and the tilted distributions.

pub(crate) mod filtered;
pub(crate) mod split;
pub(crate) mod tilted;
