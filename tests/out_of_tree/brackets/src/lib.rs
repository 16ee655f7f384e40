use pstar_core::author::{Incremental, Recognizer};
use pstar_core::{PluginError, Verifier};

struct Brackets;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Recognizer for Brackets {
    /// How many brackets are open.
    type State = usize;

    fn start(&self) -> Option<usize> {
        Some(0)
    }

    fn next(&self, &open: &usize, symbol: &str) -> Option<usize> {
        symbol.chars().try_fold(open, |open, c| match c {
            '(' => Some(open + 1),
            ')' => open.checked_sub(1),
            _ => Some(open),
        })
    }

    fn accepts(&self, &open: &usize) -> bool {
        open == 0
    }
}

impl Verifier for Brackets {
    const NAME: &'static str = "brackets";
    const DOC: &'static str = "valid is what closes every bracket that it opens";
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        self.next(&0, response) == Some(0)
    }

    fn incremental(&self, _prompt: &str) -> Option<Incremental> {
        Some(Incremental::new(Brackets))
    }
}

pstar_core::export_plugin!(verifiers: [Brackets]);
