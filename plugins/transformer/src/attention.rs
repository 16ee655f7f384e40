//! What the tokens of a chunk see, and what they find there.

use crate::chunk::{Activations, Chunk, Prompt, Sequence};
use crate::kernels::{Ask, Attend, TOGETHER};
use crate::keys::{Keys, Put, Side};
use crate::network::Transformer;
use pstar_neural::block::Matrix;

impl Chunk {
    /// Answers of prompts and sequences, all of whose tokens have rows.
    pub(crate) fn attend_all(&mut self, network: &Transformer, kept: usize) {
        self.attend_prompts(network, kept, 0);
        let heads = network.heads;
        let Self { layers, sequences, prompts, prompt_keys, own_keys, scratch, .. } = self;
        let Activations { asked: x, answers, .. } = &mut layers[kept];
        let mut asks = Vec::new();
        for sequence in sequences.iter().filter(|sequence| !sequence.rows.is_empty()) {
            let (keys, prompt) = (&mut own_keys[0], &prompts[sequence.prompt]);
            network.set.run(Put::alone(keys, heads, x, &prompt.rows_before(sequence), Side::Keys));
            sequence_asks(sequence, prompt, &mut asks);
            let sources = [&prompt_keys[0], keys];
            network.set.run(Attend { heads, x, asks: &asks, sources, out: answers, scratch });
        }
    }

    /// Answers of prompts; their keys stay at a place.
    pub(crate) fn attend_prompts(&mut self, network: &Transformer, kept: usize, place: usize) {
        let heads = network.heads;
        let Self { layers, prompts, prompt_keys, scratch, .. } = self;
        let Activations { asked: x, answers, .. } = &mut layers[kept];
        let keys = &mut prompt_keys[place];
        put_prompts(keys, network, x, prompts, Side::Keys);
        let mut asks = Vec::new();
        for (entry, prompt) in prompts.iter().enumerate() {
            prompt_asks(entry, prompt, &mut asks);
            let sources = [&*keys, &*keys];
            network.set.run(Attend { heads, x, asks: &asks, sources, out: answers, scratch });
        }
    }

    /// Answers of the tokens that some sequences have just read, at a position behind their prompts.
    pub(crate) fn attend_step(
        &mut self,
        network: &Transformer,
        (layer, kept, from): (usize, usize, usize),
        position: usize,
        reads: &[(usize, u32)],
    ) {
        let heads = network.heads;
        let Self { layers, sequences, prompts, prompt_keys, own_keys, scratch, .. } = self;
        let Activations { asked: x, answers, .. } = &mut layers[kept];
        let keys = &mut own_keys[layer];
        let asks = reads.iter().zip(from..).map(|(&(sequence, _), row)| {
            let entry = sequences[sequence].prompt;
            let (apart, token) = (prompts[entry].apart(), prompts[entry].joined() + position);
            Ask { row, entries: [entry, sequence], counts: [apart, token + 1] }
        });
        let asks: Vec<Ask> = asks.collect();
        // What was put is asked for at once, as long as it is near the processor.
        for asks in asks.chunks(TOGETHER) {
            for &Ask { row, entries: [_, entry], counts: [_, seen] } in asks {
                keys.put(heads, (entry, seen - 1), x, row);
            }
            let sources = [&prompt_keys[layer], &*keys];
            network.set.run(Attend { heads, x, asks, sources, out: answers, scratch });
        }
    }
}

/// Puts the tokens of prompts.
pub(crate) fn put_prompts(
    keys: &mut Keys,
    network: &Transformer,
    x: &Matrix,
    prompts: &[Prompt],
    side: Side,
) {
    let heads = network.heads;
    let longest = prompts.iter().map(|prompt| prompt.lead.len()).max().unwrap_or(0);
    keys.prepare(heads, prompts.len(), longest);
    for (entry, prompt) in prompts.iter().enumerate() {
        network.set.run(Put { keys, heads, entry, x, rows: &prompt.rows(), side });
    }
}

/// What the tokens of a sequence see; their own keys are entry 0.
pub(crate) fn sequence_asks(sequence: &Sequence, prompt: &Prompt, asks: &mut Vec<Ask>) {
    let entries = [sequence.prompt, 0];
    asks.clear();
    asks.extend(sequence.rows.iter().zip(prompt.joined() + 1..).map(|(&row, seen)| Ask {
        row: row as usize,
        entries,
        counts: [prompt.apart(), seen],
    }));
}

/// What the tokens of a prompt see: themselves alone.
pub(crate) fn prompt_asks(entry: usize, prompt: &Prompt, asks: &mut Vec<Ask>) {
    let tokens = prompt.lead.len();
    asks.clear();
    asks.extend((0..tokens).map(|token| Ask {
        row: prompt.first + token,
        entries: [0, entry],
        counts: [0, token + 1],
    }));
}
