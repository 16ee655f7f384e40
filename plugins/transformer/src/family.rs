//! What experiments configure of a transformer.

use crate::config::{
    BIASES, CONTEXT, END, HEADS, INNER, KV_HEADS, LAYERS, LOAD, MLP, ModelConfig, NORM, POSITIONS,
    PolicyConfig, PositionsConfig, SAVE, Sizes, TIED, WIDTH,
};
use crate::files::{self, Restriction};
use crate::network::Transformer;
use crate::shape::{Biases, Mlp, Norm, Positions, TransformerShape};
use pstar_core::{Field, PluginError, Task};
use pstar_neural::config::{
    BATCH, CORPUS, EPOCHS, HELD_OUT, KEEP_ACTIVATIONS, LEARNING_RATE, PATIENCE, SEED, agree, check_count,
    check_sizes, needed,
};
use pstar_neural::family::Family;

/// What is added under the roots of norms of networks that are not loaded.
const EPSILON: f64 = 1e-5;

impl Family for Transformer {
    const NAME: &'static str = "transformer";
    const BASE_DOC: &'static str = "transformer fitted to a corpus or loaded";
    const POLICY_DOC: &'static str = "transformer";
    const FORMAT: &'static str = "pstar-transformer 1";
    type Sizes = Sizes;
    type Base = ModelConfig;
    type Policy = PolicyConfig;
    const BASE_FIELDS: &'static [Field] = &[
        WIDTH,
        LAYERS,
        HEADS,
        KV_HEADS,
        INNER,
        NORM,
        POSITIONS,
        MLP,
        BIASES,
        TIED,
        LOAD,
        CONTEXT,
        END,
        CORPUS,
        SAVE,
        EPOCHS,
        BATCH,
        LEARNING_RATE,
        HELD_OUT,
        PATIENCE,
        SEED,
    ];
    const POLICY_FIELDS: &'static [Field] = &[
        WIDTH,
        LAYERS,
        HEADS,
        KV_HEADS,
        INNER,
        NORM,
        POSITIONS,
        MLP,
        BIASES,
        TIED,
        LOAD,
        CONTEXT,
        END,
        KEEP_ACTIVATIONS,
    ];

    fn shape_of(sizes: &Sizes, task: &Task) -> Result<TransformerShape, PluginError> {
        for (name, given) in [("context", &sizes.context), ("end", &sizes.end)] {
            if given.is_some() {
                let message = format!("`{name}` is of a model that is loaded, but there is no `load`");
                return Err(PluginError::config(name, message).with_hint(format!("leave `{name}` out")));
            }
        }
        let width = needed("width", sizes.width)?;
        let (layers, heads) = (sizes.layers.unwrap_or(2), sizes.heads.unwrap_or(4));
        let kv_heads = sizes.kv_heads.unwrap_or(heads);
        let mlp = sizes.mlp.unwrap_or(Mlp::SwiGlu);
        let inner = sizes.inner.unwrap_or(match mlp {
            Mlp::Gelu => width.saturating_mul(4),
            Mlp::SwiGlu => width.saturating_mul(8).div_ceil(3),
        });
        let sizes_given = [
            ("width", width),
            ("layers", layers),
            ("heads", heads),
            ("kv_heads", kv_heads),
            ("inner", inner),
        ];
        check_sizes(&sizes_given)?;
        divides(("heads", heads), ("width", width))?;
        divides(("kv_heads", kv_heads), ("heads", heads))?;
        let head_size = width / heads;
        let positions = match sizes.positions.unwrap_or(PositionsConfig::None) {
            PositionsConfig::None => Positions::None,
            PositionsConfig::Learned => Positions::Learned(places(task)),
            PositionsConfig::Rotary { theta } => {
                check_rotary(theta, head_size)?;
                Positions::Rotary(theta)
            }
        };
        let biases = sizes.biases.unwrap_or(false);
        let shape = TransformerShape {
            tokens: task.alphabet.tokens(),
            context: None,
            choices: task.choices(),
            width,
            layers,
            heads,
            kv_heads,
            head_size,
            inner,
            norm: sizes.norm.unwrap_or(Norm::Rms),
            epsilon: EPSILON,
            positions,
            mlp,
            biases: Biases { attention: biases, attention_output: biases, mlp: biases },
            tied: sizes.tied.unwrap_or(false),
        };
        check_count(shape.approximate_count(), "width")?;
        Ok(shape)
    }

    fn fitted(
        shape: &TransformerShape,
        parameters: &[f64],
        sizes: &Sizes,
        task: &Task,
    ) -> Result<(), PluginError> {
        match &sizes.save {
            Some(folder) => files::save(&task.directory.join(folder), shape, parameters),
            None => Ok(()),
        }
    }

    fn load(path: &str, sizes: &Sizes, task: &Task) -> Result<(TransformerShape, Vec<f64>), PluginError> {
        if sizes.save.is_some() {
            let message = "`save` is for a fit to a corpus, but the parameters are loaded";
            return Err(PluginError::config("save", message).with_hint("leave `save` out"));
        }
        let restriction = Restriction { context: sizes.context.clone(), end: sizes.end.clone() };
        let (shape, parameters) = files::load(path, &restriction, task)?;
        agree(&[
            ("width", sizes.width, shape.width),
            ("layers", sizes.layers, shape.layers),
            ("heads", sizes.heads, shape.heads),
            ("kv_heads", sizes.kv_heads, shape.kv_heads),
            ("inner", sizes.inner, shape.inner),
        ])?;
        refuse_switches(sizes)?;
        Ok((shape, parameters))
    }
}

/// Refuses switches beside a file, which has them.
fn refuse_switches(sizes: &Sizes) -> Result<(), PluginError> {
    let given = [
        ("norm", sizes.norm.is_some()),
        ("positions", sizes.positions.is_some()),
        ("mlp", sizes.mlp.is_some()),
        ("biases", sizes.biases.is_some()),
        ("tied", sizes.tied.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            let message = format!("`{name}` is for a network that is not loaded: the file of `load` says it");
            Err(PluginError::config(name, message).with_hint(format!("leave `{name}` out")))
        }
        None => Ok(()),
    }
}

/// Places that sequences of a task have: the start, the longest prompt, and the output but its last token, which is not
/// read.
fn places(task: &Task) -> usize {
    let longest = task.prompts.iter().map(Vec::len).max().unwrap_or(0);
    longest + task.horizon.max(1)
}

/// Refuses a size that does not divide another one.
fn divides((name, value): (&str, usize), (of, whole): (&str, usize)) -> Result<(), PluginError> {
    if whole.is_multiple_of(value) {
        return Ok(());
    }
    let message = format!("`{name}` must divide `{of}`, found `{value}` and `{whole}`");
    Err(PluginError::config(name, message))
}

/// Refuses angles that cannot be.
fn check_rotary(theta: f64, head_size: usize) -> Result<(), PluginError> {
    if !(theta > 1.0 && theta.is_finite()) {
        let message = format!("`theta` must be a number above 1, found `{theta}`");
        return Err(PluginError::config("positions", message));
    }
    if !head_size.is_multiple_of(2) {
        let message =
            format!("`Rotary` turns pairs of numbers: expected heads of an even size, found {head_size}");
        return Err(PluginError::config("positions", message)
            .with_hint("let `width` / `heads` be even, or use other `positions`"));
    }
    Ok(())
}
