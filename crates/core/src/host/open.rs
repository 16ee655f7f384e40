//! Opening a plugin file.
#![allow(unsafe_code, reason = "takes the root of a file whose layout was checked")]

use super::shape::Shape;
use super::{BaseModelHandle, ObjectiveHandle, PolicyHandle, VerifierHandle};
use crate::abi::{BaseModelBox, Entry_Ref, LibHeader, ObjectiveBox, PluginRoot_Ref, PolicyBox, VerifierBox};
use crate::config;
use crate::data::Task;
use crate::error::PluginError;
use crate::field::Field;
use crate::files::FileRead;
use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals};
use abi_stable::library::{IsLayoutChecked, LibraryError, lib_header_from_path};
use std::collections::BTreeSet;
use std::path::Path;
use thiserror::Error;

/// The version of the interface that this host was built with.
pub const INTERFACE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a file was not opened as a plugin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The dynamic linker refused it.
    #[error("the dynamic linker refused it: {message}")]
    Linker {
        /// The linker's words.
        message: String,
    },
    /// It exports no plugin root.
    #[error("it is a library, but no plugin of this project: it exports no plugin header")]
    NoPlugin,
    /// It was built with another `abi_stable`.
    #[error("it was built with another version of `abi_stable` than the 0.11 of this host")]
    OtherAbiStable,
    /// The interface versions do not fit.
    #[error("it was built for interface {found}, this host has {INTERFACE_VERSION}")]
    Version {
        /// The plugin's interface version.
        found: String,
    },
    /// The layouts of the interface types do not fit, whatever the versions say.
    #[error("its interface {found} does not have the layout of this host's {INTERFACE_VERSION}: {}", details.join("; "))]
    Layout {
        /// The plugin's interface version.
        found: String,
        /// The distinct complaints of the layout check.
        details: Vec<String>,
    },
    /// Its root could not be built.
    #[error("its start-up failed: {message}")]
    Root {
        /// What happened.
        message: String,
    },
}

/// An opened plugin file; it stays loaded until the process ends.
#[derive(Debug)]
pub struct Plugin {
    /// Version of the plugin's package.
    pub version: String,
    /// Version of the interface that it was built against.
    pub interface: String,
    /// Its verifiers.
    pub verifiers: Vec<Component<VerifierHandle>>,
    /// Its base models.
    pub base_models: Vec<Component<BaseModelHandle>>,
    /// Its policies.
    pub policies: Vec<Component<PolicyHandle>>,
    /// Its objectives.
    pub objectives: Vec<Component<ObjectiveHandle>>,
}

impl Plugin {
    /// The components behind a root: of an opened file, or of this program itself.
    pub fn of(root: PluginRoot_Ref) -> Self {
        Self {
            version: root.version().into(),
            interface: root.interface().into(),
            verifiers: Component::list(root.verifiers().as_slice()),
            base_models: Component::list(root.base_models().as_slice()),
            policies: Component::list(root.policies().as_slice()),
            objectives: Component::list(root.objectives().as_slice()),
        }
    }
}

/// A component that a plugin offers, ready to be made.
pub struct Component<H: Handle> {
    /// The name that experiments use.
    pub name: String,
    /// One sentence about it.
    pub doc: String,
    /// The fields of its configuration, where its author lists them.
    pub fields: Vec<Field>,
    entry: Entry_Ref<H::Boxed>,
}

impl<H: Handle> std::fmt::Debug for Component<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<H: Handle> Component<H> {
    fn list(entries: &'static [Entry_Ref<H::Boxed>]) -> Vec<Self> {
        let describe = |&entry: &Entry_Ref<H::Boxed>| Self {
            name: entry.name().into(),
            doc: entry.doc().into(),
            fields: config::parse(entry.fields().as_str()).unwrap_or_default(),
            entry,
        };
        entries.iter().map(describe).collect()
    }

    /// Makes the component from the RON text of its configuration.
    ///
    /// # Errors
    /// If the component refuses the configuration or panics.
    pub fn create(&self, configuration: &str, task: &Task) -> Result<H, PluginError> {
        let text = config::options()
            .to_string(task)
            .map_err(|error| PluginError::contract(format!("the task cannot be written: {error}")))?;
        let boxed = super::unwrap((self.entry.create())(configuration.into(), text.as_str().into()))?;
        Ok(H::wrap(self.name.clone(), boxed, Shape::of(task)))
    }
}

