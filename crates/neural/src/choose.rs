//! Who chooses the tokens of a chunk of sequences, and notes what the network makes of them.

use crate::block::{Matrix, TILE};
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
