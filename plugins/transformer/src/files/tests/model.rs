//! A folder with a model, to be spoiled.

use super::super::{Restriction, load};
use crate::shape::TransformerShape;
use pstar_core::{PluginError, Task};
use pstar_neural::network::{Shape, Tensor};
use safetensors::Dtype;
use safetensors::tensor::{SafeTensors, TensorView};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) struct Model(TempDir);

/// The tensors of a file: type, sizes, bytes.
pub(super) type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

impl Model {
    /// An empty folder.
    pub(super) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        fs::create_dir(directory.path().join("m")).unwrap();
        Self(directory)
    }

    /// One of the models that transformers made.
    pub(super) fn of(fixture: &str) -> Self {
        let model = Self::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(fixture);
        for name in ["config.json", "model.safetensors"] {
            model.write(name, fs::read(from.join(name)).unwrap());
        }
        model
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("m").join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The same with another value of a field of `config.json`.
    pub(super) fn with(self, field: &str, value: Value) -> Self {
        self.configure(|config| config[field] = value)
    }

    /// The same without a field of `config.json`.
    pub(super) fn without(self, field: &str) -> Self {
        self.configure(|config| {
            config.as_object_mut().unwrap().remove(field).unwrap();
        })
    }

    fn configure(self, change: impl FnOnce(&mut Value)) -> Self {
        let mut config = serde_json::from_slice(&fs::read(self.path("config.json")).unwrap()).unwrap();
        change(&mut config);
        self.write("config.json", config.to_string());
        self
    }

    /// The tensors of its file.
    pub(super) fn tensors(&self) -> Tensors {
        tensors(&fs::read(self.path("model.safetensors")).unwrap())
    }

    /// The same with changed tensors.
    pub(super) fn retouched(self, change: impl FnOnce(&mut Tensors)) -> Self {
        let mut tensors = self.tensors();
        change(&mut tensors);
        let views = tensors.iter().map(|(name, (dtype, sizes, data))| {
            (name, TensorView::new(*dtype, sizes.clone(), data).unwrap())
        });
        self.write("model.safetensors", safetensors::serialize(views, None).unwrap());
        self
    }

    pub(super) fn load(
        &self,
        restriction: &Restriction,
        task: &Task,
    ) -> Result<(TransformerShape, Vec<f64>), PluginError> {
        load("m", restriction, &task.clone().in_directory(self.0.path()))
    }

    /// Loads a file of the folder, rather than the folder.
    pub(super) fn load_file(
        &self,
        name: &str,
        restriction: &Restriction,
        task: &Task,
    ) -> Result<(TransformerShape, Vec<f64>), PluginError> {
        load(&format!("m/{name}"), restriction, &task.clone().in_directory(self.0.path()))
    }
}

pub(super) fn tensors(bytes: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let entry = |(name, view): (String, TensorView<'_>)| {
        (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
    };
    file.tensors().into_iter().map(entry).collect()
}

/// The values of an F32 tensor.
pub(super) fn values(tensors: &Tensors, name: &str) -> Vec<f64> {
    let (dtype, _, data) = &tensors[name];
    assert_eq!(*dtype, Dtype::F32);
    data.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect()
}

/// The parameters of a tensor.
pub(super) fn tensor<'a>(shape: &TransformerShape, parameters: &'a [f64], name: &str) -> &'a [f64] {
    let mut start = 0;
    for tensor in shape.tensors() {
        let end = start + Tensor::len(&tensor);
        if tensor.name == name {
            return &parameters[start..end];
        }
        start = end;
    }
    panic!("no tensor `{name}`")
}

pub(super) fn field_and_message(error: &PluginError) -> (String, String) {
    assert!(error.hint.is_some(), "no advice with `{error}`");
    (error.field.clone().unwrap(), error.message.clone())
}
