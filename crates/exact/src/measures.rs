//! What a distribution over enumerated outputs is worth.

pub(crate) mod coverage;
pub(crate) mod curve;
pub(crate) mod divergence;
pub(crate) mod entropy;
pub(crate) mod length;
pub(crate) mod reach;
pub(crate) mod spread;
pub(crate) mod summary;
pub(crate) mod support;
