//! Turning queries and keys by their places.
#![allow(clippy::inline_always, reason = "part of a kernel")]

use crate::network::Heads;
use pstar_neural::block::{Matrix, WIDTH};
use pstar_neural::simd::{Job, Simd};

/// Turns the numbers j and j + half of every head of queries and keys by an angle of the row's place.
#[derive(Debug)]
pub(crate) struct Rotate<'a> {
    pub(crate) heads: Heads,
    /// Queries, keys and values.
    pub(crate) x: &'a mut Matrix,
    /// First row.
    pub(crate) at: usize,
    /// For each row its place.
    pub(crate) places: &'a [u32],
    /// For each place the cosines of half a head, and behind them the sines.
    pub(crate) angles: &'a [f32],
    /// Whether to turn back.
    pub(crate) back: bool,
}

impl Job for Rotate<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, _: S) {
        let Self { heads, x, at, places, angles, back } = self;
        let (half, stride) = (heads.size / 2, x.rows);
        for head in 0..heads.queries + heads.keys {
            for (row, &place) in places.iter().enumerate() {
                let (cosines, sines) = angles[place as usize * 2 * half..][..2 * half].split_at(half);
                for (j, (&cosine, &sine)) in cosines.iter().zip(sines).enumerate() {
                    let sine = if back { -sine } else { sine };
                    let place = |j: usize| ((head * heads.blocks + j / WIDTH) * stride + at + row, j % WIDTH);
                    let ((a, i), (b, k)) = (place(j), place(j + half));
                    let (first, second) = (x.data[a].0[i], x.data[b].0[k]);
                    x.data[a].0[i] = first * cosine - second * sine;
                    x.data[b].0[k] = second * cosine + first * sine;
                }
            }
        }
    }
}

/// The angles of all places below a number: see [`Rotate::angles`].
///
/// Place t turns numbers j and j + half by t θ^(−j / half).
#[allow(clippy::cast_possible_truncation, reason = "rounded once")]
pub(crate) fn angles(theta: f64, size: usize, places: std::ops::Range<usize>, out: &mut Vec<f32>) {
    let half = size / 2;
    for place in places {
        let angle = |j: usize| place as f64 * pstar_core::math::pow(theta, -(j as f64) / half as f64);
        out.extend((0..half).map(|j| libm::cos(angle(j)) as f32));
        out.extend((0..half).map(|j| libm::sin(angle(j)) as f32));
    }
}
