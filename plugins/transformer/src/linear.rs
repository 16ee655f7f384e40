//! A linear map in the two orders in which kernels read it.

use pstar_neural::block::{Block, WIDTH};

/// out = W x + b, padded to whole blocks.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// Blocks of outputs.
    pub(crate) outs: usize,
    /// Blocks of inputs.
    pub(crate) ins: usize,
    /// W: blocks of outputs × inputs.
    pub(crate) forward: Vec<Block>,
    /// b.
    pub(crate) bias: Vec<Block>,
    /// W for the way back: blocks of inputs × outputs.
    pub(crate) back: Vec<Block>,
}

/// Where the numbers of a tensor stand among padded outputs and inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    pub(crate) outs: &'a [usize],
    pub(crate) ins: &'a [usize],
}

impl Linear {
    /// A map of zeros.
    pub(crate) fn new(outs: usize, ins: usize) -> Self {
        let weights = outs * ins * WIDTH;
        Self {
            outs,
            ins,
            forward: vec![Block::ZERO; weights],
            bias: vec![Block::ZERO; outs],
            back: vec![Block::ZERO; weights],
        }
    }

    /// Puts outputs × inputs in their places, each input times its gain and all times `factor`.
    #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
    pub(crate) fn put(&mut self, weight: &[f64], places: Places<'_>, gains: Option<&[f64]>, factor: f64) {
        let (ins, outs) = (self.ins * WIDTH, self.outs * WIDTH);
        for (weights, &out) in weight.chunks_exact(places.ins.len()).zip(places.outs) {
            let panel = &mut self.forward[out / WIDTH * ins..][..ins];
            for (i, (&w, &place)) in weights.iter().zip(places.ins).enumerate() {
                let w = (w * gains.map_or(factor, |gains| factor * gains[i])) as f32;
                panel[place].0[out % WIDTH] = w;
                self.back[place / WIDTH * outs + out].0[place % WIDTH] = w;
            }
        }
    }

    /// Puts a bias in its places.
    #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
    pub(crate) fn put_bias(&mut self, bias: impl Iterator<Item = f64>, outs: &[usize]) {
        for (b, &out) in bias.zip(outs) {
            self.bias[out / WIDTH].0[out % WIDTH] = b as f32;
        }
    }
}
