//! What draws of random numbers are named by.

use crate::rng::StreamKey;
use abi_stable::StableAbi;

/// A [`StreamKey`] as it crosses: its counter layout is full, so it does not grow.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct BoundaryKey {
    seed: u64,
    step: u32,
    purpose: u8,
    epoch: u8,
    resample: u8,
}

impl From<StreamKey> for BoundaryKey {
    fn from(key: StreamKey) -> Self {
        let StreamKey { seed, purpose, step, epoch, resample } = key;
        Self { seed, step, purpose, epoch, resample }
    }
}

impl From<BoundaryKey> for StreamKey {
    fn from(key: BoundaryKey) -> Self {
        let BoundaryKey { seed, step, purpose, epoch, resample } = key;
        Self { seed, purpose, step, epoch, resample }
    }
}
