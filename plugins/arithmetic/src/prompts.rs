//! Numbers for prompts of the verifiers' own making.

use pstar_core::rng::StreamKey;

/// A number in 0..=largest: the `place`-th of prompt `index`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product is at least 0 and below largest + 1"
)]
pub(crate) fn number_below(largest: u64, key: StreamKey, index: usize, place: usize) -> u64 {
    let u = key.uniform(0, u32::try_from(index).unwrap_or(u32::MAX), place);
    (u * (largest as f64 + 1.0)) as u64
}
