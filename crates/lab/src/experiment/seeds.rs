//! Seeds: a list, of which there may be a million, or their number.

use super::reading;
use pstar_core::config::value_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;

/// Greatest number of seeds that is counted to.
pub(super) const MOST_SEEDS: u64 = 1 << 24;

/// Seeds, `[3, 5]` or `10` for 1 to 10, and where they stood.
#[derive(Clone, Debug)]
pub struct Seeds {
    /// The seeds, in the file's order.
    pub values: Vec<u64>,
    /// A number that is none of seeds.
    refused: Option<u64>,
    place: Range<usize>,
}

impl Seeds {
    /// A list that stood nowhere.
    pub fn of(values: Vec<u64>) -> Self {
        Self { values, refused: None, place: 0..0 }
    }

    /// The place in `text`, the file, with brackets; empty where it is not in there.
    pub fn place(&self, text: &str) -> Range<usize> {
        text.get(self.place.clone()).map_or(0..0, |_| self.place.clone())
    }

    /// The number that was written instead of one from 1 to [`MOST_SEEDS`].
    pub fn refused(&self) -> Option<u64> {
        self.refused
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = value_text(deserializer)?;
        let place = reading::place_of(text);
        if !text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c)) {
            return Ok(Self { values: reading::part(text)?, refused: None, place });
        }
        let count: u64 = reading::part(text)?;
        let fits = (1..=MOST_SEEDS).contains(&count);
        let values = if fits { (1..=count).collect() } else { Vec::new() };
        Ok(Self { values, refused: (!fits).then_some(count), place })
    }
}

/// As a list.
impl Serialize for Seeds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

/// Wherever they stand, and however they are written.
impl PartialEq for Seeds {
    fn eq(&self, other: &Self) -> bool {
        (&self.values, self.refused) == (&other.values, other.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        seeds: Seeds,
    }

    #[test]
    fn seeds_know_their_place() {
        let text = "(seeds: [ 7, 8,\n 9, ])";
        let File { seeds } = reading::whole(text).unwrap();
        assert_eq!((&seeds.values[..], &text[seeds.place(text)]), (&[7, 8, 9][..], "[ 7, 8,\n 9, ]"));
        let none: File = reading::whole("(seeds: [])").unwrap();
        assert_eq!((none.seeds.values.len(), none.seeds.place("(seeds: [])")), (0, 8..10));
        assert_eq!(none.seeds.place(""), 0..0);
    }

    #[test]
    fn a_number_of_seeds_is_a_list_from_1() {
        let read = |text: &str| reading::whole::<File>(text).unwrap().seeds;
        assert_eq!(read("(seeds: 3)"), read("(seeds: [1, 2, 3])"));
        assert_eq!(read("(seeds: 3)").place("(seeds: 3)"), 8..9);
        for (text, count) in [("(seeds: 0)", 0), ("(seeds: 18446744073709551615)", u64::MAX)] {
            assert_eq!((read(text).values.len(), read(text).refused()), (0, Some(count)));
        }
    }

    #[test]
    fn what_is_no_seed_is_told_at_its_place() {
        for (text, words) in [
            ("(seeds: [-1, 2])", "-1"),
            ("(seeds: [1, -2])", "-2"),
            ("(seeds: [1, 2.5])", "2.5"),
            ("(seeds: 2.5)", "2.5"),
            ("(seeds: -1)", "-1"),
        ] {
            let fault = reading::whole::<File>(text).unwrap_err();
            assert_eq!(&text[fault.place.clone()], words, "{}", fault.message);
        }
    }
}
