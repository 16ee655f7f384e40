//! Hashes of states, which are looked up once a symbol.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds hashers that take a multiplication a word. Nobody gains by states that collide: who makes them waits for them.
pub(super) type QuickHash = BuildHasherDefault<Quick>;

/// A polynomial in the words written so far, as rustc's own hasher has it.
#[derive(Default)]
pub(super) struct Quick(u64);

/// Odd, and of no pattern.
const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The number of bytes: "a" is not "a\0".
        self.write_u64(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    /// The first bits of a product depend on all of its factors, the last ones on few: tables want both good.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, Hash};

    fn hash(value: impl Hash) -> u64 {
        QuickHash::default().hash_one(value)
    }

    #[test]
    fn small_states_have_hashes_of_their_own() {
        let states = (0..50u8).flat_map(|a| (0..50i64).flat_map(move |b| (0..20u32).map(move |c| (a, b, c))));
        let found: HashSet<u64> = states.map(hash).collect();
        assert_eq!(found.len(), 50 * 50 * 20);
        // Those bits that a table of 4096 places looks at.
        let low: HashSet<u64> = (0..4096u64).map(|n| hash(n) % 4096).collect();
        assert!(low.len() > 2000, "{}", low.len());
    }

    #[test]
    fn texts_that_differ_in_what_lies_behind_them_do_so_in_their_hashes() {
        let texts = ["", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaab"];
        assert_eq!(texts.map(hash).into_iter().collect::<HashSet<_>>().len(), texts.len());
    }
}
