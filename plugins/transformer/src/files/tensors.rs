//! The tensors of a safetensors file, gathered as parameters.

use super::fault::{Fault, listed};
use super::numbers;
use super::origin::Origin;
use pstar_core::shown;
use safetensors::tensor::{SafeTensors, TensorView};

const SAVE: &str =
    "save the model again with `save_pretrained`, or take the file that belongs to its `config.json`";

/// A safetensors file whose table has been read.
pub(super) struct Tensors<'a>(SafeTensors<'a>);

impl<'a> Tensors<'a> {
    /// Reads the table of a file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        let damaged = |error: safetensors::SafeTensorError| {
            let message =
                format!("expected a safetensors file, found a damaged one: {}", shown(&error.to_string()));
            Fault::new(message, "copy or download the file again")
        };
        Ok(Self(SafeTensors::deserialize(bytes).map_err(damaged)?))
    }

    /// Whether there is a tensor of a name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
    }

    /// Appends the parameters that come from here, tensor by tensor.
    ///
    /// `skipped` are names that the file may have besides.
    pub(super) fn gather(
        &self,
        origins: &[Origin<'_>],
        skipped: impl Fn(&str) -> bool,
        out: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let wanted: std::collections::HashSet<&str> =
            origins.iter().map(|origin| origin.name.as_str()).collect();
        for origin in origins {
            self.check(origin)?;
        }
        let besides = self.sorted(|name| !wanted.contains(name) && !skipped(name));
        if !besides.is_empty() {
            let message = format!(
                "expected the {} tensors of the shape, found besides {}",
                wanted.len(),
                listed(besides)
            );
            return Err(Fault::new(message, SAVE));
        }
        for origin in origins {
            let tensor = self.tensor(&origin.name)?;
            numbers::append(&origin.name, &tensor, origin.places(), out).map_err(|message| {
                Fault::new(message, "save a model whose numbers are finite, in one of these types")
            })?;
        }
        Ok(())
    }

    /// Refuses a second tensor that is not the same to the bit.
    pub(super) fn check_same(&self, second: &str, first: &str) -> Result<(), Fault> {
        let (a, b) = (self.tensor(first)?, self.tensor(second)?);
        if a.dtype() == b.dtype() && a.shape() == b.shape() && a.data() == b.data() {
            return Ok(());
        }
        let message = format!(
            "expected `{second}` equal to `{first}`, for `tie_word_embeddings` is `true`, found another one"
        );
        Err(Fault::new(message, "set `tie_word_embeddings` to `false` if the model has a head of its own"))
    }

    fn check(&self, origin: &Origin<'_>) -> Result<(), Fault> {
        let Origin { name, sizes: expected, .. } = origin;
        let tensor = self.tensor(name)?;
        let found = tensor.shape();
        if found == expected {
            return Ok(());
        }
        let is_transposed = expected.len() == 2 && expected.iter().rev().eq(found);
        let transposed = if is_transposed { ", its transpose" } else { "" };
        let message = format!("expected `{name}` of sizes {expected:?}, found {found:?}{transposed}");
        let hint = if is_transposed {
            "matrices are [outputs, inputs], except those of GPT-2's layout, which are [inputs, outputs]"
        } else {
            SAVE
        };
        Err(Fault::new(message, hint))
    }

    fn tensor(&self, name: &str) -> Result<TensorView<'a>, Fault> {
        self.0.tensor(name).map_err(|_| {
            let names = self.sorted(|_| true);
            Fault::new(format!("expected a tensor `{name}`, found only {}", listed(names)), SAVE)
        })
    }

    fn sorted(&self, filter: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut names = self.0.names();
        names.retain(|name| filter(name));
        names.sort_unstable();
        names
    }
}
