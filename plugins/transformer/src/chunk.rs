//! What is known of a chunk of sequences that were run through a network together.

use crate::kernels::{Scratch, angles};
use crate::keys::Keys;
use crate::network::Transformer;
use crate::shape::{Mlp, Positions, TransformerShape};
use pstar_neural::block::{Block, Matrix, TILE, WIDTH, blocks};
use pstar_neural::softmax::Softmax;

/// The memory of a chunk: all that was computed where it is kept for the way back, else that of one step and layer.
///
/// Every token that is read has a row: first those of the prompts, each prompt once however many sequences stand behind
/// it, then step by step those of the sequences that have not ended. Rows of prompts and of each step come in whole tiles.
/// Choices have rows of their own: first those of all sequences behind their prompts, then one for each row of a step.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) keep: bool,
    /// For each row the row of the embedding that is read, and its place in its sequence.
    pub(crate) tokens: Vec<u32>,
    pub(crate) places: Vec<u32>,
    /// Number of rows of prompts.
    pub(crate) prompt_rows: usize,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) sequences: Vec<Sequence>,
    /// For each choice its sequence and its position; `None` for padding.
    pub(crate) turns: Vec<Option<(usize, usize)>>,
    /// What passes from layer to layer, of the rows of a step.
    pub(crate) x: Matrix,
    /// One a layer where they are kept, else one.
    pub(crate) layers: Vec<Activations>,
    /// x̂ of choices.
    pub(crate) top: Matrix,
    pub(crate) top_scales: Vec<f32>,
    /// Logits; on the way back the gradient at them.
    pub(crate) logits: Matrix,
    /// Keys and values of prompts: one a layer where tokens are drawn, else one.
    pub(crate) prompt_keys: Vec<Keys>,
    /// Those of what is drawn, one a layer; where tokens are given, of one sequence.
    pub(crate) own_keys: Vec<Keys>,
    pub(crate) scratch: Scratch,
    pub(crate) softmax: Softmax,
    /// See [`Rotate`](crate::kernels::Rotate).
    pub(crate) angles: Vec<f32>,
    /// Places that have angles.
    angled: usize,
}

/// A prompt, with what stands before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prompt {
    /// Rows of the embedding.
    pub(crate) lead: Vec<u32>,
    /// First row of its tokens.
    pub(crate) first: usize,
}

impl Prompt {
    /// Tokens that stand before those of a sequence among its own: all of the prompt, if it is so short that a source of
    /// its own would be mostly room.
    pub(crate) fn joined(&self) -> usize {
        if self.lead.len() <= WIDTH { self.lead.len() } else { 0 }
    }

    /// Its tokens that sequences see apart from their own.
    pub(crate) fn apart(&self) -> usize {
        self.lead.len() - self.joined()
    }

    /// The rows of the tokens of a sequence, and before them those of its prompt that stand among them.
    pub(crate) fn rows_before(&self, sequence: &Sequence) -> Vec<u32> {
        let mut rows = self.rows();
        rows.truncate(self.joined());
        rows.extend(&sequence.rows);
        rows
    }

    /// The rows of its tokens.
    #[allow(clippy::cast_possible_truncation, reason = "rows number less than 2^32")]
    pub(crate) fn rows(&self) -> Vec<u32> {
        (self.first as u32..).take(self.lead.len()).collect()
    }

    /// The row of its last token.
    pub(crate) fn last(&self) -> usize {
        self.first + self.lead.len() - 1
    }
}

/// A sequence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    pub(crate) prompt: usize,
    /// The rows of the tokens that it reads behind its prompt.
    pub(crate) rows: Vec<u32>,
}

/// What a layer leaves behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activations {
    /// x̂ before attention and behind it.
    pub(crate) normalised: [Matrix; 2],
    pub(crate) scales: [Vec<f32>; 2],
    /// Queries, keys and values.
    pub(crate) asked: Matrix,
    pub(crate) answers: Matrix,
    /// Of the activation: arguments first, then slopes.
    pub(crate) slopes: Matrix,
    pub(crate) activated: Matrix,
}

