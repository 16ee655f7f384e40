//! What a component answers when it cannot do what it was asked.

use thiserror::Error;

/// What kind of failure a [`PluginError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration is faulty.
    Config = 1,
    /// The component cannot do this with the data it was given.
    Data = 2,
    /// The component panicked: a defect of the plugin.
    Panic = 3,
    /// The component broke a rule of the interface: a defect of the plugin.
    Contract = 4,
    /// The component does not offer this.
    Unsupported = 5,
}

impl ErrorKind {
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Config,
            2 => Self::Data,
            3 => Self::Panic,
            5 => Self::Unsupported,
            _ => Self::Contract,
        }
    }
}

/// What a component answers when it cannot do what it was asked.
///
/// Messages are lower case without a full stop, with values in backticks, and say what was expected and what
/// was found: "`alpha` must be in [0, 1), found `1.5`".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct PluginError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The field of the configuration that is at fault.
    pub field: Option<String>,
    /// Line and column, in characters from 1, in the text of the configuration.
    pub position: Option<(usize, usize)>,
}

impl PluginError {
    /// An error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, field: None, position: None }
    }

    /// A fault in the field `field` of the configuration.
    pub fn config(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorKind::Config, message) }
    }

    /// The component cannot work with the data it was given.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// The component broke a rule of the interface.
    pub fn contract(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Contract, message)
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
