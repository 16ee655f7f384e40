//! The layout of Llama (Touvron et al. 2023) and of models that share it, in the library transformers: their fields and
//! defaults, and their tensors, which this plugin calls by the same names.

mod rope;
mod window;

use super::config::refused;
use super::fault::Fault;
use super::fields::Fields;
use super::origin::Origin;
use crate::shape::{Biases, Mlp, Norm, Positions, TransformerShape};
use pstar_core::shown;
use pstar_neural::network::Shape;
use serde_json::{Value, json};

pub(super) const EMBEDDING: &str = "model.embed_tokens.weight";

/// What a model type takes for the fields that a `config.json` leaves out.
#[derive(Debug)]
pub(super) struct Family {
    name: &'static str,
    vocabulary: usize,
    inner: usize,
    /// As many as there are heads, where there is none.
    kv_heads: Option<usize>,
    /// Which biases there are: as the fields say, or queries, keys and values alone, or none.
    biases: FamilyBiases,
}

#[derive(Debug)]
enum FamilyBiases {
    AsConfigured,
    QueryKeyValue,
    None,
}

const LLAMA: Family = Family {
    name: "llama",
    vocabulary: 32_000,
    inner: 11_008,
    kv_heads: None,
    biases: FamilyBiases::AsConfigured,
};
const MISTRAL: Family = Family {
    name: "mistral",
    vocabulary: 32_000,
    inner: 14_336,
    kv_heads: Some(8),
    biases: FamilyBiases::None,
};
const QWEN2: Family = Family {
    name: "qwen2",
    vocabulary: 151_936,
    inner: 22_016,
    kv_heads: Some(32),
    biases: FamilyBiases::QueryKeyValue,
};
const FAMILIES: [&Family; 3] = [&LLAMA, &MISTRAL, &QWEN2];

/// The family of a model type.
pub(super) fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.into_iter().find(|family| family.name == name)
}

/// The model types of this layout.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().map(|family| family.name)
}

/// The shape that a `config.json` gives.
pub(super) fn shape(fields: Fields<'_>, family: &Family) -> Result<TransformerShape, Fault> {
    let activation = fields.text("hidden_act")?.unwrap_or("silu");
    if activation != "silu" {
        return Err(refused("hidden_act", "`silu`", &format!("`{}`", shown(activation))));
    }
    window::refuse(fields, family.name)?;
    let width = fields.size("hidden_size")?.unwrap_or(4096);
    let heads = fields.size("num_attention_heads")?.unwrap_or(32);
    // The default stands where the field is missing; `null` is as many as there are heads.
    let default = family.kv_heads.filter(|_| !fields.has("num_key_value_heads")).unwrap_or(heads);
    let vocabulary = fields.size("vocab_size")?.unwrap_or(family.vocabulary);
    Ok(TransformerShape {
        tokens: vocabulary,
        context: None,
        choices: vocabulary,
        width,
        layers: fields.size("num_hidden_layers")?.unwrap_or(32),
        heads,
        kv_heads: fields.size("num_key_value_heads")?.unwrap_or(default),
        head_size: head_size(fields, width, heads)?,
        inner: fields.size("intermediate_size")?.unwrap_or(family.inner),
        norm: Norm::Rms,
        epsilon: fields.positive("rms_norm_eps")?.unwrap_or(1e-6),
        positions: Positions::Rotary(rope::theta(fields)?),
        mlp: Mlp::SwiGlu,
        biases: biases(fields, family)?,
        tied: fields.flag("tie_word_embeddings")?.unwrap_or(false),
    })
}

fn head_size(fields: Fields<'_>, width: usize, heads: usize) -> Result<usize, Fault> {
    match fields.size("head_dim")? {
        Some(size) => Ok(size),
        None if width.is_multiple_of(heads) => Ok(width / heads),
        None => {
            let message = format!(
                "expected `head_dim`, or `hidden_size` as a multiple of `num_attention_heads` {heads}, found {width}"
            );
            Err(Fault::new(message, "take the file that was published with the model"))
        }
    }
}

fn biases(fields: Fields<'_>, family: &Family) -> Result<Biases, Fault> {
    Ok(match family.biases {
        FamilyBiases::AsConfigured => {
            let attention = fields.flag("attention_bias")?.unwrap_or(false);
            let mlp = fields.flag("mlp_bias")?.unwrap_or(false);
            Biases { attention, attention_output: attention, mlp }
        }
        FamilyBiases::QueryKeyValue => Biases { attention: true, attention_output: false, mlp: false },
        FamilyBiases::None => Biases { attention: false, attention_output: false, mlp: false },
    })
}

/// Whether a tensor holds the speeds of rotary positions, which older files hold and which `rope_theta` gives.
pub(super) fn is_speeds(name: &str, layers: usize) -> bool {
    let layer_and_name = name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
    layer_and_name.is_some_and(|(layer, name)| {
        layer.parse().is_ok_and(|layer: usize| layer < layers) && name == "self_attn.rotary_emb.inv_freq"
    })
}

/// Where the parameters of a shape come from in a file of `vocabulary` tokens; `rows` are those of the embedding.
pub(super) fn origins<'a>(shape: &TransformerShape, vocabulary: usize, rows: &'a [usize]) -> Vec<Origin<'a>> {
    let sizes = [vocabulary, shape.width];
    let origin = |tensor: pstar_neural::network::Tensor| match tensor.name.as_str() {
        EMBEDDING => Origin::rows(EMBEDDING, sizes, rows),
        "lm_head.weight" => Origin::rows("lm_head.weight", sizes, &rows[..shape.choices]),
        _ => Origin::same(tensor),
    };
    shape.tensors().into_iter().map(origin).collect()
}

/// The `config.json` of a shape; in words, what this layout cannot say of it.
pub(super) fn config(shape: &TransformerShape) -> Result<Value, String> {
    let Positions::Rotary(theta) = shape.positions else {
        return Err(format!("expected rotary positions, found {:?}", shape.positions));
    };
    if shape.norm != Norm::Rms || shape.mlp != Mlp::SwiGlu {
        return Err(format!("expected RMSNorm and SwiGLU, found {:?} and {:?}", shape.norm, shape.mlp));
    }
    let Biases { attention, attention_output, mlp } = shape.biases;
    let (family, architecture) = match (attention, attention_output, mlp) {
        (true, false, false) => (&QWEN2, "Qwen2ForCausalLM"),
        (attention, output, _) if attention == output => (&LLAMA, "LlamaForCausalLM"),
        _ => {
            return Err(format!(
                "expected biases in attention everywhere, or nowhere, or at queries, keys and values alone and then \
                 nowhere else, found {:?}",
                shape.biases
            ));
        }
    };
    let mut config = json!({
        "architectures": [architecture],
        "model_type": family.name,
        "vocab_size": shape.tokens,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "rms_norm_eps": shape.epsilon,
        "rope_theta": theta,
        "tie_word_embeddings": shape.tied,
    });
    if family.name == LLAMA.name {
        config["attention_bias"] = attention.into();
        config["mlp_bias"] = mlp.into();
    }
    Ok(config)
}
