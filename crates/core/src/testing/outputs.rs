//! The outputs of a task, one by one, where they are few.

use crate::data::{Ending, Task};

/// The outputs of a task in canonical order: by length, then by symbols. Each is the row of its tokens, with its end symbol.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The outputs, all if they are complete.
    pub rows: Vec<Vec<u32>>,
    /// Whether these are all there are.
    pub complete: bool,
}

impl Outputs {
    /// The first `most` outputs of a task.
    pub fn of(task: &Task, most: usize) -> Self {
        let (end, symbols) = (task.alphabet.end(), task.alphabet.end());
        let mut rows = Vec::new();
        let mut strings: Vec<Vec<u32>> = vec![Vec::new()];
        for length in 0..=task.horizon {
            let whole = length == task.horizon;
            if whole || task.ending == Ending::EndSymbol {
                for string in &strings {
                    if rows.len() == most {
                        return Self { rows, complete: false };
                    }
                    let mut row = string.clone();
                    row.extend((!whole).then_some(end));
                    rows.push(row);
                }
            }
            if whole {
                break;
            }
            // More strings than are wanted of their length are not needed for what follows them.
            let longer = strings.iter().flat_map(|string| {
                (0..symbols).map(move |symbol| string.iter().copied().chain([symbol]).collect())
            });
            strings = longer.take(most + 1).collect();
        }
        Self { rows, complete: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Alphabet;

    fn outputs(horizon: usize, ending: Ending, most: usize) -> Outputs {
        Outputs::of(&Task::new(Alphabet::of_chars("ab", "").unwrap(), horizon, ending), most)
    }

    #[test]
    fn all_of_them_in_canonical_order() {
        let Outputs { rows, complete } = outputs(2, Ending::EndSymbol, 100);
        assert!(complete);
        assert_eq!(rows, [vec![2], vec![0, 2], vec![1, 2], vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]]);
        assert_eq!(outputs(3, Ending::FixedLength, 100).rows.len(), 8);
        assert_eq!(outputs(9, Ending::EndSymbol, 1 << 10).rows.len(), 1023);
    }

    #[test]
    fn no_more_than_are_wanted() {
        for (horizon, ending) in [(40, Ending::EndSymbol), (40, Ending::FixedLength)] {
            let found = outputs(horizon, ending, 50);
            assert!(!found.complete && found.rows.len() == 50);
        }
        assert!(outputs(2, Ending::EndSymbol, 7).complete);
    }
}
