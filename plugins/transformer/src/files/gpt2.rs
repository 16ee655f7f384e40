//! The layout of GPT-2 (Radford et al. 2019) in the library transformers: its fields and their defaults, and its tensors.

use super::config::refused;
use super::fault::Fault;
use super::fields::Fields;
use super::origin::{Origin, Take};
use crate::shape::{Biases, Mlp, Norm, Part, Positions, TransformerShape};
use pstar_core::shown;
use serde_json::{Value, json};

/// Its name in a `config.json`.
pub(super) const MODEL_TYPE: &str = "gpt2";

/// What the names of tensors begin with, where they do; the head's never does.
const PREFIX: &str = "transformer.";

const EMBEDDING: &str = "wte.weight";

/// The names of the one activation that is supported: GELU with a tanh.
const ACTIVATIONS: [&str; 2] = ["gelu_new", "gelu_pytorch_tanh"];

/// The shape that a `config.json` gives.
pub(super) fn shape(fields: Fields<'_>) -> Result<TransformerShape, Fault> {
    refuse_switches(fields)?;
    let width = fields.size("n_embd")?.unwrap_or(768);
    let heads = fields.size("n_head")?.unwrap_or(12);
    if !width.is_multiple_of(heads) {
        let message = format!("expected `n_embd` as a multiple of `n_head` {heads}, found {width}");
        return Err(Fault::new(message, "take the file that was published with the model"));
    }
    let vocabulary = fields.size("vocab_size")?.unwrap_or(50_257);
    Ok(TransformerShape {
        tokens: vocabulary,
        context: None,
        choices: vocabulary,
        width,
        layers: fields.size("n_layer")?.unwrap_or(12),
        heads,
        kv_heads: heads,
        head_size: width / heads,
        inner: fields.size("n_inner")?.unwrap_or(4 * width),
        norm: Norm::Layer,
        epsilon: fields.positive("layer_norm_epsilon")?.unwrap_or(1e-5),
        positions: Positions::Learned(fields.size("n_positions")?.unwrap_or(1024)),
        mlp: Mlp::Gelu,
        biases: Biases { attention: true, attention_output: true, mlp: true },
        tied: fields.flag("tie_word_embeddings")?.unwrap_or(true),
    })
}

fn refuse_switches(fields: Fields<'_>) -> Result<(), Fault> {
    let activation = fields.text("activation_function")?.unwrap_or(ACTIVATIONS[0]);
    if !ACTIVATIONS.contains(&activation) {
        let expected = format!("`{}` or `{}`", ACTIVATIONS[0], ACTIVATIONS[1]);
        return Err(refused("activation_function", &expected, &format!("`{}`", shown(activation))));
    }
    for (name, expected) in [
        ("scale_attn_weights", true),
        ("scale_attn_by_inverse_layer_idx", false),
        ("add_cross_attention", false),
    ] {
        let found = fields.flag(name)?.unwrap_or(expected);
        if found != expected {
            return Err(refused(name, &format!("`{expected}`"), &format!("`{found}`")));
        }
    }
    Ok(())
}

/// What the names of a file's tensors begin with, given whether it has a tensor.
pub(super) fn prefix(has: impl Fn(&str) -> bool) -> &'static str {
    if has(&format!("{PREFIX}{EMBEDDING}")) { PREFIX } else { "" }
}

/// The name of the embedding.
pub(super) fn embedding(prefix: &str) -> String {
    format!("{prefix}{EMBEDDING}")
}

/// Whether a tensor is the mask of a layer, which older files hold and which is the same in all of them.
pub(super) fn is_mask(name: &str, prefix: &str, layers: usize) -> bool {
    let layer_and_name = name.strip_prefix(prefix).and_then(|name| name.strip_prefix("h."));
    let Some((layer, name)) = layer_and_name.and_then(|rest| rest.split_once('.')) else { return false };
    layer.parse().is_ok_and(|layer: usize| layer < layers) && matches!(name, "attn.bias" | "attn.masked_bias")
}

