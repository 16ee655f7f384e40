//! A permutation read symbol by symbol.

use pstar_core::author::Recognizer;

/// Accepts the permutations of some characters, or nothing. A state is the set of those that were read, a bit each; of equal
/// characters the first ones, so that equal beginnings have equal states whatever their order.
pub(crate) struct Unused(Option<Vec<char>>);

impl Unused {
    /// The greatest number of characters.
    pub(crate) const MOST: usize = 64;

    /// Of these characters, or of none at all; `None` if they are too many.
    pub(crate) fn new(given: Option<&str>) -> Option<Self> {
        let characters: Option<Vec<char>> = given.map(|given| given.chars().collect());
        let few = characters.as_ref().is_none_or(|characters| characters.len() <= Self::MOST);
        few.then_some(Self(characters))
    }

    fn missing(&self, read: u64) -> impl Iterator<Item = (usize, char)> {
        let characters = self.0.iter().flatten().copied().enumerate();
        characters.filter(move |(place, _)| read >> place & 1 == 0)
    }
}

impl Recognizer for Unused {
    type State = u64;

    fn start(&self) -> Option<u64> {
        self.0.as_ref().map(|_| 0)
    }

    fn next(&self, &read: &u64, symbol: &str) -> Option<u64> {
        symbol.chars().try_fold(read, |read, character| {
            let (place, _) = self.missing(read).find(|(_, missing)| *missing == character)?;
            Some(read | 1 << place)
        })
    }

    fn accepts(&self, &read: &u64) -> bool {
        self.0.is_some() && self.missing(read).next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn read(given: &str, symbols: &[&str]) -> Option<u64> {
        let reader = Unused::new(Some(given)).unwrap();
        symbols.iter().try_fold(reader.start()?, |state, symbol| reader.next(&state, symbol))
    }

    #[test]
    fn a_state_is_the_set_of_what_was_read() {
        assert_eq!(read("123", &["3", "1"]), Some(0b101));
        assert_eq!(read("123", &["1", "3"]), Some(0b101));
        assert_eq!(read("123", &["13", ""]), Some(0b101));
        assert_eq!(read("1232", &["2"]), Some(0b10));
        assert_eq!(read("1232", &["2", "2"]), Some(0b1010));
        for wrong in [&["4"][..], &["1", "1"], &["1", "2", "3", "1"], &["é"], &["14"]] {
            assert_eq!(read("123", wrong), None, "{wrong:?}");
        }
    }

    /// 2^n for n different characters, however many orders they have.
    #[test]
    fn there_are_as_many_states_as_subsets() {
        let reader = Unused::new(Some("12345678")).unwrap();
        let mut states = BTreeSet::from([reader.start().unwrap()]);
        for _ in 0..8 {
            let next = |state: &u64| ["1", "2", "3", "4", "5", "6", "7", "8"].map(|c| reader.next(state, c));
            let more: Vec<u64> = states.iter().flat_map(next).flatten().collect();
            states.extend(more);
        }
        assert_eq!(states.len(), 256);
        assert_eq!(states.iter().filter(|state| reader.accepts(state)).count(), 1);
    }

    #[test]
    fn too_many_characters_have_no_states() {
        let most = "x".repeat(64);
        assert_eq!(read(&most, &[most.as_str()]), Some(u64::MAX));
        assert!(Unused::new(Some(&"x".repeat(65))).is_none());
        assert_eq!(Unused::new(None).unwrap().start(), None);
    }
}
