//! Which groups of a batch an optimizer step is of.

use super::BatchKey;
use super::prompt_order::permutation;
use pstar_core::rng::{Purpose, StreamKey};

/// The groups of each optimizer step of a pass over a batch: at most `parts` parts of whole groups, of one size but for the
/// last, in an order of the pass. A function of key and pass, so that all arms of a seed are cut alike.
#[allow(clippy::cast_possible_truncation, reason = "there are at most 255 passes")]
pub(crate) fn minibatches(key: BatchKey, epoch: u32, groups: usize, parts: usize) -> Vec<Vec<usize>> {
    if parts == 1 {
        return vec![(0..groups).collect()];
    }
    let key = StreamKey { epoch: epoch as u8, ..StreamKey::new(key.seed, Purpose::Minibatch, key.step) };
    let order = permutation(key, groups);
    order.chunks(groups.div_ceil(parts)).map(|part| part.iter().map(|&g| g as usize).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_has_every_group_once_in_an_order_of_its_own() {
        let key = BatchKey { seed: 3, step: 5 };
        let passes: Vec<Vec<Vec<usize>>> = (0..4).map(|epoch| minibatches(key, epoch, 12, 4)).collect();
        for pass in &passes {
            assert!(pass.len() == 4 && pass.iter().all(|part| part.len() == 3));
            let mut all = pass.concat();
            all.sort_unstable();
            assert_eq!(all, (0..12).collect::<Vec<_>>());
        }
        assert!(passes.windows(2).all(|pair| pair[0] != pair[1]));
        assert_ne!(passes[0], minibatches(BatchKey { seed: 3, step: 6 }, 0, 12, 4));
        assert_eq!(minibatches(key, 1, 3, 1), [[0, 1, 2]]);
        // Where groups without verdicts were left out.
        for (groups, sizes) in [(11, vec![3, 3, 3, 2]), (3, vec![1, 1, 1]), (5, vec![2, 2, 1])] {
            let found: Vec<usize> = minibatches(key, 0, groups, 4).iter().map(Vec::len).collect();
            assert_eq!(found, sizes);
        }
    }
}
