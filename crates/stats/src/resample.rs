//! Which values a bootstrap resample holds.

use crate::StatsError;
use pstar_core::rng::{Purpose, StreamKey};

/// Number of resamples of every bootstrap.
pub(crate) const RESAMPLES: u32 = 4000;

/// The draws of the `sample`-th of several independent samples: a function of the sizes alone, so that figures of the same
/// runs see the same resamples. At `step` 0 and 1 of the layout; [`sign_flip`](crate::sign_flip_test) has step 2.
#[derive(Clone, Copy)]
pub(crate) struct Draws(StreamKey);

impl Draws {
    pub(crate) fn of(sample: u32) -> Self {
        Self(StreamKey::new(0, Purpose::Bootstrap, sample))
    }

    /// Writes which of `chosen.len()` values are in a resample of a stratum.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a uniform number times a length is an index"
    )]
    pub(crate) fn write(self, stratum: u32, resample: u32, chosen: &mut [u32]) {
        let (n, mut uniforms) = (chosen.len() as f64, self.0.row(stratum, resample));
        for (i, chosen) in chosen.iter_mut().enumerate() {
            *chosen = (uniforms.at(i) * n) as u32;
        }
    }
}

/// Refuses more values, or strata, than the layout of random numbers has room for.
pub(crate) fn check_room(values: usize, strata: usize) -> Result<(), StatsError> {
    for (found, limit) in [(values, StreamKey::MAX_POSITIONS), (strata, StreamKey::MAX_PROMPTS as usize)] {
        if found > limit {
            return Err(StatsError::TooMany { limit, found });
        }
    }
    Ok(())
}
