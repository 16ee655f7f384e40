//! What is known of a chunk of sequences that were run through a network together.

use crate::network::{Gru, Inputs};
use crate::shape::GruShape;
use pstar_neural::block::{Block, Matrix, TILE, blocks};
use pstar_neural::softmax::Softmax;

/// Greatest number of sequences in a chunk. Chunks are worked off one after another and their sums added in that
/// order.
pub(crate) const CHUNK: usize = 128;

/// One step of a chunk: a token read by every sequence that has not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// First row of the step among what is kept and among the logits.
    pub(crate) slot: usize,
    /// Number of rows, a multiple of [`TILE`].
    pub(crate) rows: usize,
    /// First row of the states before it.
    pub(crate) from: usize,
    /// First row of the states after it.
    pub(crate) to: usize,
    /// Where the rows stood in the step before, if they moved: those that had ended made room.
    pub(crate) moved: Option<Vec<u32>>,
    /// Whether a sequence chose a token behind it, so that there are logits.
    pub(crate) emits: bool,
}

/// The memory of a chunk: states and gates of every step where they are kept for the way back, else of one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) keep: bool,
    pub(crate) steps: Vec<Step>,
    /// For each slot its sequence in the chunk; [`NOBODY`] for padding.
    pub(crate) sequence: Vec<u32>,
    /// For each slot the token that is read.
    pub(crate) token: Vec<u32>,
    /// One matrix a layer.
    pub(crate) hidden: Vec<Matrix>,
    /// n, r, z and W_hn h + b_hn: one matrix a layer.
    pub(crate) kept: Vec<Matrix>,
    /// Logits; on the way back the gradient at them.
    pub(crate) logits: Matrix,
    pub(crate) inputs: Inputs,
    pub(crate) softmax: Softmax,
    /// For each sequence of the chunk the number of tokens that it reads before it chooses one.
    pub(crate) lead: Vec<usize>,
}

/// The sequence of a padding row.
pub(crate) const NOBODY: u32 = u32::MAX;

impl Workspace {
    /// Makes room for `sequences` sequences that take at most `steps` steps.
    pub(crate) fn prepare(&mut self, network: &Gru, sequences: usize, steps: usize, keep: bool) {
        let shape = &network.shape;
        let (slots, states) = if keep { capacity(sequences, steps) } else { (CHUNK, 2 * CHUNK) };
        self.keep = keep;
        self.steps.clear();
        self.sequence.clear();
        self.token.clear();
        self.lead.clear();
        self.hidden.resize_with(shape.layers, Matrix::default);
        self.kept.resize_with(shape.layers, Matrix::default);
        for (hidden, kept) in self.hidden.iter_mut().zip(&mut self.kept) {
            hidden.reshape(shape.units(), states);
            for unit in 0..shape.units() {
                hidden.rows_mut(unit, 0, sequences.next_multiple_of(TILE)).fill(Block::ZERO);
            }
            if keep {
                kept.reshape(4 * shape.units(), slots);
            }
        }
        self.logits.reshape(blocks(shape.choices), slots);
        self.softmax = Softmax::new(shape.choices);
    }

    /// Number of slots in use.
    pub(crate) fn slots(&self) -> usize {
        self.steps.last().map_or(0, |step| step.slot + step.rows)
    }
}

/// Rows that a kept chunk needs for slots and for states.
///
/// States need one more step, and room for those that move: at most once for every tile that falls empty.
fn capacity(sequences: usize, steps: usize) -> (usize, usize) {
    let tiles = sequences.div_ceil(TILE);
    let slots = steps * tiles * TILE;
    (slots, slots + tiles * TILE + TILE * tiles * tiles.saturating_sub(1) / 2)
}

/// Bytes that keeping a chunk takes.
pub(crate) fn bytes(shape: &GruShape, sequences: usize, steps: usize) -> usize {
    let (slots, states) = capacity(sequences, steps);
    let per_layer = shape.units().saturating_mul(states.saturating_add(4 * slots));
    let all = shape.layers.saturating_mul(per_layer).saturating_add(blocks(shape.choices) * slots);
    all.saturating_mul(size_of::<Block>())
}
