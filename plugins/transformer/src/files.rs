//! The files that transformers are loaded from and written to.
//!
//! `load` names one of two things.
//!
//! # A folder
//!
//! holds `config.json` and `model.safetensors` as the library transformers saves them, with the `model_type`s `gpt2`,
//! `llama`, `mistral` (without a window) and `qwen2`. Numbers are F32, F64, F16 or BF16, and are taken exactly. The
//! tensors of layer *i*, whose names begin with `h.i.` (`transformer.h.i.` in some files) or `model.layers.i.`:
//!
//! | here, and in Llama's layout | sizes | in GPT-2's layout | sizes |
//! |---|---|---|---|
//! | `model.embed_tokens.weight` | vocabulary × width | `wte.weight` | vocabulary × width |
//! | `model.embed_positions.weight` (here alone) | places × width | `wpe.weight` | places × width |
//! | `input_layernorm` | width | `ln_1` | width |
//! | `self_attn.{q,k,v}_proj` | heads·size × width | `attn.c_attn` | width × 3·width |
//! | `self_attn.o_proj` | width × heads·size | `attn.c_proj` | width × width |
//! | `post_attention_layernorm` | width | `ln_2` | width |
//! | `mlp.{gate,up}_proj` | inner × width | `mlp.c_fc` (there is no gate) | width × inner |
//! | `mlp.down_proj` | width × inner | `mlp.c_proj` | inner × width |
//! | `model.norm` | width | `ln_f` | width |
//! | `lm_head.weight`, unless tied | vocabulary × width | `lm_head.weight`, unless tied | vocabulary × width |
//!
//! Keys and values have as many heads as `num_key_value_heads` says. A weight's name ends with `.weight`, and the bias
//! beside it, where there is one, with `.bias`. Matrices are \[outputs, inputs\], but those of a layer in GPT-2's layout \[inputs, outputs\]. GPT-2's masks
//! (`attn.bias`, `attn.masked_bias`) and older Llamas' speeds (`rotary_emb.inv_freq`) are skipped; a head beside
//! `tie_word_embeddings: true` must be equal to the embedding; any other tensor is refused. Fields that are missing in
//! `config.json` are what transformers takes for them; dropouts do not count; fields that change what is computed in a
//! way that is not supported are refused.
//!
//! Without a `tokenizer.json` the model must be of the experiment's alphabet: as many tokens, in the order of
//! [`Alphabet`](pstar_core::data::Alphabet), the boundary read as the start and chosen as the end.
//!
//! With a `tokenizer.json` (byte-level BPE) the model is *restricted*: each symbol and the text `end` must be exactly one
//! of its tokens, and only the rows of these are kept. The text `context`, behind the tokens that the tokenizer itself
//! puts first, is read as the tokenizer reads it, and stands in place of the start; an empty prompt behind an empty context
//! is refused. Where outputs do not end, `end` may be left out: the boundary, which nobody reads then, has the row of the
//! first symbol. This is an exactly defined base model,
//! whose next symbol has the model's probability among the symbols and the end alone. It is not the model conditioned on
//! writing symbols, which would weigh every step by what can come behind it; and an output is one token per symbol, never
//! the tokenizer's own reading of its text.
//!
//! # A file
//!
//! in the plugin's own layout holds the tensors by the names of the left column, the embedding with the rows of the
//! context behind those of the tokens, the head with the rows of the choices alone, and the shape as JSON in the metadata
//! entry `config`.

mod bytes;
mod config;
mod fault;
mod fields;
mod folder;
mod gpt2;
mod llama;
mod numbers;
mod origin;
mod own;
mod rows;
mod save;
mod tensors;
mod tokenizer;
mod write;

pub(crate) use save::save;

use crate::shape::{Part, TransformerShape};
use fault::Fault;
use pstar_core::{PluginError, Task};
use pstar_neural::config::check_count;

/// What an experiment configures of how a published model is restricted to its symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restriction {
    /// The text that is read before every prompt, in place of the start.
    pub(crate) context: Option<String>,
    /// The text whose token ends an output.
    pub(crate) end: Option<String>,
}

impl Restriction {
    /// The first field that is given.
    fn given(&self) -> Option<&'static str> {
        let fields = [("context", &self.context), ("end", &self.end)];
        fields.into_iter().find(|(_, text)| text.is_some()).map(|(name, _)| name)
    }
}

