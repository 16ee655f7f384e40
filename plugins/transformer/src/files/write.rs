//! Parameters as files.

use super::origin::Origin;
use super::{Layout, Written, gpt2, llama, own};
use crate::shape::TransformerShape;
use pstar_neural::network::Shape;
use pstar_neural::tensor_file::is_parameter;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::BTreeMap;

/// See [`write()`](super::write()).
pub(super) fn write(layout: Layout, shape: &TransformerShape, parameters: &[f64]) -> Result<Written, String> {
    check(shape, parameters)?;
    let rows: Vec<usize> = (0..shape.rows()).collect();
    let (origins, config, entry) = match layout {
        Layout::Own => (own::origins(shape), None, (own::CONFIG, own::text(shape)?)),
        Layout::Gpt2 => {
            let config = gpt2::config(shape).map_err(|fault| cannot("GPT-2", &fault))?;
            refuse_context("GPT-2", shape)?;
            (gpt2::origins(shape, shape.tokens, &rows, "transformer."), Some(config), format())
        }
        Layout::Llama => {
            let config = llama::config(shape).map_err(|fault| cannot("Llama", &fault))?;
            refuse_context("Llama", shape)?;
            (llama::origins(shape, shape.tokens, &rows), Some(config), format())
        }
    };
    let config = config.map(|config| serde_json::to_string_pretty(&config).map(|text| text + "\n"));
    let config = config.transpose().map_err(|error| error.to_string())?;
    Ok(Written { tensors: bytes(&origins, shape, parameters, entry)?, config })
}

fn check(shape: &TransformerShape, parameters: &[f64]) -> Result<(), String> {
    let expected = shape.parameter_count();
    if parameters.len() != expected {
        return Err(format!("expected {expected} parameters, found {}", parameters.len()));
    }
    match parameters.iter().position(|&x| !is_parameter(x)) {
        Some(place) => Err(format!(
            "expected numbers that are finite as F32 in `{}`, found {:.3e}",
            shape.name_of(place),
            parameters[place]
        )),
        None => Ok(()),
    }
}

fn refuse_context(layout: &str, shape: &TransformerShape) -> Result<(), String> {
    match shape.context {
        None => Ok(()),
        Some(rows) => {
            Err(cannot(layout, &format!("expected a start of its own, found {rows} tokens of context")))
        }
    }
}

fn cannot(layout: &str, fault: &str) -> String {
    format!("the layout of {layout} cannot hold the model: {fault}; write it in the plugin's own layout")
}

/// What transformers asks of the metadata of a file.
fn format() -> (&'static str, String) {
    ("format", "pt".into())
}

/// Puts every parameter where it stands in the file. What a file has besides, rows of the head of tokens that are no
/// choices, is 0.
fn bytes(
    origins: &[Origin<'_>],
    shape: &TransformerShape,
    parameters: &[f64],
    (entry, text): (&str, String),
) -> Result<Vec<u8>, String> {
    let mut files: BTreeMap<&str, (&[usize], Vec<u8>)> = BTreeMap::new();
    let mut rest = parameters;
    for (origin, tensor) in origins.iter().zip(shape.tensors()) {
        let (values, behind) = rest.split_at(tensor.len());
        rest = behind;
        let length = 4 * origin.sizes.iter().product::<usize>();
        let (_, data) = files.entry(&origin.name).or_insert_with(|| (&origin.sizes, vec![0; length]));
        let data = data.as_chunks_mut::<4>().0;
        for (place, &x) in origin.places().zip(values) {
            #[allow(clippy::cast_possible_truncation, reason = "files hold F32")]
            let x = x as f32;
            data[place] = x.to_le_bytes();
        }
    }
    let mut views = Vec::with_capacity(files.len());
    for (name, (sizes, data)) in &files {
        let view = TensorView::new(Dtype::F32, sizes.to_vec(), data).map_err(|error| error.to_string())?;
        views.push((*name, view));
    }
    let metadata = std::iter::once((entry.to_string(), text)).collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}
