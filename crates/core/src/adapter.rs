//! From the author traits to the binary interface, on the plugin's side of the boundary: every call is guarded
//! against panics, and every batch is checked before an author sees it.

mod model;
mod objective;
mod policy;
mod verifier;

pub(crate) use model::BaseModelAdapter;
pub(crate) use objective::{ObjectiveAdapter, create_preset};
pub(crate) use policy::PolicyAdapter;
pub(crate) use verifier::VerifierAdapter;

use crate::abi::AbiResult;
use crate::config;
use crate::data::Task;
use crate::error::PluginError;
use crate::files::FileRead;
use abi_stable::std_types::{ROption, RString};

/// Reads the task that the host sent.
fn read_task(text: &str) -> Result<Task, PluginError> {
    let task: Result<Task, PluginError> = config::parse(text);
    task.map_err(|error| PluginError::contract(format!("the task cannot be read: {error}")))
}

/// The files that a component was made from, as they cross.
fn tell(files: &[FileRead]) -> AbiResult<ROption<RString>> {
    let text = ron::to_string(files).map(RString::from);
    text.map(ROption::RSome).map_err(|error| PluginError::contract(error.to_string()).into()).into()
}

/// Refuses a slice of another length than the interface says, before an author sees it.
fn same_length(what: &str, found: usize, expected: usize) -> Result<(), PluginError> {
    if found == expected {
        return Ok(());
    }
    Err(PluginError::contract(format!("the host asked for {found} {what}, expected {expected}")))
}
