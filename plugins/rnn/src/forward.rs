//! Running a chunk of sequences through a network.
//!
//! All sequences of a chunk take their steps together. One that has ended stays in its row, where it does no harm,
//! until a tile of rows can be saved; then the others move together, in their order.

use crate::network::{Advance, Gru};
use crate::workspace::{NOBODY, Step, Workspace};
use pstar_neural::block::{Block, TILE};
use pstar_neural::choose::{Choose, emit};
use pstar_neural::network::Leads;

impl Workspace {
    /// Runs a chunk.
    pub(crate) fn forward(
        &mut self,
        network: &Gru,
        Leads { start, prompts, steps }: Leads<'_>,
        keep: bool,
        choose: &mut impl Choose,
    ) {
        self.prepare(network, prompts.len(), steps, keep);
        self.lead.extend(prompts.iter().map(|prompt| prompt.len()));
        let begins = |i| choose.given(i).is_none_or(|tokens| !tokens.is_empty());
        let mut rows: Vec<u32> = (0..).take(prompts.len()).filter(|&i| begins(i as usize)).collect();
        let mut last: Vec<u32> = vec![start; prompts.len()];
        let mut ended = vec![false; prompts.len()];
        let mut turns = Vec::new();
        let mut step = Step { rows: rows.len().next_multiple_of(TILE), ..Step::default() };
        for time in 0..steps {
            if rows.is_empty() {
                break;
            }
            step.to = if keep { step.from + step.rows } else { other_region(step.from, self.hidden[0].rows) };
            self.read(&rows, &step, |sequence| match time {
                0 => start,
                _ => *prompts[sequence].get(time - 1).unwrap_or(&last[sequence]),
            });
            network.advance(Advance {
                tokens: &self.token[step.slot..],
                hidden: &mut self.hidden,
                from: step.from,
                first: time == 0,
                to: step.to,
                keep: keep.then_some((&mut self.kept[..], step.slot)),
                inputs: &mut self.inputs,
            });
            step.emits = rows.iter().any(|&sequence| time >= self.lead[sequence as usize]);
            if step.emits {
                let top = &self.hidden[network.shape.layers - 1];
                network.logits_of(top, step.to, step.rows, &mut self.logits, step.slot);
                turns.clear();
                turns.extend(rows.iter().map(|&sequence| {
                    let sequence = sequence as usize;
                    let position = time.checked_sub(self.lead[sequence])?;
                    (!ended[sequence]).then_some((sequence, position))
                }));
                let Self { logits, softmax, .. } = self;
                emit(network.set, &turns, (logits, step.slot), softmax, choose, |sequence, token, ends| {
                    (last[sequence], ended[sequence]) = (token, ends);
                });
            }
            self.steps.push(step.clone());
            step = self.next(&step, &mut rows, &ended);
        }
    }

    /// Notes who stands in the rows of a step and what they read.
    fn read(&mut self, rows: &[u32], step: &Step, token: impl Fn(usize) -> u32) {
        self.sequence.truncate(step.slot);
        self.token.truncate(step.slot);
        self.sequence.extend(rows);
        self.sequence.resize(step.slot + step.rows, NOBODY);
        self.token.extend(rows.iter().map(|&sequence| token(sequence as usize)));
        self.token.resize(step.slot + step.rows, 0);
    }

    /// The step behind `step`; drops the sequences that have ended where that saves a tile.
    fn next(&mut self, step: &Step, rows: &mut Vec<u32>, ended: &[bool]) -> Step {
        let slot = if self.keep { step.slot + step.rows } else { 0 };
        let stays = |row: &u32| !ended[rows[*row as usize] as usize];
        let places: Vec<u32> = (0..).take(rows.len()).filter(stays).collect();
        let left = places.len().next_multiple_of(TILE);
        if left == step.rows {
            return Step { slot, rows: left, from: step.to, ..Step::default() };
        }
        *rows = places.iter().map(|&place| rows[place as usize]).collect();
        let from = if self.keep { step.to + step.rows } else { step.to };
        for hidden in &mut self.hidden {
            let (count, units) = (hidden.rows, hidden.data.len() / hidden.rows);
            for states in hidden.data.chunks_exact_mut(count).take(units) {
                // A place is never before the row that it moves to.
                for (row, &place) in places.iter().enumerate() {
                    states[from + row] = states[step.to + place as usize];
                }
                states[from + places.len()..from + left].fill(Block::ZERO);
            }
        }
        Step { slot, rows: left, from, moved: Some(places), ..Step::default() }
    }
}

/// The region of states that a step without memory writes to: the one that it does not read.
fn other_region(from: usize, rows: usize) -> usize {
    if from == 0 { rows / 2 } else { 0 }
}
