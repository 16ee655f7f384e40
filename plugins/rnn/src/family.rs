//! What experiments configure of a GRU, and the files that it is loaded from.

use crate::config::{EMBEDDING, HIDDEN, LAYERS, LOAD, ModelConfig, PolicyConfig, Sizes};
use crate::network::Gru;
use crate::shape::GruShape;
use pstar_core::{Field, PluginError, Task};
use pstar_neural::config::{
    BATCH, CORPUS, EPOCHS, HELD_OUT, KEEP_ACTIVATIONS, LEARNING_RATE, PATIENCE, SEED, agree, check_count,
    check_sizes, needed,
};
use pstar_neural::family::Family;
use pstar_neural::tensor_file::{self, sizes};
use safetensors::SafeTensors;

impl Family for Gru {
    const NAME: &'static str = "rnn";
    const BASE_DOC: &'static str = "recurrent network (GRU) fitted to a corpus or loaded";
    const POLICY_DOC: &'static str = "recurrent network (GRU)";
    const FORMAT: &'static str = "pstar-rnn 3";
    type Sizes = Sizes;
    type Base = ModelConfig;
    type Policy = PolicyConfig;
    const BASE_FIELDS: &'static [Field] =
        &[HIDDEN, LAYERS, EMBEDDING, LOAD, CORPUS, EPOCHS, BATCH, LEARNING_RATE, HELD_OUT, PATIENCE, SEED];
    const POLICY_FIELDS: &'static [Field] = &[HIDDEN, LAYERS, EMBEDDING, LOAD, KEEP_ACTIVATIONS];

    fn shape_of(sizes: &Sizes, task: &Task) -> Result<GruShape, PluginError> {
        let hidden = needed("hidden", sizes.hidden)?;
        let (layers, embedding) = (sizes.layers.unwrap_or(1), sizes.embedding.unwrap_or(hidden));
        check_sizes(&[("hidden", hidden), ("layers", layers), ("embedding", embedding)])?;
        let (tokens, choices) = (task.alphabet.tokens() as f64, task.choices() as f64);
        let (h, e, l) = (hidden as f64, embedding as f64, layers as f64);
        let first = 3.0 * h * (e + h + 2.0);
        let count = tokens * e + first + (l - 1.0) * 3.0 * h * (2.0 * h + 2.0) + choices * (h + 1.0);
        check_count(count, "hidden")?;
        Ok(GruShape::new(task, embedding, hidden, layers))
    }

    fn load(path: &str, sizes: &Sizes, task: &Task) -> Result<(GruShape, Vec<f64>), PluginError> {
        let bytes = tensor_file::bytes(path, task)?;
        let (shape, parameters) = tensor_file::read(&bytes, |file| shape(file, task)).map_err(|fault| {
            let (tokens, choices) = (task.alphabet.tokens(), task.choices());
            PluginError::config("load", format!("file `{path}`: {fault}")).with_hint(format!(
                "save a state dict of finite numbers: `embedding` (an `nn.Embedding` of {tokens} tokens: symbols, \
                 boundary, symbols of prompts), `gru` and `output` (an `nn.Linear` to {choices} choices: symbols and \
                 any end symbol)"
            ))
        })?;
        agree(&[
            ("hidden", sizes.hidden, shape.hidden),
            ("layers", sizes.layers, shape.layers),
            ("embedding", sizes.embedding, shape.embedding),
        ])?;
        Ok((shape, parameters))
    }
}

/// The sizes that the file's first tensors imply; the numbers of tokens and choices are those of the task.
fn shape(file: &SafeTensors<'_>, task: &Task) -> Result<GruShape, String> {
    let embedding = sizes(file, "embedding.weight")?;
    let recurrent = sizes(file, "gru.weight_hh_l0")?;
    let has_layer = |layer: &usize| file.tensor(&format!("gru.weight_hh_l{layer}")).is_ok();
    let layers = (0..file.len()).take_while(has_layer).count();
    let (&[_, embedding], &[_, hidden]) = (&embedding[..], &recurrent[..]) else {
        return Err(format!(
            "expected matrices as `embedding.weight` and `gru.weight_hh_l0`, found sizes {embedding:?} and \
             {recurrent:?}"
        ));
    };
    if embedding == 0 || hidden == 0 {
        return Err(format!(
            "expected at least one unit, found {embedding} of the embedding and {hidden} hidden"
        ));
    }
    Ok(GruShape::new(task, embedding, hidden, layers))
}
