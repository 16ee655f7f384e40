//! Running a chunk of sequences through a network.

use crate::chunk::{Activations, Chunk, Prompt, Room};
use crate::kernels::{Activate, Normalise, Rotate};
use crate::keys::Keys;
use crate::linear::Linear;
use crate::network::Transformer;
use crate::shape::Positions;
use pstar_neural::block::{Block, Matrix, TILE, WIDTH, blocks};
use pstar_neural::choose::{Choose, emit};
use pstar_neural::kernels::{Multiply, Start};
use pstar_neural::network::Leads;

/// Rows that pass the second half of a layer together, whose numbers stay in the second cache between one map and the next:
/// those of 1 MiB, in whole tiles.
pub(crate) fn slice(inner: usize) -> usize {
    ((1 << 18) / (inner * WIDTH * TILE)).max(1) * TILE
}

impl Chunk {
    /// Runs a chunk: tokens that are given are read at once, others step by step as they are drawn.
    pub(crate) fn forward(
        &mut self,
        network: &Transformer,
        leads: Leads<'_>,
        keep: bool,
        choose: &mut impl Choose,
    ) {
        self.take_prompts(network, leads.start, leads.prompts);
        let count = leads.prompts.len();
        let given: Option<Vec<Vec<u32>>> = (0..count).map(|i| choose.given(i).map(<[u32]>::to_vec)).collect();
        match given {
            Some(given) => self.read(network, &given, keep, choose),
            None => self.draw(network, leads, keep, choose),
        }
    }

    /// Reads sequences whose tokens are known.
    fn read(&mut self, network: &Transformer, given: &[Vec<u32>], keep: bool, choose: &mut impl Choose) {
        let longest = given.iter().map(Vec::len).max().unwrap_or(0);
        let alive = |position: usize| (0..given.len()).filter(move |&i| given[i].len() > position);
        let tiles = |position: usize| alive(position).count().next_multiple_of(TILE);
        let later: usize = (1..longest).map(tiles).sum();
        let room = Room { rows: self.prompt_rows + later, choices: tiles(0) + later };
        self.prepare(network, room, keep);
        self.lay_prompts();
        self.turns.extend(alive(0).map(|i| Some((i, 0))));
        self.turns.resize(tiles(0), None);
        for position in 1..longest {
            let reads: Vec<(usize, u32)> = alive(position).map(|i| (i, given[i][position - 1])).collect();
            self.lay(&reads, position - 1);
            self.turns.extend(alive(position).map(|i| Some((i, position))));
            self.turns.resize(self.turns.len().next_multiple_of(TILE), None);
        }
        self.prompt_keys.resize_with(1, Keys::default);
        self.own_keys.resize_with(1, Keys::default);
        let rows = self.tokens.len();
        self.begin_rows(network, 0);
        for layer in 0..network.layers.len() {
            self.layer(network, layer, 0, rows, |chunk, at| chunk.attend_all(network, at));
        }
        // Those without tokens do not choose.
        self.normalise_prompts(network, alive(0), tiles(0));
        self.normalise_top(network, self.prompt_rows, rows - self.prompt_rows, tiles(0));
        network.logits_of(&self.top, 0, self.turns.len(), &mut self.logits, 0);
        let Self { turns, logits, softmax, .. } = self;
        emit(network.set, turns, (logits, 0), softmax, choose, |_, _, _| {});
    }

    /// Draws sequences.
    fn draw(&mut self, network: &Transformer, leads: Leads<'_>, keep: bool, choose: &mut impl Choose) {
        let count = leads.prompts.len();
        let longest = leads.prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let (horizon, tiles) = (leads.steps - longest, count.next_multiple_of(TILE));
        let room = if keep {
            Room { rows: self.prompt_rows + horizon.saturating_sub(1) * tiles, choices: horizon * tiles }
        } else {
            Room { rows: self.prompt_rows.max(tiles), choices: tiles }
        };
        self.prepare(network, room, keep);
        self.read_prompts(network);
        self.prepare_own_keys(network, horizon);
        self.normalise_prompts(network, 0..count, tiles);
        let mut alive: Vec<usize> = (0..count).collect();
        let mut last = vec![None; count];
        for position in 0..horizon {
            let at = if keep { self.turns.len() } else { 0 };
            self.turns.truncate(at);
            self.turns.extend(alive.iter().map(|&i| Some((i, position))));
            self.turns.resize(self.turns.len().next_multiple_of(TILE), None);
            let rows = self.turns.len() - at;
            if position > 0 {
                self.normalise_top(network, 0, rows, at);
            }
            network.logits_of(&self.top, at, rows, &mut self.logits, at);
            let Self { turns, logits, softmax, .. } = self;
            emit(network.set, &turns[at..], (logits, at), softmax, choose, |sequence, token, ends| {
                last[sequence] = (!ends).then_some(token);
            });
            let reads: Vec<(usize, u32)> =
                alive.iter().filter_map(|&i| last[i].map(|token| (i, token))).collect();
            if reads.is_empty() {
                break;
            }
            alive = reads.iter().map(|&(i, _)| i).collect();
            self.step(network, &reads, position);
        }
    }

