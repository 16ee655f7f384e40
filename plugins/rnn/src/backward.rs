//! Back-propagation through the steps of a chunk.

use crate::kernels::BackwardGates;
use crate::network::Gru;
use crate::workspace::{CHUNK, NOBODY, Step, Workspace};
use pstar_neural::block::{Block, Matrix, WIDTH, blocks};
use pstar_neural::entropy::{Weighed, backward_choices};
use pstar_neural::kernels::{Add, ColumnSums, Multiply, Outer, Run, Scatter, Start};
use pstar_neural::simd::InstructionSet;

/// The gradient at the weights of a network, summed over chunks; padded like them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) layers: Vec<LayerSums>,
    /// First layer's inputs: blocks of (gates n, r, z × units) × tokens.
    pub(crate) table: Vec<f64>,
    /// Choices × units.
    pub(crate) output: Vec<f64>,
    /// Choices.
    pub(crate) output_bias: Vec<f64>,
    delta: Vec<Matrix>,
    table_scratch: Vec<Block>,
}

/// Those of a layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSums {
    /// (Gates r, z, n × units) × units.
    pub(crate) recurrent: Vec<f64>,
    /// (Gates n, r, z × units) × units of the layer below; nothing for the first layer.
    pub(crate) input: Vec<f64>,
    /// δ_n, δ_r, δ_z, δ_n r, each of all units.
    pub(crate) bias: Vec<f64>,
}

impl Sums {
    /// Nothing, for a network.
    pub(crate) fn new(network: &Gru) -> Self {
        let units = network.shape.units() * WIDTH;
        let layer = |index: usize| LayerSums {
            recurrent: vec![0.0; 3 * units * units],
            input: if index == 0 { Vec::new() } else { vec![0.0; 3 * units * units] },
            bias: vec![0.0; 4 * units],
        };
        let choices = blocks(network.shape.choices) * WIDTH;
        Self {
            layers: (0..network.shape.layers).map(layer).collect(),
            table: vec![0.0; 3 * units * network.embedding.rows],
            output: vec![0.0; choices * units],
            output_bias: vec![0.0; choices],
            delta: (0..network.shape.layers).map(|_| Matrix::new(units / WIDTH, CHUNK)).collect(),
            table_scratch: vec![Block::ZERO; 3 * units / WIDTH * network.embedding.rows],
        }
    }

    /// Adds the gradient of a chunk whose steps were kept; they are used up.
    ///
    /// `weigh` gives the token that a sequence chose at a position and what counts of it; `None` behind its end.
    pub(crate) fn add(
        &mut self,
        network: &Gru,
        chunk: &mut Workspace,
        weigh: impl Fn(usize, usize) -> Option<Weighed>,
    ) {
        chunk.weigh(network.set, weigh);
        self.walk(network, chunk);
        self.weights(network, chunk);
    }

    /// From the last step to the first, turns what was kept into gradients at the arguments of the gates.
    fn walk(&mut self, network: &Gru, chunk: &mut Workspace) {
        let (units, layers) = (network.shape.units(), network.shape.layers);
        let Workspace { steps, kept, hidden, logits, .. } = chunk;
        for delta in &mut self.delta {
            delta.data.fill(Block::ZERO);
        }
        for (time, step) in steps.iter().enumerate().rev() {
            if let Some(Step { moved: Some(places), .. }) = steps.get(time + 1) {
                self.delta.iter_mut().for_each(|delta| move_back(delta, places, step.rows));
            }
            let &Step { slot, rows, from, .. } = step;
            let add = |x: &Matrix, first_block, from, weights: &[Block], out: &mut Matrix| {
                let (start, out_blocks) = (Start::Out, units);
                network.set.run(Multiply {
                    x,
                    first_block,
                    from,
                    rows,
                    weights,
                    start,
                    out,
                    to: 0,
                    out_blocks,
                });
            };
            if step.emits {
                add(logits, 0, slot, &network.output_back, &mut self.delta[layers - 1]);
            }
            for layer in (0..layers).rev() {
                let weights = &network.layers[layer];
                network.set.run(BackwardGates {
                    kept: &mut kept[layer],
                    at: slot,
                    hidden: &hidden[layer],
                    from,
                    delta: &mut self.delta[layer],
                    rows,
                    units,
                });
                if time > 0 {
                    add(&kept[layer], units, slot, &weights.recurrent_back, &mut self.delta[layer]);
                }
                if layer > 0 {
                    add(&kept[layer], 0, slot, &weights.input_back, &mut self.delta[layer - 1]);
                }
            }
        }
    }

