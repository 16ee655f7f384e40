//! Parameters in a safetensors file.

use crate::network::{Shape, Tensor};
use pstar_core::files::sha256;
use pstar_core::{PluginError, Task, shown};
use safetensors::Dtype;
use safetensors::tensor::{SafeTensors, TensorView};

/// The metadata entry that holds the SHA-256 of all values.
const CHECKSUM: &str = "sha256";

/// How many names of tensors a message lists.
const MOST_NAMES: usize = 12;

/// The bytes of a file that `load` names.
///
/// # Errors
/// Of kind [`Config`](pstar_core::ErrorKind::Config), at `load`, where it cannot be read.
pub fn bytes(path: &str, task: &Task) -> Result<Vec<u8>, PluginError> {
    task.read(path).map_err(|error| {
        let full = task.directory.join(path);
        let message = format!("the file `{}` cannot be read: {error}", full.display());
        PluginError::config("load", message).with_hint("relative paths start at the experiment file")
    })
}

/// Reads a file of exactly the tensors of a shape, which `shape` takes from the file.
///
/// # Errors
/// In words, where the file is damaged, a tensor is missing, not expected or of another shape, or a value is no finite
/// number.
pub fn read<S: Shape>(
    bytes: &[u8],
    shape: impl FnOnce(&SafeTensors<'_>) -> Result<S, String>,
) -> Result<(S, Vec<f64>), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("expected a safetensors file, found a damaged one: {}", shown(&error.to_string()))
    })?;
    let shape = shape(&file)?;
    let tensors = shape.tensors();
    let mut unexpected: Vec<&str> = file.names();
    unexpected.retain(|name| tensors.iter().all(|tensor| tensor.name != *name));
    unexpected.sort_unstable();
    if let Some(name) = unexpected.first() {
        let names: Vec<String> = tensors.iter().map(|tensor| format!("`{}`", tensor.name)).collect();
        return Err(format!("expected the tensors {}, found `{}` besides", names.join(", "), shown(name)));
    }
    let mut parameters = Vec::with_capacity(shape.parameter_count());
    for tensor in &tensors {
        values(&file, tensor, &mut parameters)?;
    }
    Ok((shape, parameters))
}

fn tensor<'a>(file: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, String> {
    file.tensor(name).map_err(|_| {
        let mut names = file.names();
        names.sort_unstable();
        let mut found: Vec<String> =
            names.iter().take(MOST_NAMES).map(|name| format!("`{}`", shown(name))).collect();
        if names.len() > MOST_NAMES {
            found.push(format!("{} more", names.len() - MOST_NAMES));
        }
        let found =
            if found.is_empty() { "none at all".into() } else { format!("only {}", found.join(", ")) };
        format!("expected a tensor `{name}`, found {found}")
    })
}

/// The sizes of a tensor.
///
/// # Errors
/// In words, where the file has none of the name.
pub fn sizes(file: &SafeTensors<'_>, name: &str) -> Result<Vec<usize>, String> {
    Ok(tensor(file, name)?.shape().to_vec())
}

/// Appends the values of a tensor.
fn values(file: &SafeTensors<'_>, expected: &Tensor, out: &mut Vec<f64>) -> Result<(), String> {
    let name = &expected.name;
    let found = tensor(file, name)?;
    if found.shape() != expected.sizes {
        return Err(format!("expected `{name}` of sizes {:?}, found {:?}", expected.sizes, found.shape()));
    }
    let start = out.len();
    let data = found.data();
    match found.dtype() {
        Dtype::F32 => {
            out.extend(data.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))));
        }
        Dtype::F64 => out.extend(data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes))),
        other => return Err(format!("expected `{name}` as F32 or F64, found {other}")),
    }
    match out[start..].iter().position(|&x| !is_parameter(x)) {
        Some(place) => {
            let found = out[start + place];
            Err(format!(
                "expected numbers that are finite as F32 in `{name}`, found {found:.3e} at place {place}"
            ))
        }
        None => Ok(()),
    }
}

/// Whether a number is finite, as an `f32` too.
#[allow(clippy::cast_possible_truncation, reason = "computations are in f32")]
pub fn is_parameter(x: f64) -> bool {
    (x as f32).is_finite()
}

/// Writes parameters that are `f32` numbers, with a checksum.
///
/// # Errors
/// In words, where they are not of the shape.
pub fn write(shape: &impl Shape, parameters: &[f64]) -> Result<Vec<u8>, String> {
    #[allow(clippy::cast_possible_truncation, reason = "the values are f32 numbers")]
    let bytes: Vec<u8> = parameters.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let mut rest = bytes.as_slice();
    let mut views = Vec::new();
    for Tensor { name, sizes } in shape.tensors() {
        let (data, behind) = rest.split_at(4 * sizes.iter().product::<usize>());
        rest = behind;
        let view = TensorView::new(Dtype::F32, sizes, data).map_err(|error| error.to_string())?;
        views.push((name, view));
    }
    let own = std::iter::once((CHECKSUM.to_string(), checksum(parameters)));
    let metadata = own.chain(shape.metadata()).collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// As [`read`], for what [`write()`] wrote of a shape: the values must be the same to the bit.
pub(crate) fn read_back(bytes: &[u8], shape: &impl Shape) -> Result<Vec<f64>, String> {
    let (_, parameters) = read(bytes, |_| Ok(shape.clone()))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let expected = header.metadata().as_ref().and_then(|metadata| metadata.get(CHECKSUM));
    if expected != Some(&checksum(&parameters)) {
        return Err("expected the values that the file's checksum is of, found others".into());
    }
    Ok(parameters)
}

fn checksum(parameters: &[f64]) -> String {
    let bytes: Vec<u8> = parameters.iter().flat_map(|x| x.to_le_bytes()).collect();
    sha256(&bytes)
}
