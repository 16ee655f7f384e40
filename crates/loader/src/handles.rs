//! Typed handles on components, which check every answer.

mod base_model;
mod judged;
mod model;
mod objective;
mod policy;
mod room;
mod shape;
mod verifier;
mod views;

pub use base_model::BaseModelHandle;
pub use judged::Judged;
pub use model::ModelHandle;
pub use objective::ObjectiveHandle;
pub use policy::PolicyHandle;
pub use shape::Shape;
pub use verifier::{IncrementalHandle, VerifierHandle};

use crate::watch;
use pstar_core::PluginError;
use pstar_core::abi::{AbiResult, ColumnWriter, Columns};
use pstar_core::author::SampleRequest;
use pstar_core::data::SequenceBatch;
use pstar_core::wire;

pub(crate) fn unwrap<T>(result: AbiResult<T>) -> Result<T, PluginError> {
    watch::left();
    result.into_result().map_err(PluginError::from)
}

/// Writes the sequences of a batch as columns and hands them to `call`.
fn with_sequences<T>(batch: &SequenceBatch<'_>, call: impl FnOnce(Columns<'_>) -> T) -> T {
    let mut writer = ColumnWriter::default();
    wire::put_sequences(&mut writer, batch);
    call(writer.columns())
}

/// Writes a sample request as columns and hands them to `call`.
fn with_request<T>(request: &SampleRequest<'_>, call: impl FnOnce(Columns<'_>) -> T) -> T {
    let mut writer = ColumnWriter::default();
    wire::put_request(&mut writer, request);
    call(writer.columns())
}