    /// Adds what the gates' gradients make of the weights.
    fn weights(&mut self, network: &Gru, chunk: &Workspace) {
        let units = network.shape.units();
        let runs = |steps: &mut dyn Iterator<Item = &Step>, b: fn(&Step) -> usize| {
            let mut runs: Vec<Run> = Vec::new();
            for step in steps {
                let run = Run { a: step.slot, b: b(step), rows: step.rows };
                match runs.last_mut() {
                    Some(last) if (last.a + last.rows, last.b + last.rows) == (run.a, run.b) => {
                        last.rows += run.rows;
                    }
                    _ => runs.push(run),
                }
            }
            runs
        };
        let recurrent = runs(&mut chunk.steps.iter().skip(1), |step| step.from);
        let input = runs(&mut chunk.steps.iter(), |step| step.to);
        let output = runs(&mut chunk.steps.iter().filter(|step| step.emits), |step| step.to);
        let outer = |a, a_blocks: (usize, usize), b, runs: &[Run], sums: &mut [f64]| {
            network.set.run(Outer { a, a_blocks, b, b_blocks: units, runs, sums });
        };
        let slots = chunk.slots();
        for (layer, sums) in self.layers.iter_mut().enumerate() {
            let kept = &chunk.kept[layer];
            outer(kept, (units, 3 * units), &chunk.hidden[layer], &recurrent, &mut sums.recurrent);
            if layer > 0 {
                outer(kept, (0, 3 * units), &chunk.hidden[layer - 1], &input, &mut sums.input);
            }
            network.set.run(ColumnSums { x: kept, rows: slots, out: &mut sums.bias });
        }
        let choices = network.output_bias.len();
        let top = &chunk.hidden[network.shape.layers - 1];
        outer(&chunk.logits, (0, choices), top, &output, &mut self.output);
        network.set.run(ColumnSums { x: &chunk.logits, rows: slots, out: &mut self.output_bias });
        self.scatter(network, chunk);
    }

    /// Adds the gradients at the first layer's inputs up by token.
    fn scatter(&mut self, network: &Gru, chunk: &Workspace) {
        self.table_scratch.fill(Block::ZERO);
        let (out, count) = (&mut self.table_scratch[..], network.embedding.rows);
        network.set.run(Scatter { x: &chunk.kept[0], tokens: &chunk.token, out, count });
        network.set.run(Add { blocks: &self.table_scratch, sums: &mut self.table });
    }
}

impl Workspace {
    /// Turns the logits of every slot into the gradient at them.
    fn weigh(&mut self, set: InstructionSet, weigh: impl Fn(usize, usize) -> Option<Weighed>) {
        let Self { steps, sequence, logits, lead, .. } = self;
        let rows = steps.iter().enumerate().flat_map(|(time, step)| {
            sequence[step.slot..][..step.rows].iter().map(move |&sequence| (time, sequence))
        });
        let weighed = rows.map(|(time, sequence)| match sequence {
            NOBODY => None,
            sequence => {
                let sequence = sequence as usize;
                time.checked_sub(lead[sequence]).and_then(|position| weigh(sequence, position))
            }
        });
        backward_choices(set, logits, weighed);
    }
}

/// Puts the first rows of `delta` back to `places` among `rows`; 0 for the others.
fn move_back(delta: &mut Matrix, places: &[u32], rows: usize) {
    for states in delta.data.chunks_exact_mut(delta.rows) {
        // A place is never before the row that moved from it.
        let mut end = rows;
        for (row, &place) in places.iter().enumerate().rev() {
            let (place, state) = (place as usize, states[row]);
            states[place + 1..end].fill(Block::ZERO);
            states[place] = state;
            end = place;
        }
        states[..end].fill(Block::ZERO);
    }
}
