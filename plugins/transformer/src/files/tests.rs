//! Models of the library transformers, files made by hand, and what is refused.

mod damaged;
mod fixtures;
mod model;
mod refused_configs;
mod refused_tensors;
mod restricted;
mod round_trips;
mod saved;

use super::{Layout, Restriction, write};
use crate::shape::{Biases, Mlp, Norm, Positions, TransformerShape};
use model::{Model, field_and_message, tensor};
use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};

/// A task of 23 tokens, as many as the models of the fixtures have.
fn task() -> Task {
    task_of(4, Ending::EndSymbol)
}

fn task_of(horizon: usize, ending: Ending) -> Task {
    let alphabet = Alphabet::of_chars("abcdefghijklmnopqrst", "=+").unwrap();
    Task::new(alphabet, horizon, ending).with_prompts(vec![Vec::new(), vec![3, 21]])
}

/// The refusal of a model: the field, and the message without the folder.
fn refusal(model: &Model, restriction: &Restriction, task: &Task) -> (String, String) {
    field_and_message(&model.load(restriction, task).unwrap_err())
}
