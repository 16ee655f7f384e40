//! The binary interface: every type of `abi_stable` that the project uses stays behind this module.
//!
//! Data crosses as [`Columns`]: named, flat, typed slices. A reader asks for the columns that it knows and
//! ignores the others, so that batches can grow without a change of layout. Text (configurations, the task, a
//! declaration) crosses as RON for the same reason.
#![allow(
    unsafe_code,
    non_local_definitions,
    non_camel_case_types,
    missing_debug_implementations,
    missing_docs,
    clippy::used_underscore_binding,
    clippy::expl_impl_clone_on_copy,
    clippy::pedantic,
    reason = "what the derives of abi_stable set off"
)]

mod columns;
mod error;
mod guard;
mod key;
mod root;
mod traits;
#[cfg(test)]
mod written;

pub use abi_stable::library::{
    __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
};
pub use columns::{
    Column, ColumnData, ColumnWriter, Columns, Element, Numbers, OwnedColumn, OwnedColumns, OwnedData,
};
pub use error::{AbiError, AbiResult};
pub(crate) use guard::{Guarded, guard, install_panic_hook};
pub use key::BoundaryKey;
pub use root::{Create, Entry, Entry_Ref, PluginRoot, PluginRoot_Ref};
pub use traits::{
    AbiBaseModel, AbiBaseModel_TO, AbiIncremental, AbiIncremental_TO, AbiObjective, AbiObjective_TO,
    AbiPolicy, AbiPolicy_TO, AbiVerifier, AbiVerifier_TO, BaseModelBox, IncrementalBox, ObjectiveBox,
    PolicyBox, VerifierBox,
};