    /// Makes room for the keys and values of sequences with so many tokens behind their prompts, and puts those of short
    /// prompts there.
    pub(crate) fn prepare_own_keys(&mut self, network: &Transformer, tokens: usize) {
        let Self { own_keys, prompt_keys, prompts, sequences, .. } = self;
        let joined = prompts.iter().map(Prompt::joined).max().unwrap_or(0);
        own_keys.resize_with(network.layers.len(), Keys::default);
        for (keys, from) in own_keys.iter_mut().zip(prompt_keys) {
            keys.prepare(network.heads, sequences.len(), joined + tokens);
            for (entry, sequence) in sequences.iter().enumerate() {
                keys.copy(entry, from, sequence.prompt, prompts[sequence.prompt].joined());
            }
        }
    }

    /// Reads the prompts; their keys and values stay for what comes behind them.
    pub(crate) fn read_prompts(&mut self, network: &Transformer) {
        let layers = network.layers.len();
        self.prompt_keys.resize_with(layers, Keys::default);
        self.lay_prompts();
        self.begin_rows(network, 0);
        for layer in 0..layers {
            self.layer(network, layer, 0, self.prompt_rows, |chunk, at| {
                chunk.attend_prompts(network, at, layer);
            });
        }
    }

    /// Lets some sequences read a token each, at a position behind their prompts, and says in how many rows.
    pub(crate) fn step(&mut self, network: &Transformer, reads: &[(usize, u32)], position: usize) -> usize {
        let from = if self.keep { self.tokens.len() } else { 0 };
        self.tokens.truncate(from);
        self.places.truncate(from);
        let rows = self.lay(reads, position);
        self.begin_rows(network, from);
        for layer in 0..network.layers.len() {
            self.layer(network, layer, from, rows, |chunk, at| {
                chunk.attend_step(network, (layer, at, from), position, reads);
            });
        }
        rows
    }

    /// Gives the tokens of prompts rows.
    fn lay_prompts(&mut self) {
        for prompt in &self.prompts {
            self.tokens.extend(&prompt.lead);
            self.places.extend((0..).take(prompt.lead.len()));
        }
        self.tokens.resize(self.prompt_rows, 0);
        self.places.resize(self.prompt_rows, 0);
    }

    /// Gives the tokens that sequences read at a position rows, and says how many.
    #[allow(clippy::cast_possible_truncation, reason = "rows and places number less than 2^32")]
    fn lay(&mut self, reads: &[(usize, u32)], position: usize) -> usize {
        let first = self.tokens.len();
        for &(sequence, token) in reads {
            let sequence = &mut self.sequences[sequence];
            sequence.rows.push(self.tokens.len() as u32);
            self.tokens.push(token);
            self.places.push((self.prompts[sequence.prompt].lead.len() + position) as u32);
        }
        self.tokens.resize(self.tokens.len().next_multiple_of(TILE), 0);
        self.places.resize(self.tokens.len(), 0);
        self.tokens.len() - first
    }

    /// Fills x with the embeddings of the rows from `from` on.
    fn begin_rows(&mut self, network: &Transformer, from: usize) {
        let width = network.width();
        let places = self.places[from..].iter().max().map_or(0, |&place| place as usize + 1);
        self.turn(&network.shape, places);
        for (row, (&token, &place)) in self.tokens[from..].iter().zip(&self.places[from..]).enumerate() {
            let embedding = &network.embedding[token as usize * width..][..width];
            for (block, values) in embedding.iter().enumerate() {
                self.x.data[block * self.x.rows + row] = *values;
            }
            if !network.positions.is_empty() {
                let positions = &network.positions[place as usize * width..][..width];
                for (block, values) in positions.iter().enumerate() {
                    let x = &mut self.x.data[block * self.x.rows + row];
                    x.0.iter_mut().zip(&values.0).for_each(|(x, value)| *x += value);
                }
            }
        }
    }

