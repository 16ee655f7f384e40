//! The probabilities of some outputs, without those of all others.
//!
//! Checked bit by bit against [`enumerate`](crate::enumerate), which gives those of all.

use pstar_core::data::Ending;

use crate::{LayeredAutomaton, OutputSpace, OutputTable};

/// Some outputs of a space as the tree of their beginnings: what they share is worked out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTree {
    space: OutputSpace,
    /// For each length from 1 on the beginnings that are so long.
    levels: Vec<Level>,
    /// For each length the beginnings that an end symbol makes an output; none where outputs do not end.
    ended: Vec<Vec<u32>>,
}

/// Beginnings of one length, in lexicographic order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Level {
    /// Each one's beginning that is a symbol shorter, as a place in its level.
    parents: Vec<u32>,
    symbols: Vec<u32>,
}

impl OutputTree {
    /// Of the outputs with these indices, which increase.
    ///
    /// # Panics
    /// If an index is not in the space.
    pub fn new(space: OutputSpace, indices: &[u32]) -> Self {
        // The ranks of beginnings among the strings of their length.
        let mut ranks: Vec<Vec<u64>> = vec![Vec::new(); space.horizon + 1];
        let mut outputs = vec![Vec::new(); space.horizon + 1];
        for &index in indices {
            let (length, rank) = space.locate(index.into());
            outputs[length].push(rank);
        }
        let radix = space.symbols as u64;
        for length in (0..=space.horizon).rev() {
            ranks[length].extend(&outputs[length]);
            ranks[length].sort_unstable();
            ranks[length].dedup();
            if length > 0 {
                let mut shorter: Vec<u64> = ranks[length].iter().map(|rank| rank / radix).collect();
                shorter.dedup();
                ranks[length - 1] = shorter;
            }
        }
        let level = |length: usize| {
            let parent = |rank: &u64| place(&ranks[length - 1], rank / radix);
            #[allow(clippy::cast_possible_truncation, reason = "an alphabet has fewer than 2^32 symbols")]
            let symbol = |rank: &u64| (rank % radix) as u32;
            Level {
                parents: ranks[length].iter().map(parent).collect(),
                symbols: ranks[length].iter().map(symbol).collect(),
            }
        };
        let levels = (1..=space.horizon).map(level).collect();
        let ends = space.ending == Ending::EndSymbol;
        let ended = |length: usize| outputs[length].iter().map(|&rank| place(&ranks[length], rank)).collect();
        let ended = (0..if ends { space.horizon } else { 0 }).map(ended).collect();
        Self { space, levels, ended }
    }

    /// Number of beginnings: what filling a table costs.
    pub fn len(&self) -> usize {
        self.levels.iter().map(|level| level.symbols.len()).sum()
    }

    /// Whether there is no beginning but the empty one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `table` with the probabilities of the outputs, in order, under a model of their space: the bits of
    /// [`enumerate`](crate::enumerate).
    ///
    /// # Range and cost
    /// A multiplication and an addition a beginning. A table that is filled again allocates nothing.
    ///
    /// # Panics
    /// If the model is of another space.
    pub fn fill(&self, automaton: &LayeredAutomaton, table: &mut OutputTable) {
        assert_eq!(automaton.space(), self.space, "a model of the outputs' space");
        let (choices, symbols) = (self.space.choices(), self.space.symbols);
        let OutputTable { log_probs, probs, level, next_level } = table;
        log_probs.clear();
        probs.clear();
        level.set_to_empty_string();
        for (position, longer) in self.levels.iter().enumerate() {
            let (row_log_probs, row_probs) = (automaton.log_probs(position), automaton.probs(position));
            for &node in self.ended.get(position).into_iter().flatten() {
                let node = node as usize;
                let end = level.states[node] as usize * choices + symbols;
                log_probs.push(level.log_probs[node] + row_log_probs[end]);
                probs.push(level.probs[node] * row_probs[end]);
            }
            let successors = automaton.successors(position);
            next_level.clear();
            for (&parent, &symbol) in longer.parents.iter().zip(&longer.symbols) {
                let (parent, symbol) = (parent as usize, symbol as usize);
                let state = level.states[parent] as usize;
                next_level.log_probs.push(level.log_probs[parent] + row_log_probs[state * choices + symbol]);
                next_level.probs.push(level.probs[parent] * row_probs[state * choices + symbol]);
                // Behind the last position there is no state.
                next_level.states.push(successors.get(state * symbols + symbol).copied().unwrap_or(0));
            }
            std::mem::swap(level, next_level);
        }
        log_probs.extend_from_slice(&level.log_probs);
        probs.extend_from_slice(&level.probs);
    }
}

/// Where a rank stands among sorted ones that hold it.
fn place(ranks: &[u64], rank: u64) -> u32 {
    u32::try_from(ranks.partition_point(|&known| known < rank)).expect("fewer than 2^32 outputs")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Bigram;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Any outputs, by both ways; a table that was used for others before.
        #[test]
        fn gives_the_bits_of_the_walk_over_all(
            weights in prop::collection::vec(prop_oneof![Just(0.0), 0.01f64..1.0], 12),
            wanted in prop::collection::vec(any::<bool>(), 130),
            (symbols, horizon, ends) in (1usize..4, 1usize..5, any::<bool>()),
        ) {
            let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
            let space = OutputSpace { symbols, horizon, ending };
            let rows: Vec<Vec<f64>> = (0..=symbols)
                .map(|row| (0..space.choices()).map(|choice| weights[(3 * row + choice) % 12]).collect())
                .collect();
            let model = Bigram::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let all = model.table(space);
            let count = u32::try_from(space.count().unwrap()).unwrap();
            let indices: Vec<u32> = (0..count).filter(|&index| wanted[index as usize]).collect();
            let Ok(automaton) = LayeredAutomaton::explore(&model, 0, space);
            let mut table = all.clone();
            OutputTree::new(space, &indices).fill(&automaton, &mut table);
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let expected = |values: &[f64]| indices.iter().map(|&i| values[i as usize].to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&table.log_probs), expected(&all.log_probs));
            prop_assert_eq!(bits(&table.probs), expected(&all.probs));
        }
    }

    #[test]
    fn beginnings_are_shared() {
        let space = OutputSpace { symbols: 2, horizon: 3, ending: Ending::EndSymbol };
        // 00, 000 and 001 of ε 0 1 00 01 10 11 000 001 …
        let tree = OutputTree::new(space, &[3, 7, 8]);
        assert_eq!(tree.len(), 4);
        assert!(OutputTree::new(space, &[0]).is_empty() && OutputTree::new(space, &[]).is_empty());
    }
}
