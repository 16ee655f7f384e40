//! A folder as it is published: `config.json`, `model.safetensors`, and for a model of texts `tokenizer.json`.

use super::config::{self, Published};
use super::fault::Fault;
use super::rows::{self, Rows};
use super::tensors::Tensors;
use super::tokenizer::Tokenizer;
use super::{Layout, Restriction, bytes, check_size, check_task, gpt2, llama};
use crate::shape::TransformerShape;
use pstar_core::{PluginError, Task};
use pstar_neural::network::Shape;
use std::path::Path;

const TENSORS: &str = "model.safetensors";

/// Shape and parameters of the model in a folder.
pub(super) fn load(
    folder: &str,
    restriction: &Restriction,
    task: &Task,
) -> Result<(TransformerShape, Vec<f64>), PluginError> {
    let path = inside(folder, "config.json");
    let published = config::read(&bytes::read(&path, task)?).map_err(|fault| fault.of_file(&path))?;
    let Rows { rows, context } = rows(folder, &published, restriction, task)?;
    let shape = TransformerShape {
        tokens: task.alphabet.tokens(),
        context,
        choices: task.choices(),
        ..published.shape.clone()
    };
    check_size(&shape).map_err(|fault| fault.of_file(&path))?;
    check_task(&shape, task).map_err(|fault| fault.of_file(&path))?;
    let path = inside(folder, TENSORS);
    refuse_shards(folder, task).map_err(|fault| fault.of_file(&path))?;
    let bytes = bytes::read(&path, task)?;
    let parameters = parameters(&bytes, &published, &shape, &rows).map_err(|fault| fault.of_file(&path))?;
    Ok((shape, parameters))
}

fn inside(folder: &str, name: &str) -> String {
    Path::new(folder).join(name).display().to_string()
}

/// The rows that are used.
fn rows(
    folder: &str,
    published: &Published,
    restriction: &Restriction,
    task: &Task,
) -> Result<Rows, PluginError> {
    let (path, vocabulary) = (inside(folder, "tokenizer.json"), published.shape.tokens);
    if task.directory.join(&path).exists() {
        let tokenizer = Tokenizer::read(&bytes::read(&path, task)?);
        let rows =
            tokenizer.and_then(|tokenizer| rows::restricted(&tokenizer, vocabulary, restriction, task));
        return rows.map_err(|fault| fault.of_file(&path));
    }
    if let Some(field) = restriction.given() {
        let message = format!("expected this file, which `{field}` is read by, found none");
        let hint = format!("put the model's `tokenizer.json` into the folder, or leave `{field}` out");
        return Err(Fault::new(message, hint).at_field(field).of_file(&path));
    }
    rows::all(vocabulary, task).map_err(|fault| fault.of_file(&inside(folder, "config.json")))
}

fn refuse_shards(folder: &str, task: &Task) -> Result<(), Fault> {
    let folder = task.directory.join(folder);
    let index = format!("{TENSORS}.index.json");
    if folder.join(TENSORS).exists() || !folder.join(&index).exists() {
        return Ok(());
    }
    let message = format!("expected all tensors in one file, found them in several, which `{index}` lists");
    Err(Fault::new(message, "save the model again with `max_shard_size` above its size"))
}

fn parameters(
    bytes: &[u8],
    published: &Published,
    shape: &TransformerShape,
    rows: &[usize],
) -> Result<Vec<f64>, Fault> {
    let tensors = Tensors::open(bytes)?;
    let (vocabulary, layers) = (published.shape.tokens, shape.layers);
    let mut parameters = Vec::with_capacity(shape.parameter_count());
    let is_head_of_tied = |name: &str| shape.tied && name == "lm_head.weight";
    if published.layout == Layout::Gpt2 {
        let prefix = gpt2::prefix(|name| tensors.has(name));
        check_head(&tensors, shape, &gpt2::embedding(prefix))?;
        let origins = gpt2::origins(shape, vocabulary, rows, prefix);
        let skipped = |name: &str| is_head_of_tied(name) || gpt2::is_mask(name, prefix, layers);
        tensors.gather(&origins, skipped, &mut parameters)?;
    } else {
        check_head(&tensors, shape, llama::EMBEDDING)?;
        let origins = llama::origins(shape, vocabulary, rows);
        let skipped = |name: &str| is_head_of_tied(name) || llama::is_speeds(name, layers);
        tensors.gather(&origins, skipped, &mut parameters)?;
    }
    Ok(parameters)
}

/// Some files hold the head though it is tied; it must then be the embedding.
fn check_head(tensors: &Tensors<'_>, shape: &TransformerShape, embedding: &str) -> Result<(), Fault> {
    if shape.tied && tensors.has("lm_head.weight") {
        tensors.check_same("lm_head.weight", embedding)?;
    }
    Ok(())
}