    /// Lets rows of x pass a layer; what it leaves behind begins at row `at`. `attend` works the answers of a layer's
    /// activations out.
    fn layer(
        &mut self,
        network: &Transformer,
        index: usize,
        at: usize,
        rows: usize,
        attend: impl FnOnce(&mut Self, usize),
    ) {
        let kept = if self.keep { index } else { 0 };
        let layer = &network.layers[index];
        let inner = network.inner();
        self.normalise(network, (kept, 0), 0, at, rows);
        let Activations { normalised, asked, answers, .. } = &mut self.layers[kept];
        multiply(network, &layer.ask, (&normalised[0], at), rows, (asked, at));
        if let Positions::Rotary(_) = network.shape.positions {
            let (heads, places) = (network.heads, &self.places[at..][..rows]);
            network.set.run(Rotate { heads, x: asked, at, places, angles: &self.angles, back: false });
        }
        for answers in answers.data.chunks_exact_mut(answers.rows) {
            answers[at..at + rows].fill(Block::ZERO);
        }
        attend(self, kept);
        add_product(network, &layer.answer, (&self.layers[kept].answers, at), rows, (&mut self.x, 0));
        let slice = slice(inner);
        for from in (0..rows).step_by(slice) {
            let (at, rows) = (at + from, slice.min(rows - from));
            self.normalise(network, (kept, 1), from, at, rows);
            let Activations { normalised, slopes, activated, .. } = &mut self.layers[kept];
            multiply(network, &layer.up, (&normalised[1], at), rows, (slopes, at));
            let mlp = network.shape.mlp;
            network.set.run(Activate { mlp, inner, arguments: slopes, at, rows, out: activated });
            add_product(network, &layer.down, (activated, at), rows, (&mut self.x, from));
        }
    }

    /// Normalises rows of x, from `from` on, for one half of a layer, whose rows begin at `at`.
    fn normalise(
        &mut self,
        network: &Transformer,
        (kept, half): (usize, usize),
        from: usize,
        at: usize,
        rows: usize,
    ) {
        let Activations { normalised, scales, .. } = &mut self.layers[kept];
        let (out, scales) = (&mut normalised[half], &mut scales[half]);
        normalise(network, (&self.x, from), rows, (out, at), scales);
    }

    /// Normalises rows of x for choices.
    pub(crate) fn normalise_top(&mut self, network: &Transformer, from: usize, rows: usize, to: usize) {
        normalise(network, (&self.x, from), rows, (&mut self.top, to), &mut self.top_scales);
    }

    /// Normalises, for the first choices of sequences, the last rows of their prompts.
    pub(crate) fn normalise_prompts(
        &mut self,
        network: &Transformer,
        begin: impl Iterator<Item = usize>,
        rows: usize,
    ) {
        let width = network.width();
        let mut last = Matrix::new(width, rows);
        for (row, sequence) in begin.enumerate() {
            let source = self.prompts[self.sequences[sequence].prompt].last();
            for block in 0..width {
                last.data[block * rows + row] = self.x.data[block * self.x.rows + source];
            }
        }
        normalise(network, (&last, 0), rows, (&mut self.top, 0), &mut self.top_scales);
    }
}

/// out = W x + b, for rows.
pub(crate) fn multiply(
    network: &Transformer,
    linear: &Linear,
    (x, from): (&Matrix, usize),
    rows: usize,
    (out, to): (&mut Matrix, usize),
) {
    let Linear { forward: weights, bias, outs, .. } = linear;
    let (start, out_blocks) = (Start::Bias(bias), *outs);
    network.set.run(Multiply { x, first_block: 0, from, rows, weights, start, out, to, out_blocks });
}

/// Adds W y + b to rows of x.
pub(crate) fn add_product(
    network: &Transformer,
    linear: &Linear,
    (y, from): (&Matrix, usize),
    rows: usize,
    (x, to): (&mut Matrix, usize),
) {
    let Linear { forward: weights, bias, outs, .. } = linear;
    let (start, out_blocks) = (Start::OutAndBias(bias), *outs);
    network.set.run(Multiply { x: y, first_block: 0, from, rows, weights, start, out: x, to, out_blocks });
}

/// Brings rows to one size.
pub(crate) fn normalise(
    network: &Transformer,
    (x, from): (&Matrix, usize),
    rows: usize,
    (out, to): (&mut Matrix, usize),
    scales: &mut [f32],
) {
    let shape = &network.shape;
    #[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
    let epsilon = shape.epsilon as f32;
    let (norm, width) = (shape.norm, shape.width);
    debug_assert_eq!(blocks(width), network.width());
    network.set.run(Normalise { norm, epsilon, width, x, from, rows, out, to, scales });
}