/// A handle on a component of one kind.
pub trait Handle: Sized {
    /// The object of the binary interface behind it.
    type Boxed: StableAbi + 'static;
    /// The handle on `boxed`, for outputs of a shape.
    fn wrap(name: String, boxed: Self::Boxed, shape: Shape) -> Self;
}

macro_rules! handle {
    ($handle:ty, $boxed:ty $(, $shape:ident)?) => {
        impl Handle for $handle {
            type Boxed = $boxed;
            fn wrap(name: String, inner: $boxed, _shape: Shape) -> Self {
                Self { name, inner $(, $shape: _shape)? }
            }
        }

        impl $handle {
            /// The files that the component was made from; `None` where its plugin is older than this question.
            ///
            /// # Errors
            /// If the component fails or its answer cannot be read.
            pub fn files(&self) -> Result<Option<Vec<FileRead>>, PluginError> {
                let text = super::unwrap(self.inner.files())?.into_option();
                text.map(|text| config::parse(text.as_str())).transpose()
            }
        }

        impl std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($handle)).field("name", &self.name).finish_non_exhaustive()
            }
        }
    };
}

handle!(VerifierHandle, VerifierBox);
handle!(BaseModelHandle, BaseModelBox, shape);
handle!(PolicyHandle, PolicyBox, shape);
handle!(ObjectiveHandle, ObjectiveBox);

/// Opens a plugin file. About 3 ms.
///
/// The file must be a sound dynamic library: a truncated one ends the process inside the dynamic linker.
///
/// # Errors
/// [`OpenError`], if it is no plugin or was built for an interface that does not fit.
pub fn open(path: &Path) -> Result<Plugin, OpenError> {
    let header = lib_header_from_path(path).map_err(|error| match error {
        LibraryError::OpenError { err, .. } => OpenError::Linker { message: err.to_string() },
        LibraryError::GetSymbolError { .. } => OpenError::NoPlugin,
        LibraryError::InvalidAbiHeader(_) | LibraryError::InvalidCAbi { .. } => OpenError::OtherAbiStable,
        other => OpenError::Root { message: first_line(&other) },
    })?;
    check_interface(header)?;
    // SAFETY: the layout of the root type was checked just above.
    let root = unsafe { header.unchecked_layout::<PluginRoot_Ref>() }
        .map_err(|error| OpenError::Root { message: error.to_string() })?;
    Ok(Plugin::of(root))
}

fn first_line(error: &LibraryError) -> String {
    error.to_string().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().into()
}

/// Compares the interface of a file with the host's: the older of the two must be a prefix of the newer.
fn check_interface(header: &'static LibHeader) -> Result<(), OpenError> {
    let constants = header.root_mod_consts();
    let found = constants.version_strings().version.to_string();
    let (Some(theirs), Some(ours)) = (version(&found), version(INTERFACE_VERSION)) else {
        return Err(OpenError::Version { found });
    };
    if theirs.0 != ours.0 {
        return Err(OpenError::Version { found });
    }
    let IsLayoutChecked::Yes(layout) = constants.layout() else {
        return Err(OpenError::Layout { found, details: vec!["it hides its layout".into()] });
    };
    let host = <PluginRoot_Ref as StableAbi>::LAYOUT;
    let (older, newer) = if theirs < ours { (layout, host) } else { (host, layout) };
    // What the check learns of one file it would hold against the next, so that the order of files mattered. Plugins
    // never meet each other: each is compared with the host alone.
    let alone = CheckingGlobals::new();
    check_layout_compatibility_with_globals(older, newer, &alone).map_err(|error| {
        let text = error.to_string();
        let complaints = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("Error:"));
        let distinct: BTreeSet<String> = complaints.map(|line| line.trim().to_string()).collect();
        OpenError::Layout { found, details: distinct.into_iter().collect() }
    })
}

/// Major, minor and patch number.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(['.', '-']).map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}
