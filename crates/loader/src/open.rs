//! Opening a plugin file.
#![allow(unsafe_code, reason = "takes the root of a file whose layout was checked")]

use crate::c_verifier::{self, TableFault};
use crate::component::Plugin;
use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals};
use abi_stable::library::{AbiHeaderRef, IsLayoutChecked, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use libloading::Library;
use pstar_core::INTERFACE_VERSION;
use pstar_core::abi::{LibHeader, PluginRoot_Ref};
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::Path;
use thiserror::Error;

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
    /// It offers a verifier in C that cannot be one.
    #[error(transparent)]
    CVerifier(#[from] TableFault),
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

/// Opens a plugin file, of Rust or in C: which it is says the symbol that it exports. About 3 ms.
///
/// The file must be a sound dynamic library: a truncated one ends the process inside the dynamic linker.
///
/// # Errors
/// [`OpenError`], if it is no plugin or was built for an interface that does not fit.
pub fn open(path: &Path) -> Result<Plugin, OpenError> {
    // SAFETY: what a library runs as it is loaded is its author's; the linker is told of sound files alone.
    let library =
        unsafe { Library::new(path) }.map_err(|error| OpenError::Linker { message: error.to_string() })?;
    // The file stays loaded until the process ends.
    let library = ManuallyDrop::new(library);
    // SAFETY: a plugin exports a header under this name, and nothing else does; what it points to is checked below.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes()) };
    match header {
        Ok(header) => of_root(*header),
        Err(_) => Ok(c_verifier::plugin(&library).ok_or(OpenError::NoPlugin)??),
    }
}

/// The plugin behind the header of a file.
fn of_root(header: AbiHeaderRef) -> Result<Plugin, OpenError> {
    let header = header.upgrade().map_err(|error| match error {
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
