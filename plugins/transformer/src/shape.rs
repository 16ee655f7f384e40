//! What parameters a transformer has, and in which order.

use pstar_core::rng::StreamKey;
use pstar_neural::network::{Shape, Tensor};
use serde::Deserialize;

/// How activations are brought to one size before a matrix reads them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Norm {
    /// LayerNorm (Ba, Kiros and Hinton 2016): less the mean, by the standard deviation; gain and bias.
    Layer,
    /// RMSNorm (Zhang and Sennrich 2019): by the root of the mean square; gain.
    Rms,
}

/// How a token knows where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Positions {
    /// A row of numbers for each of so many places.
    Learned(usize),
    /// Queries and keys are turned by angles in proportion to the place (Su et al. 2021), numbers j and j + half of a head
    /// together, the slowest by 1/θ a place or so: θ.
    Rotary(f64),
    /// Not at all, but by what it can see.
    None,
}

/// What stands between two matrices behind attention.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Mlp {
    /// GELU in its tanh form (Hendrycks and Gimpel 2016).
    Gelu,
    /// Gated by SiLU (Shazeer 2020).
    SwiGlu,
}

/// Where linear maps have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Biases {
    /// Those to queries, keys and values.
    pub(crate) attention: bool,
    /// The one that attention ends with.
    pub(crate) attention_output: bool,
    /// Those between attention and the next layer.
    pub(crate) mlp: bool,
}

/// The sizes and switches of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TransformerShape {
    /// Tokens that can be read: symbols, boundary, symbols that only prompts use.
    pub(crate) tokens: usize,
    /// Rows of the embedding behind those of the tokens that are read in place of the start; `None` where the start is a
    /// token of its own.
    pub(crate) context: Option<usize>,
    /// Choices at a position: symbols, and the end symbol where there is one; the first tokens.
    pub(crate) choices: usize,
    /// Numbers that stand for a token between layers.
    pub(crate) width: usize,
    /// Layers, at least 1.
    pub(crate) layers: usize,
    /// Heads that ask.
    pub(crate) heads: usize,
    /// Heads that are asked; divides `heads`.
    pub(crate) kv_heads: usize,
    /// Numbers of a head.
    pub(crate) head_size: usize,
    /// Numbers between the two matrices behind attention.
    pub(crate) inner: usize,
    pub(crate) norm: Norm,
    /// What is added to a mean square under the root.
    pub(crate) epsilon: f64,
    pub(crate) positions: Positions,
    pub(crate) mlp: Mlp,
    pub(crate) biases: Biases,
    /// Whether the embedding of a choice is its row of the head.
    pub(crate) tied: bool,
}

/// The tensors of a layer, each `None` where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    AttentionNorm,
    Query,
    Key,
    Value,
    AttentionOutput,
    MlpNorm,
    Gate,
    Up,
    Down,
}

impl Part {
    /// All of them, in the order of the parameters.
    pub(crate) const ALL: [Self; 9] = [
        Self::AttentionNorm,
        Self::Query,
        Self::Key,
        Self::Value,
        Self::AttentionOutput,
        Self::MlpNorm,
        Self::Gate,
        Self::Up,
        Self::Down,
    ];

    /// Its name within a layer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AttentionNorm => "input_layernorm",
            Self::Query => "self_attn.q_proj",
            Self::Key => "self_attn.k_proj",
            Self::Value => "self_attn.v_proj",
            Self::AttentionOutput => "self_attn.o_proj",
            Self::MlpNorm => "post_attention_layernorm",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }
}

impl TransformerShape {
    /// Rows of the embedding.
    pub(crate) fn rows(&self) -> usize {
        self.tokens + self.context.unwrap_or(0)
    }

    /// Numbers that all queries of a token have.
    pub(crate) fn queries(&self) -> usize {
        self.heads * self.head_size
    }

    /// Numbers that all keys of a token have; its values have as many.
    pub(crate) fn keys(&self) -> usize {
        self.kv_heads * self.head_size
    }

    /// The sizes of the weight of a part of a layer, and whether it has a bias; `None` where there is no such part.
    pub(crate) fn part(&self, part: Part) -> Option<(Vec<usize>, bool)> {
        let (width, biases) = (self.width, self.biases);
        let norm = (vec![width], self.norm == Norm::Layer);
        Some(match part {
            Part::AttentionNorm | Part::MlpNorm => norm,
            Part::Query => (vec![self.queries(), width], biases.attention),
            Part::Key | Part::Value => (vec![self.keys(), width], biases.attention),
            Part::AttentionOutput => (vec![width, self.queries()], biases.attention_output),
            Part::Gate if self.mlp == Mlp::Gelu => return None,
            Part::Gate | Part::Up => (vec![self.inner, width], biases.mlp),
            Part::Down => (vec![width, self.inner], biases.mlp),
        })
    }

