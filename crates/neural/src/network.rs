//! What a network can do.

use crate::block::Matrix;
use crate::choose::Choose;
use crate::entropy::Weighed;
use crate::simd::InstructionSet;
use pstar_core::PluginError;
use pstar_core::rng::StreamKey;
use std::fmt::Debug;

/// One matrix or vector among the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in files.
    pub name: String,
    /// Its sizes: rows and columns, or the length of a vector.
    pub sizes: Vec<usize>,
}

impl Tensor {
    /// A tensor of a name and sizes.
    pub fn new(name: impl Into<String>, sizes: &[usize]) -> Self {
        Self { name: name.into(), sizes: sizes.to_vec() }
    }

    /// Number of values.
    #[allow(clippy::len_without_is_empty, reason = "no tensor is empty")]
    pub fn len(&self) -> usize {
        self.sizes.iter().product()
    }
}

/// The sizes of a network: what parameters it has, and in which order.
pub trait Shape: Clone + Debug + PartialEq + Send + Sync {
    /// Tokens that can be read: symbols, boundary, symbols that only prompts use.
    fn tokens(&self) -> usize;

    /// Choices at a position: symbols, and the end symbol where there is one.
    fn choices(&self) -> usize;

    /// The tensors in the order of the parameters, each in row-major order.
    fn tensors(&self) -> Vec<Tensor>;

    /// What two networks must share for one to take the other's parameters.
    fn text(&self) -> String;

    /// Initial parameters.
    fn random(&self, key: StreamKey) -> Vec<f64>;

    /// What a file says of itself beside the tensors: names and texts.
    fn metadata(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Number of parameters.
    fn parameter_count(&self) -> usize {
        self.tensors().iter().map(Tensor::len).sum()
    }

    /// The tensor that holds the parameter at a place.
    fn name_of(&self, place: usize) -> String {
        let mut end = 0;
        let mut holds = |tensor: &Tensor| {
            end += tensor.len();
            place < end
        };
        self.tensors().into_iter().find(|tensor| holds(tensor)).map(|tensor| tensor.name).unwrap_or_default()
    }
}

/// The sequences of a chunk: one behind each of the prompts.
#[derive(Clone, Copy, Debug)]
pub struct Leads<'a> {
    /// The token that is read before every prompt.
    pub start: u32,
    /// For each sequence its prompt.
    pub prompts: &'a [&'a [u32]],
    /// The greatest number of steps that a sequence takes: tokens of its prompt, and of its output.
    pub steps: usize,
}

/// The parameters of a network in the form that its kernels read, and what they compute.
///
/// A sequence reads the start token, its prompt, and its output up to the token before the one that it chooses. All sums
/// that a sequence's logits are made of have one order, whatever its neighbours are, whether its tokens are drawn or
/// given, and whether they are read step by step or at once.
pub trait Network: Debug + Send + Sync + Sized + 'static {
    /// Its sizes.
    type Shape: Shape;
    /// The memory of a chunk of sequences that are run together.
    type Chunk: Debug + Default + Send;
    /// The gradient at the weights, summed over chunks.
    type Sums;
    /// What is known of a block of prefixes of one length.
    type Prefixes: Default;

    /// Greatest number of sequences in a chunk. Chunks are worked off one after another and their sums added in that
    /// order.
    const CHUNK: usize;

    /// Greatest number of sequences that are drawn together where nothing of them is kept.
    const DRAWN: usize = Self::CHUNK;

    /// Greatest number of prefixes in a block of a walk over all outputs.
    const PREFIXES: usize;

    /// The network with these parameters, in the order of [`Shape::tensors`].
    fn new(shape: Self::Shape, parameters: &[f64], set: InstructionSet) -> Self;

    /// Its sizes.
    fn shape(&self) -> &Self::Shape;

    /// The instructions that its kernels use.
    fn set(&self) -> InstructionSet;

    /// Bytes that keeping a chunk takes.
    fn bytes(shape: &Self::Shape, sequences: usize, steps: usize) -> usize;

    /// Refuses a prompt behind which it cannot make `steps` choices.
    ///
    /// # Errors
    /// Of kind [`Data`](pstar_core::ErrorKind::Data), in words.
    fn check(&self, prompt: &[u32], steps: usize) -> Result<(), PluginError> {
        let _ = (prompt, steps);
        Ok(())
    }

    /// Runs a chunk. With `keep`, all that [`backward`](Self::backward) needs stays there.
    fn forward(&self, chunk: &mut Self::Chunk, leads: Leads<'_>, keep: bool, choose: &mut impl Choose);

    /// Sums of nothing.
    fn sums(&self) -> Self::Sums;

    /// Adds the gradient of a chunk that was kept; it is used up.
    ///
    /// `weigh` gives the token that a sequence chose at a position and what counts of it; `None` behind its end.
    fn backward(
        &self,
        chunk: &mut Self::Chunk,
        sums: &mut Self::Sums,
        weigh: impl Fn(usize, usize) -> Option<Weighed>,
    );

    /// Writes the gradient at the parameters, times `factor`; both in the order of [`Shape::tensors`].
    fn finish(&self, sums: &Self::Sums, parameters: &[f64], factor: f64, gradient: &mut [f64]);

    /// Makes a block of one prefix, which has read the tokens of `lead`.
    fn begin(&self, prefixes: &mut Self::Prefixes, lead: &[u32]);

    /// Makes a block of prefixes that are one token longer: for each the place of the shorter one among `parents`, and
    /// the token.
    fn lengthen(
        &self,
        parents: &Self::Prefixes,
        prefixes: &mut Self::Prefixes,
        longer: impl ExactSizeIterator<Item = (usize, u32)>,
    );

    /// The logits of the next choice behind the first `rows` prefixes of a block, a multiple of
    /// [`TILE`](crate::block::TILE).
    fn logits(&self, prefixes: &Self::Prefixes, rows: usize, out: &mut Matrix);
}
