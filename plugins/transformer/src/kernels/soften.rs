//! From products of queries and keys to weights.
#![allow(clippy::inline_always, reason = "part of a kernel")]
#![allow(clippy::needless_range_loop, reason = "parts of a block are indexed")]

use super::attend::{Ask, Seen};
use pstar_neural::activation::exp;
use pstar_neural::block::{Block, WIDTH};
use pstar_neural::kernels::{PARTS, fold};
use pstar_neural::simd::Simd;

/// What is added to and multiplied with the numbers of a block of which so many are seen.
struct Masks([(Block, Block); WIDTH + 1]);

static MASKS: Masks = Masks(masks());

const fn masks() -> [(Block, Block); WIDTH + 1] {
    let mut masks = [(Block([f32::NEG_INFINITY; WIDTH]), Block::ZERO); WIDTH + 1];
    let mut seen = 0;
    while seen <= WIDTH {
        let mut i = 0;
        while i < seen {
            (masks[seen].0.0[i], masks[seen].1.0[i]) = (0.0, 1.0);
            i += 1;
        }
        seen += 1;
    }
    masks
}

/// The softmax of each ask over what it sees; exactly 0 elsewhere.
#[inline(always)]
pub(super) fn soften<S: Simd, const N: usize>(simd: S, asks: &[Ask; N], seen: &Seen, weights: &mut [Block]) {
    let total = seen.total();
    for (ask, weights) in asks.iter().zip(weights.chunks_exact_mut(total)) {
        let mask = |block: usize| {
            let (source, block) =
                if block < seen.blocks(0) { (0, block) } else { (1, block - seen.blocks(0)) };
            &MASKS.0[ask.counts[source].saturating_sub(block * WIDTH).min(WIDTH)]
        };
        let mut greatest = [simd.splat(f32::NEG_INFINITY); PARTS];
        for (block, weights) in weights.iter_mut().enumerate() {
            let mask = mask(block);
            for part in 0..WIDTH / S::LANES {
                let x = simd.add(simd.load(weights, part), simd.load(&mask.0, part));
                greatest[part] = simd.max(x, greatest[part]);
                simd.store(x, weights, part);
            }
        }
        let greatest = fold(simd, greatest, |a, b| simd.max(a, b));
        let mut sums = [simd.splat(0.0); PARTS];
        for (block, weights) in weights.iter_mut().enumerate() {
            let mask = mask(block);
            for part in 0..WIDTH / S::LANES {
                // NaN stays.
                let x = simd.max(simd.splat(-87.0), simd.sub(simd.load(weights, part), greatest));
                let e = simd.mul(exp(simd, x), simd.load(&mask.1, part));
                sums[part] = simd.add(sums[part], e);
                simd.store(e, weights, part);
            }
        }
        let factor = simd.div(simd.splat(1.0), fold(simd, sums, |a, b| simd.add(a, b)));
        for weights in weights {
            for part in 0..WIDTH / S::LANES {
                simd.store(simd.mul(simd.load(weights, part), factor), weights, part);
            }
        }
    }
}
