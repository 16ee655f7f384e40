//! How matrices lie in memory: features in blocks of 16, so that every kernel reads them one after another.

/// Features in a block.
pub const WIDTH: usize = 16;

/// Rows come in multiples of this many; those without a sequence are padding.
pub const TILE: usize = 8;

/// 16 adjacent features of one row, on a cache line of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Block(pub [f32; WIDTH]);

impl Block {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; WIDTH]);
}

/// Number of blocks that hold `features`.
pub const fn blocks(features: usize) -> usize {
    features.div_ceil(WIDTH)
}

/// A matrix of rows × features.
///
/// # Shapes
/// `data`: blocks × rows.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Number of rows that there is room for.
    pub rows: usize,
    /// One block of features after another, each with all rows.
    pub data: Vec<Block>,
}

impl Matrix {
    /// A matrix of zeros with `blocks` blocks of features.
    pub fn new(blocks: usize, rows: usize) -> Self {
        Self { rows, data: vec![Block::ZERO; blocks * rows] }
    }

    /// Takes on another shape. What it holds is without meaning afterwards.
    pub fn reshape(&mut self, blocks: usize, rows: usize) {
        self.rows = rows;
        self.data.resize(blocks * rows, Block::ZERO);
    }

    /// Block `block` of `count` rows from `row` on.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub fn rows(&self, block: usize, row: usize, count: usize) -> &[Block] {
        &self.data[block * self.rows + row..][..count]
    }

    /// Block `block` of `count` rows from `row` on.
    #[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
    #[inline(always)]
    pub fn rows_mut(&mut self, block: usize, row: usize, count: usize) -> &mut [Block] {
        &mut self.data[block * self.rows + row..][..count]
    }
}