/// How files call and lay out tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The plugin's own.
    Own,
    /// GPT-2's.
    Gpt2,
    /// That of Llama and its kin.
    Llama,
}

/// A model as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The bytes of `model.safetensors`.
    pub(crate) tensors: Vec<u8>,
    /// The text of `config.json`; none in the plugin's own layout.
    pub(crate) config: Option<String>,
}

/// What a file in the plugin's own layout says of its shape.
pub(crate) fn metadata(shape: &TransformerShape) -> Option<(String, String)> {
    own::text(shape).ok().map(|text| (own::CONFIG.to_string(), text))
}

/// Shape and parameters of what `load` names, in the order of
/// [`tensors`](pstar_neural::network::Shape::tensors), each in row-major order.
///
/// Memory: the file's bytes and the parameters; rows that are not wanted are not converted.
///
/// # Errors
/// Of kind [`Config`](pstar_core::ErrorKind::Config), at `load`, `context` or `end`, where a file cannot be read, is not
/// as the [module](self) says, or does not go with the task.
pub(crate) fn load(
    path: &str,
    restriction: &Restriction,
    task: &Task,
) -> Result<(TransformerShape, Vec<f64>), PluginError> {
    if task.directory.join(path).is_dir() {
        return folder::load(path, restriction, task);
    }
    if let Some(field) = restriction.given() {
        let message =
            format!("expected a folder with `tokenizer.json`, which `{field}` is read by, found a file");
        return Err(Fault::new(message, format!("leave `{field}` out")).at_field(field).of_file(path));
    }
    own::load(&bytes::read(path, task)?, task).map_err(|fault| fault.of_file(path))
}

/// The files of a model in a layout, its parameters rounded to F32.
///
/// The layouts of GPT-2 and Llama have a row of the head for every token; those of tokens that are no choices are 0, so
/// whoever reads the files elsewhere must restrict the softmax to the first choices.
///
/// # Errors
/// In words, where the layout cannot hold the shape, or the parameters are not of the shape or not finite as F32.
pub(crate) fn write(layout: Layout, shape: &TransformerShape, parameters: &[f64]) -> Result<Written, String> {
    write::write(layout, shape, parameters)
}

/// Refuses more parameters than there may be.
fn check_size(shape: &TransformerShape) -> Result<(), Fault> {
    let parts = Part::ALL.into_iter().filter_map(|part| shape.part(part));
    let layer: f64 = parts.map(|(sizes, _)| sizes.iter().map(|&size| size as f64).product::<f64>()).sum();
    let head = if shape.tied { 0 } else { shape.choices };
    let rows = (shape.rows() + shape.places().unwrap_or(0) + head) as f64;
    let count = rows * shape.width as f64 + shape.layers as f64 * layer;
    check_count(count, "load").map_err(|error| Fault::new(error.message, "load a smaller model"))
}

/// The greatest number of tokens that are read in a task: the context or the start, the prompt, and the output but its
/// last token.
pub(crate) fn tokens_read(shape: &TransformerShape, task: &Task) -> usize {
    shape.context.unwrap_or(1) + longest_prompt(task) + task.horizon.saturating_sub(1)
}

fn longest_prompt(task: &Task) -> usize {
    task.prompts.iter().map(Vec::len).max().unwrap_or(0)
}

/// Refuses a task whose sequences have more tokens than there are places, or whose first choice has nothing behind it.
fn check_task(shape: &TransformerShape, task: &Task) -> Result<(), Fault> {
    let start = shape.context.unwrap_or(1);
    if start == 0 && task.prompts.iter().any(Vec::is_empty) {
        let message = "expected a token before the first choice, found none: there is an empty prompt, no `context`, and \
                       no token that the tokenizer puts first";
        return Err(Fault::new(message, "give a `context`, or no empty prompt"));
    }
    let prompt = longest_prompt(task);
    let read = tokens_read(shape, task);
    match shape.places() {
        Some(places) if places < read => {
            let message = format!(
                "expected places for {read} tokens ({start} before the prompt, {prompt} of the longest prompt, {} of the \
                 horizon but its last), found {places}",
                task.horizon.saturating_sub(1)
            );
            Err(Fault::new(
                message,
                "make `horizon`, prompts or `context` shorter, or load a model of more places",
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
