//! What the base model and the verifier determine: the split of the mass, p*, its powers and the tilted distributions.

pub(crate) mod filtered;
pub(crate) mod power;
pub(crate) mod split;
pub(crate) mod tilted;
