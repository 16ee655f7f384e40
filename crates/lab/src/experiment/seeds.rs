//! The list of seeds, of which there may be a million.

use super::reading;
use ron::value::RawValue;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Range;

/// Seeds as they are listed, and where the list begins. A list that remembers its whole place is read twice, which takes
/// a second for a million of them.
#[derive(Clone, Debug)]
pub struct Seeds {
    /// The seeds, in the file's order.
    pub values: Vec<u64>,
    start: usize,
}

impl Seeds {
    /// A list that stood nowhere.
    pub fn of(values: Vec<u64>) -> Self {
        Self { values, start: usize::MAX }
    }

    /// The list in `text`, the file, with its brackets; empty where it is not in there.
    pub fn place(&self, text: &str) -> Range<usize> {
        // An empty list has no first seed to stand at: it is behind the word.
        let within = if self.values.is_empty() { text.rfind("seeds") } else { Some(self.start) };
        let brackets = within.and_then(|within| {
            let opening = if self.values.is_empty() {
                within + text.get(within..)?.find('[')?
            } else {
                text.get(..within)?.rfind('[')?
            };
            Some(opening..opening + text.get(opening..)?.find(']')? + 1)
        });
        brackets.unwrap_or(0..0)
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

impl Serialize for Seeds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

/// Wherever they stand.
impl PartialEq for Seeds {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Seeds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of seeds")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seeds, A::Error> {
        // The first alone is taken as text, which tells where it stands.
        let Some(first) = list.next_element::<&RawValue>()? else {
            return Ok(Seeds { values: Vec::new(), start: 0 });
        };
        let first = first.trim().get_ron();
        let mut values = vec![reading::part(first)?];
        while let Some(seed) = list.next_element()? {
            values.push(seed);
        }
        Ok(Seeds { values, start: reading::place_of(first).start })
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
    fn what_is_no_seed_is_told_at_its_place() {
        for (text, words) in
            [("(seeds: [-1, 2])", "-1"), ("(seeds: [1, -2])", "-2"), ("(seeds: [1, 2.5])", "2.5")]
        {
            let fault = reading::whole::<File>(text).unwrap_err();
            assert_eq!(&text[fault.place.clone()], words, "{}", fault.message);
        }
    }
}
