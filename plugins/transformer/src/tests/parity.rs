//! Against the library transformers, on models that it saved: see `tests/parity/README.md`.

use crate::files::{self, Restriction};
use crate::network::Transformer;
use crate::prefixes::Prefixes;
use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};
use pstar_neural::block::{Matrix, TILE, WIDTH, blocks};
use pstar_neural::network::Network;
use pstar_neural::simd::InstructionSet;
use std::path::PathBuf;

/// What transformers made of a model: log-probabilities of all tokens behind each of some.
#[derive(serde::Deserialize)]
struct Expected {
    tokens: Vec<Vec<u32>>,
    log_probs_f64: Vec<Vec<Vec<f64>>>,
}

fn log_probs(logits: &Matrix, row: usize, choices: usize) -> Vec<f64> {
    let at = |choice: usize| f64::from(logits.rows(choice / WIDTH, row, 1)[0].0[choice % WIDTH]);
    let logits: Vec<f64> = (0..choices).map(at).collect();
    let sum = pstar_core::math::log_sum_exp(&logits);
    logits.iter().map(|x| x - sum).collect()
}

/// Of 23 tokens; the tolerance is ten times what `f32` of PyTorch differs by from its `f64` on such models.
#[test]
fn log_probabilities_are_those_of_transformers() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    for name in ["gpt2", "llama", "llama-tied"] {
        let text = std::fs::read(folder.join(name).join("expected.json")).unwrap();
        let expected: Expected = serde_json::from_slice(&text).unwrap();
        let alphabet = Alphabet::of_chars("abcdefghijklmnopqrstuv", "").unwrap();
        let task = Task::new(alphabet, 12, Ending::EndSymbol).in_directory(&folder);
        let (shape, parameters) = files::load(name, &Restriction::default(), &task).unwrap();
        let mut compared = 0;
        for set in InstructionSet::available() {
            let network = Transformer::new(shape.clone(), &parameters, set);
            for (tokens, expected) in expected.tokens.iter().zip(&expected.log_probs_f64) {
                // Read at once, and token by token.
                let mut steps = Prefixes::default();
                network.begin(&mut steps, &tokens[..1]);
                for (read, expected) in (1..).zip(expected) {
                    let mut at_once = Prefixes::default();
                    network.begin(&mut at_once, &tokens[..read]);
                    for prefixes in [&at_once, &steps] {
                        let mut logits = Matrix::new(blocks(23), TILE);
                        network.logits(prefixes, TILE, &mut logits);
                        for (found, expected) in log_probs(&logits, 0, 23).iter().zip(expected) {
                            assert!((found - expected).abs() < 1e-5, "{name} {read}: {found} {expected}");
                            compared += 1;
                        }
                    }
                    if let Some(&token) = tokens.get(read) {
                        let mut longer = Prefixes::default();
                        network.lengthen(&steps, &mut longer, [(0, token)].into_iter());
                        steps = longer;
                    }
                }
            }
        }
        assert!(compared >= 2 * 3 * 11 * 23, "{compared}");
    }
}