/// Rows that a matrix has room for. Blocks of features that are a power of two of cache lines apart would push one another
/// out of the cache.
fn stride(rows: usize) -> usize {
    rows.next_multiple_of(TILE) + TILE / 2
}

/// Greatest numbers of rows of tokens and of choices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) rows: usize,
    pub(crate) choices: usize,
}

impl Chunk {
    /// Makes room. With `keep` for all layers.
    pub(crate) fn prepare(&mut self, network: &Transformer, room: Room, keep: bool) {
        let shape = &network.shape;
        let (rows, choices, width) = (stride(room.rows), stride(room.choices), network.width());
        self.keep = keep;
        self.tokens.clear();
        self.places.clear();
        self.turns.clear();
        self.x.reshape(width, rows);
        self.layers.resize_with(if keep { shape.layers } else { 1 }, Activations::default);
        for layer in &mut self.layers {
            layer.normalised.iter_mut().for_each(|x| x.reshape(width, rows));
            layer.scales.iter_mut().for_each(|scales| scales.resize(rows, 0.0));
            layer.asked.reshape(network.heads.all_blocks(), rows);
            layer.answers.reshape(network.heads.query_blocks(), rows);
            layer.slopes.reshape(arguments(shape.mlp) * network.inner(), rows);
            layer.activated.reshape(network.inner(), rows);
        }
        self.top.reshape(width, choices);
        self.top_scales.resize(choices, 0.0);
        self.logits.reshape(blocks(shape.choices), choices);
        self.softmax = Softmax::new(shape.choices);
    }

    /// Notes the prompts of the sequences, each once, and gives them rows.
    pub(crate) fn take_prompts(&mut self, network: &Transformer, start: u32, prompts: &[&[u32]]) {
        self.prompts.clear();
        self.sequences.resize_with(prompts.len(), Sequence::default);
        let mut rows = 0;
        for (sequence, prompt) in self.sequences.iter_mut().zip(prompts) {
            sequence.rows.clear();
            let lead = network.lead(start, prompt);
            let known = self.prompts.iter().rposition(|known| known.lead == lead);
            sequence.prompt = known.unwrap_or_else(|| {
                let first = rows;
                rows += lead.len();
                self.prompts.push(Prompt { lead, first });
                self.prompts.len() - 1
            });
        }
        self.prompt_rows = rows.next_multiple_of(TILE);
    }

    /// Works the angles of the first `places` places out.
    pub(crate) fn turn(&mut self, shape: &TransformerShape, places: usize) {
        if let Positions::Rotary(theta) = shape.positions
            && places > self.angled
        {
            angles(theta, shape.head_size, self.angled..places, &mut self.angles);
            self.angled = places;
        }
    }
}

/// How many numbers the activation of one is made of.
pub(crate) fn arguments(mlp: Mlp) -> usize {
    match mlp {
        Mlp::Gelu => 1,
        Mlp::SwiGlu => 2,
    }
}

/// Bytes that keeping a chunk takes, where no two sequences have the same prompt.
pub(crate) fn bytes(shape: &TransformerShape, sequences: usize, steps: usize) -> usize {
    let (width, inner) = (blocks(shape.width), blocks(shape.inner));
    let head = blocks(shape.head_size);
    let heads = (2 * shape.heads + 2 * shape.kv_heads).saturating_mul(head);
    let layer = 2 * width + heads + (1 + arguments(shape.mlp)).saturating_mul(inner);
    let row = shape.layers.saturating_mul(layer) + 2 * width + blocks(shape.choices);
    let lead = shape.context.unwrap_or(1);
    let rows = sequences.next_multiple_of(TILE).saturating_mul(steps.saturating_add(lead));
    rows.saturating_mul(row).saturating_mul(size_of::<Block>())
}
