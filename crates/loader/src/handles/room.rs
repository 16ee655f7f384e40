//! Room for samples that a component writes to, made of the memory of earlier ones.

use pstar_core::PluginError;
use pstar_core::author::Samples;
use pstar_core::data::RaggedBuffer;

/// Tokens that room is made for at once: beyond them sequences may end so early that most of it would be for nothing.
const MOST: usize = 1 << 20;

/// Memory for sequences of a horizon.
pub(super) struct Room {
    pub(super) tokens: Vec<u32>,
    pub(super) log_probs: Vec<f64>,
    /// Where each sequence begins, the first at 0, and where the last ends.
    pub(super) offsets: Vec<u64>,
}

impl Room {
    /// Room for so many sequences of at most `horizon` tokens, in the place of `samples`; `None` where that is too much.
    pub(super) fn of(samples: &mut Samples, rows: usize, horizon: usize) -> Option<Self> {
        let most = rows.checked_mul(horizon).filter(|&most| most <= MOST)?;
        let Samples { tokens, mut log_probs, .. } = std::mem::take(samples);
        let (mut offsets, mut tokens) = tokens.into_parts();
        tokens.resize(most.max(tokens.len()), 0);
        log_probs.resize(most.max(log_probs.len()), 0.0);
        offsets.resize(rows + 1, 0);
        offsets[0] = 0;
        Some(Self { tokens, log_probs, offsets })
    }

    /// The samples that the component `name` wrote.
    ///
    /// # Errors
    /// If what it wrote are no rows in the room.
    pub(super) fn written(self, name: &str) -> Result<Samples, PluginError> {
        let Self { mut tokens, mut log_probs, offsets } = self;
        let end = offsets.last().and_then(|&end| usize::try_from(end).ok());
        if let Some(end) = end.filter(|&end| end <= tokens.len()) {
            tokens.truncate(end);
            log_probs.truncate(end);
            if let Some(tokens) = RaggedBuffer::from_parts(offsets, tokens) {
                return Ok(Samples::new(tokens, log_probs));
            }
        }
        Err(PluginError::contract(format!("`{name}` gave samples whose ends do not fit their tokens")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_rows_are_those_that_were_written() {
        let mut samples = Samples::default();
        for (rows, ends) in [(2, vec![1, 3]), (3, vec![0, 2, 6]), (1, vec![2]), (0, vec![])] {
            let mut room = Room::of(&mut samples, rows, 2).unwrap();
            assert!(room.tokens.len() >= 2 * rows && room.log_probs.len() == room.tokens.len());
            room.offsets[1..].copy_from_slice(&ends);
            samples = room.written("m").unwrap();
            assert_eq!(samples.tokens.view().offsets()[1..], ends);
            assert_eq!(samples.log_probs.len(), samples.tokens.view().values().len());
        }
    }

    #[test]
    fn ends_outside_of_the_room_are_refused() {
        for ends in [[1, 5], [2, 1], [u64::MAX, u64::MAX]] {
            let mut room = Room::of(&mut Samples::default(), 2, 2).unwrap();
            room.offsets[1..].copy_from_slice(&ends);
            assert!(room.written("m").is_err(), "{ends:?}");
        }
        assert!(Room::of(&mut Samples::default(), usize::MAX, 2).is_none());
        assert!(Room::of(&mut Samples::default(), MOST, 2).is_none());
    }
}