/// Where the parameters of a shape come from in a file of `vocabulary` tokens; `rows` are those of the embedding.
pub(super) fn origins<'a>(
    shape: &TransformerShape,
    vocabulary: usize,
    rows: &'a [usize],
    prefix: &str,
) -> Vec<Origin<'a>> {
    let width = shape.width;
    let vector = |name: String| Origin { name, sizes: vec![width], take: Take::All };
    let mut origins = vec![Origin::rows(embedding(prefix), [vocabulary, width], rows)];
    if let Some(places) = shape.places() {
        origins.push(Origin {
            name: format!("{prefix}wpe.weight"),
            sizes: vec![places, width],
            take: Take::All,
        });
    }
    for layer in 0..shape.layers {
        for part in Part::ALL {
            let Some((sizes, _)) = shape.part(part) else { continue };
            let (name, block) = source(part);
            let name = format!("{prefix}h.{layer}.{name}");
            let [outputs, inputs] = sizes[..] else {
                origins.extend(["weight", "bias"].map(|kind| vector(format!("{name}.{kind}"))));
                continue;
            };
            let (columns, from) = block.map_or((outputs, 0), |block| (3 * outputs, block * outputs));
            let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
            let take = Take::Columns(from, outputs);
            origins.push(Origin { name: weight, sizes: vec![inputs, columns], take });
            origins.push(Origin { name: bias, sizes: vec![columns], take: Take::Span(from, outputs) });
        }
    }
    origins.extend(["weight", "bias"].map(|kind| vector(format!("{prefix}ln_f.{kind}"))));
    if !shape.tied {
        origins.push(Origin::rows("lm_head.weight", [vocabulary, width], &rows[..shape.choices]));
    }
    origins
}

/// What a part of a layer is called, and which of three blocks of columns of a matrix it is, where it is one.
fn source(part: Part) -> (&'static str, Option<usize>) {
    match part {
        Part::AttentionNorm => ("ln_1", None),
        Part::Query => ("attn.c_attn", Some(0)),
        Part::Key => ("attn.c_attn", Some(1)),
        Part::Value => ("attn.c_attn", Some(2)),
        Part::AttentionOutput => ("attn.c_proj", None),
        Part::MlpNorm => ("ln_2", None),
        // GPT-2 has no gate; shapes that have one are not of this layout.
        Part::Gate | Part::Up => ("mlp.c_fc", None),
        Part::Down => ("mlp.c_proj", None),
    }
}

/// The `config.json` of a shape; in words, what this layout cannot say of it.
pub(super) fn config(shape: &TransformerShape) -> Result<Value, String> {
    let Positions::Learned(places) = shape.positions else {
        return Err(format!("expected learned positions, found {:?}", shape.positions));
    };
    let Biases { attention, attention_output, mlp } = shape.biases;
    let TransformerShape { width, heads, kv_heads, head_size, .. } = *shape;
    if shape.norm != Norm::Layer || shape.mlp != Mlp::Gelu {
        return Err(format!("expected LayerNorm and GELU, found {:?} and {:?}", shape.norm, shape.mlp));
    }
    if !(attention && attention_output && mlp) {
        return Err(format!("expected biases everywhere, found {:?}", shape.biases));
    }
    if kv_heads != heads || heads * head_size != width {
        return Err(format!(
            "expected {heads} heads of keys, which make up the width {width}, found {kv_heads}, of {head_size} each"
        ));
    }
    Ok(json!({
        "architectures": ["GPT2LMHeadModel"],
        "model_type": MODEL_TYPE,
        "vocab_size": shape.tokens,
        "n_positions": places,
        "n_embd": width,
        "n_layer": shape.layers,
        "n_head": heads,
        "n_inner": shape.inner,
        "activation_function": ACTIVATIONS[0],
        "layer_norm_epsilon": shape.epsilon,
        "tie_word_embeddings": shape.tied,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }))
}
