//! The file that `automaton.py` writes and describes.

use std::path::Path;
use std::str::FromStr;

/// A weighted automaton that reads `horizon` symbols from state 0.
#[derive(Debug)]
pub struct Automaton {
    /// Number of states.
    pub states: usize,
    /// Number of symbols.
    pub symbols: usize,
    /// Number of symbols of an output.
    pub horizon: usize,
    /// For each state, whether an output that ends there is valid.
    pub accepts: Vec<bool>,
    /// States × symbols.
    pub targets: Vec<usize>,
    /// States × symbols.
    pub log_probs: Vec<f64>,
}

impl Automaton {
    /// Reads the file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut fields = text.split_whitespace();
        let [states, symbols, horizon] = [0; 3].map(|_| next(&mut fields));
        let mut automaton = Self {
            states,
            symbols,
            horizon,
            accepts: Vec::new(),
            targets: Vec::new(),
            log_probs: Vec::new(),
        };
        for _ in 0..states {
            automaton.accepts.push(next::<u8>(&mut fields) == 1);
            for _ in 0..symbols {
                automaton.targets.push(next(&mut fields));
                automaton.log_probs.push(next(&mut fields));
            }
        }
        automaton
    }
}

fn next<'a, T: FromStr>(fields: &mut impl Iterator<Item = &'a str>) -> T {
    fields.next().and_then(|field| field.parse().ok()).expect("a number")
}
