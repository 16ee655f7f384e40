//! Who chooses the tokens of a chunk of sequences, and notes what the network makes of them.

use crate::block::{Matrix, TILE};
use crate::simd::{InstructionSet, Job, Simd};
use crate::softmax::Softmax;

/// For each row of a tile the sequence that stands there and the position that it is to choose for; `None` where no
/// sequence has to choose.
pub type Turns = [Option<(usize, usize)>; TILE];

/// Where the chosen tokens of a chunk come from, and where their log-probabilities go.
pub trait Choose {
    /// The tokens of a sequence, where they are known before; `None` where they are drawn.
    fn given(&self, sequence: usize) -> Option<&[u32]>;

    /// For each of `turns` the token, and whether it is the last one of its sequence. The logits of the tile begin at
    /// `row`.
    fn choose(
        &mut self,
        turns: &Turns,
        logits: &Matrix,
        row: usize,
        softmax: &mut Softmax,
    ) -> [(u32, bool); TILE];
}

/// Lets the sequences that stand at rows of logits choose: for each row, from row `at` on, the sequence and the position
/// that it chooses for. Calls `put` with each of them, its token, and whether that is its last one.
pub fn emit(
    set: InstructionSet,
    turns: &[Option<(usize, usize)>],
    (logits, at): (&Matrix, usize),
    softmax: &mut Softmax,
    choose: &mut impl Choose,
    put: impl FnMut(usize, u32, bool),
) {
    set.run(Emit { turns, logits, at, softmax, choose, put });
}

struct Emit<'a, C, P> {
    turns: &'a [Option<(usize, usize)>],
    logits: &'a Matrix,
    at: usize,
    softmax: &'a mut Softmax,
    choose: &'a mut C,
    put: P,
}

impl<C: Choose, P: FnMut(usize, u32, bool)> Job for Emit<'_, C, P> {
    #[allow(clippy::inline_always, reason = "part of a kernel")]
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, _: S) {
        for (tile, those) in self.turns.chunks(TILE).enumerate() {
            let mut turns = [None; TILE];
            turns[..those.len()].copy_from_slice(those);
            if turns == [None; TILE] {
                continue;
            }
            let chosen = self.choose.choose(&turns, self.logits, self.at + tile * TILE, self.softmax);
            for (turn, (token, last)) in turns.into_iter().zip(chosen) {
                if let Some((sequence, _)) = turn {
                    (self.put)(sequence, token, last);
                }
            }
        }
    }
}
