//! What a `config.json` says of a model: which layout its tensors have, and which shape.

use super::fault::{Fault, listed};
use super::fields::{self, Fields};
use super::{Layout, gpt2, llama};
use crate::shape::{Positions, TransformerShape};

/// A model as it was published.
#[derive(Debug)]
pub(super) struct Published {
    /// Where its tensors stand.
    pub(super) layout: Layout,
    /// Its shape when every token of its vocabulary is a token and a choice.
    pub(super) shape: TransformerShape,
}

/// Reads a `config.json`.
pub(super) fn read(bytes: &[u8]) -> Result<Published, Fault> {
    let value = fields::parse(bytes)?;
    let fields = Fields::of_file(&value)?;
    let found = fields.text("model_type")?;
    let (layout, shape) = match found {
        Some(gpt2::MODEL_TYPE) => (Layout::Gpt2, gpt2::shape(fields)?),
        Some(name) if let Some(family) = llama::family(name) => {
            (Layout::Llama, llama::shape(fields, family)?)
        }
        _ => return Err(unknown(found)),
    };
    check(&shape)?;
    Ok(Published { layout, shape })
}

fn unknown(found: Option<&str>) -> Fault {
    let found = found.map_or("none".into(), |name| format!("`{}`", pstar_core::shown(name)));
    let known = std::iter::once(gpt2::MODEL_TYPE).chain(llama::names());
    let message = format!("expected a `model_type` among {}, found {found}", listed(known));
    Fault::new(message, "convert the model to one of these, if it is one of them by another name")
}

/// Refuses sizes that do not go together.
pub(super) fn check(shape: &TransformerShape) -> Result<(), Fault> {
    let TransformerShape { heads, kv_heads, head_size, .. } = *shape;
    if !heads.is_multiple_of(kv_heads) {
        let message = format!(
            "expected a number of key-value heads that divides the {heads} attention heads, found {kv_heads}"
        );
        return Err(Fault::new(message, "every key-value head is asked by as many heads as every other"));
    }
    if matches!(shape.positions, Positions::Rotary(_)) && !head_size.is_multiple_of(2) {
        let message =
            format!("expected heads of an even size, as rotary positions turn pairs, found {head_size}");
        return Err(Fault::new(message, "give `head_dim`, or a width that makes it even"));
    }
    Ok(())
}

/// Refuses a field that changes what a model computes in a way that is not supported.
pub(super) fn refused(name: &str, expected: &str, found: &str) -> Fault {
    let message = format!("expected `{name}` {expected}, found {found}");
    Fault::new(
        message,
        "models that compute otherwise are not supported; changing the field would not change the model",
    )
}