    /// The number of parameters, where it may be too large to be counted.
    pub(crate) fn approximate_count(&self) -> f64 {
        let size = |sizes: &[usize]| sizes.iter().map(|&size| size as f64).product::<f64>();
        let part = |part: Part| {
            let (sizes, has_bias) = self.part(part)?;
            Some(size(&sizes) + if has_bias { size(&sizes[..1]) } else { 0.0 })
        };
        let layer: f64 = Part::ALL.into_iter().filter_map(part).sum();
        let norm = if self.norm == Norm::Layer { 2.0 } else { 1.0 };
        let head = if self.tied { 0 } else { self.choices };
        let rows = (self.rows() + self.places().unwrap_or(0) + head) as f64 + norm;
        self.layers as f64 * layer + rows * self.width as f64
    }

    /// The number of places that there are; `None` where there is no end of them.
    pub(crate) fn places(&self) -> Option<usize> {
        match self.positions {
            Positions::Learned(places) => Some(places),
            Positions::Rotary(_) | Positions::None => None,
        }
    }
}

impl Shape for TransformerShape {
    fn tokens(&self) -> usize {
        self.tokens
    }

    fn choices(&self) -> usize {
        self.choices
    }

    /// Those of the [crate]'s table, layer by layer.
    fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = vec![Tensor::new("model.embed_tokens.weight", &[self.rows(), self.width])];
        if let Positions::Learned(places) = self.positions {
            tensors.push(Tensor::new("model.embed_positions.weight", &[places, self.width]));
        }
        for layer in 0..self.layers {
            for part in Part::ALL {
                let Some((sizes, has_bias)) = self.part(part) else { continue };
                let name = format!("model.layers.{layer}.{}", part.name());
                tensors.push(Tensor::new(format!("{name}.weight"), &sizes));
                if has_bias {
                    tensors.push(Tensor::new(format!("{name}.bias"), &sizes[..1]));
                }
            }
        }
        tensors.push(Tensor::new("model.norm.weight", &[self.width]));
        if self.norm == Norm::Layer {
            tensors.push(Tensor::new("model.norm.bias", &[self.width]));
        }
        if !self.tied {
            tensors.push(Tensor::new("lm_head.weight", &[self.choices, self.width]));
        }
        tensors
    }

    fn text(&self) -> String {
        let Self { tokens, context, choices, width, layers, heads, kv_heads, head_size, inner, .. } = self;
        let Self { norm, epsilon, positions, mlp, biases, tied, .. } = self;
        let layers = if *layers == 1 { "1 layer".to_string() } else { format!("{layers} layers") };
        let Biases { attention, attention_output, mlp: in_mlp } = biases;
        let with_bias = [*attention, *attention_output, *in_mlp].map(|has| if has { "yes" } else { "no" });
        format!(
            "transformer, {layers} of {width}, {heads} heads of {head_size} ({kv_heads} of keys), {mlp:?} of {inner}, \
             {norm:?} norm (epsilon {epsilon:e}), positions {positions:?}, biases {}, {} head, {tokens} tokens{}, {choices} \
             choices",
            with_bias.join("/"),
            if *tied { "tied" } else { "own" },
            context.map(|rows| format!(" behind {rows} of context")).unwrap_or_default(),
        )
    }

    /// The shape itself, so that a fit in the cache can be loaded.
    fn metadata(&self) -> Vec<(String, String)> {
        crate::files::metadata(self).into_iter().collect()
    }

    /// Weights normal with variance 1 / inputs, those that add to what passes by half as wide; gains 1, biases 0;
    /// embeddings and positions normal with variance 1 / width.
    fn random(&self, key: StreamKey) -> Vec<f64> {
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for tensor in self.tensors() {
            let start = parameters.len();
            let is_norm = tensor.name.contains("norm");
            if tensor.sizes.len() == 1 {
                let value = if is_norm && tensor.name.ends_with("weight") { 1.0 } else { 0.0 };
                parameters.resize(start + tensor.len(), value);
                continue;
            }
            let adds = tensor.name.ends_with("o_proj.weight") || tensor.name.ends_with("down_proj.weight");
            let scale = if adds { 0.5 } else { 1.0 } / (tensor.sizes[1] as f64).sqrt();
            parameters.extend((start..start + tensor.len()).map(|i| scale * normal(key, i)));
        }
        parameters
    }
}

/// A standard normal number, by the transform of Box and Muller (1958).
fn normal(key: StreamKey, place: usize) -> f64 {
    #[allow(clippy::cast_possible_truncation, reason = "parameters number less than 2^32")]
    let place = place as u32;
    let radius = (-2.0 * pstar_core::math::ln(1.0 - key.uniform(0, place, 0))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * key.uniform(0, place, 1))
}
