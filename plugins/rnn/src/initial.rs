//! Initial parameters.

use crate::shape::Shape;
use pstar_core::rng::StreamKey;

/// Parameters uniform in ±1/√hidden, as PyTorch draws them for a GRU; here the embedding too.
pub(crate) fn random(shape: &Shape, key: StreamKey) -> Vec<f64> {
    let bound = 1.0 / (shape.hidden as f64).sqrt();
    (0..).take(shape.parameter_count()).map(|i| bound * (2.0 * key.uniform(0, i, 0) - 1.0)).collect()
}
