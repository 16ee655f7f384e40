//! Errors that cross the boundary.

use crate::error::{ErrorKind, PluginError};
use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult, RString};

/// A [`PluginError`] as it crosses.
#[repr(C)]
#[derive(StableAbi, Debug, Clone)]
pub struct AbiError {
    kind: u32,
    message: RString,
    hint: ROption<RString>,
    field: ROption<RString>,
    /// Line and column, from 1, in the text of the configuration.
    position: ROption<[u64; 2]>,
}

/// The result of every call across the boundary.
pub type AbiResult<T> = RResult<T, AbiError>;

impl From<PluginError> for AbiError {
    fn from(error: PluginError) -> Self {
        Self {
            kind: error.kind as u32,
            message: error.message.into(),
            hint: error.hint.map(RString::from).into(),
            field: error.field.map(RString::from).into(),
            position: error.position.map(|(line, column)| [line as u64, column as u64]).into(),
        }
    }
}

impl From<AbiError> for PluginError {
    fn from(error: AbiError) -> Self {
        Self {
            kind: ErrorKind::from_number(error.kind),
            message: error.message.into(),
            hint: error.hint.into_option().map(String::from),
            field: error.field.into_option().map(String::from),
            position: error.position.into_option().map(|[line, column]| (line as usize, column as usize)),
        }
    }
}
