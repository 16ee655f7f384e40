//! Random numbers as a function of what they are for.
//!
//! There is no generator state: a uniform number is computed from the seed and from what it is drawn for, so
//! that thread count, order of work and resuming change no bit, and all arms of a comparison see the same
//! numbers. The generator is Philox4x32-10 (Salmon et al. 2011, *Parallel Random Numbers: As Easy as 1, 2,
//! 3*), whose 64-bit key is the seed and whose 128-bit counter is laid out as follows, lowest bit first:
//!
//! | word | bits | content |
//! |---|---|---|
//! | 0 | 0–15 | `position / 2` |
//! | 0 | 16–23 | epoch |
//! | 0 | 24–31 | resample |
//! | 1 | 0–31 | sample |
//! | 2 | 0–23 | prompt |
//! | 2 | 24–31 | [`Purpose`] |
//! | 3 | 0–31 | step |
//!
//! One block of four words gives the uniforms of an even position (words 0 and 1) and of the odd one behind
//! it (words 2 and 3): `((high << 32 | low) >> 11) / 2^53`, low word first. The layout is part of the
//! interface: a plugin that samples must keep to it.

mod inverse_cdf;
mod philox;
mod stream;

pub use inverse_cdf::{cumulative, pick};
pub use philox::philox4x32_10;
pub use stream::{Purpose, StreamKey, UniformRow};
