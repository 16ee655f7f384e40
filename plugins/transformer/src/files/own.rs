//! The plugin's own layout: one file, with the tensors of the [shape](TransformerShape) by their names, and the shape as
//! JSON in the metadata entry `config`.

use super::config;
use super::fault::Fault;
use super::origin::Origin;
use super::tensors::Tensors;
use super::{check_size, check_task};
use crate::shape::{Biases, Mlp, Norm, Positions, TransformerShape};
use pstar_core::{Task, shown};
use pstar_neural::network::Shape;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

/// The metadata entry that holds the shape.
pub(super) const CONFIG: &str = "config";

const HINT: &str = "name a file that this plugin wrote in its own layout; a model in the layout of GPT-2 or Llama is \
                    named by its folder, with `config.json` beside `model.safetensors`";

/// [`TransformerShape`] as JSON.
#[derive(Serialize, Deserialize)]
#[serde(remote = "TransformerShape", deny_unknown_fields)]
struct ShapeText {
    tokens: usize,
    context: Option<usize>,
    choices: usize,
    width: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    head_size: usize,
    inner: usize,
    #[serde(with = "NormText")]
    norm: Norm,
    epsilon: f64,
    #[serde(with = "PositionsText")]
    positions: Positions,
    #[serde(with = "MlpText")]
    mlp: Mlp,
    #[serde(with = "BiasesText")]
    biases: Biases,
    tied: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Norm")]
enum NormText {
    Layer,
    Rms,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Positions")]
enum PositionsText {
    Learned(usize),
    Rotary(f64),
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mlp")]
enum MlpText {
    Gelu,
    SwiGlu,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Biases", deny_unknown_fields)]
struct BiasesText {
    attention: bool,
    attention_output: bool,
    mlp: bool,
}

/// The shape as the metadata entry says it.
pub(super) fn text(shape: &TransformerShape) -> Result<String, String> {
    let mut text = Vec::new();
    ShapeText::serialize(shape, &mut serde_json::Serializer::new(&mut text))
        .map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// Shape and parameters of a file.
pub(super) fn load(bytes: &[u8], task: &Task) -> Result<(TransformerShape, Vec<f64>), Fault> {
    let tensors = Tensors::open(bytes)?;
    let shape = shape(bytes)?;
    check_sizes(&shape)?;
    config::check(&shape)?;
    let expected = (task.alphabet.tokens(), task.choices());
    let found = (shape.tokens, shape.choices);
    if expected != found {
        let message = format!(
            "expected {} tokens and {} choices, as the experiment has, found {} and {}",
            expected.0, expected.1, found.0, found.1
        );
        return Err(Fault::new(message, "load a model that was made with the same symbols and ending"));
    }
    check_size(&shape)?;
    check_task(&shape, task)?;
    let mut parameters = Vec::with_capacity(shape.parameter_count());
    tensors.gather(&origins(&shape), |_| false, &mut parameters)?;
    Ok((shape, parameters))
}

fn shape(bytes: &[u8]) -> Result<TransformerShape, Fault> {
    // The table has been read once, so this is no second place to find it damaged.
    let header = SafeTensors::read_metadata(bytes).ok();
    let text = header.as_ref().and_then(|(_, header)| header.metadata().as_ref()?.get(CONFIG));
    let text = text.ok_or_else(|| {
        Fault::new(format!("expected the shape in a metadata entry `{CONFIG}`, found none"), HINT)
    })?;
    ShapeText::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
        let error = shown(&error.to_string());
        Fault::new(
            format!("expected the shape in the metadata entry `{CONFIG}`, found a fault: {error}"),
            HINT,
        )
    })
}

/// Refuses sizes whose products could overflow, and numbers that no network has.
fn check_sizes(shape: &TransformerShape) -> Result<(), Fault> {
    const MOST: usize = 1 << 20;
    let TransformerShape { tokens, choices, width, layers, heads, kv_heads, head_size, inner, .. } = *shape;
    let sizes = [
        ("tokens", tokens),
        ("choices", choices),
        ("width", width),
        ("layers", layers),
        ("heads", heads),
        ("kv_heads", kv_heads),
        ("head_size", head_size),
        ("inner", inner),
        ("positions", shape.places().unwrap_or(1)),
        // A context may be empty.
        ("context", shape.context.unwrap_or(1).max(1)),
    ];
    if let Some((name, size)) = sizes.into_iter().find(|(_, size)| !(1..=MOST).contains(size)) {
        return Err(Fault::new(format!("expected `{name}` in [1, {MOST}], found {size}"), HINT));
    }
    let theta = if let Positions::Rotary(theta) = shape.positions { theta } else { 1.0 };
    for (name, number) in [("epsilon", shape.epsilon), ("positions", theta)] {
        if !(number > 0.0 && number.is_finite()) {
            return Err(Fault::new(
                format!("expected `{name}` as a finite number above 0, found {number}"),
                HINT,
            ));
        }
    }
    Ok(())
}

/// Where the parameters of a shape stand: each tensor in one of the same name.
pub(super) fn origins(shape: &TransformerShape) -> Vec<Origin<'static>> {
    shape.tensors().into_iter().map(Origin::same).collect()
}
