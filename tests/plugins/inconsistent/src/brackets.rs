//! Balanced brackets, nested to some depth, and to any depth where they are read one by one.

use pstar_core::author::{Incremental, Recognizer};
use pstar_core::{PluginError, Verifier};
use serde::Deserialize;

pub(crate) struct Brackets {
    depth: usize,
}

/// `()`, or `(depth: 2)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default = "one")]
    depth: usize,
}

fn one() -> usize {
    1
}

/// Any depth.
struct Reader;

impl Recognizer for Reader {
    type State = usize;

    fn start(&self) -> Option<usize> {
        Some(0)
    }

    fn next(&self, &open: &usize, symbol: &str) -> Option<usize> {
        match symbol {
            "(" => Some(open + 1),
            ")" => open.checked_sub(1),
            _ => None,
        }
    }

    fn accepts(&self, &open: &usize) -> bool {
        open == 0
    }
}

impl Verifier for Brackets {
    const NAME: &'static str = "inconsistent";
    const DOC: &'static str = "accepts has a limit of depth, incremental has none";
    type Config = Config;

    fn new(Config { depth }: Config) -> Result<Self, PluginError> {
        Ok(Self { depth })
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        let mut open = 0usize;
        for symbol in response.chars() {
            match (symbol, open.checked_sub(1)) {
                ('(', _) if open < self.depth => open += 1,
                (')', Some(fewer)) => open = fewer,
                _ => return false,
            }
        }
        open == 0
    }

    fn incremental(&self, _prompt: &str) -> Option<Incremental> {
        Some(Incremental::new(Reader))
    }
}
