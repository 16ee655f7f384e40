//! The plugins of this process, loaded when the first of them is needed.

use crate::failure::of_failure;
use pstar_loader::{PATH_VARIABLE, Registry};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What decides which files are plugins: the variable of the environment, and the folders that a caller named.
type Sought = (Option<OsString>, Vec<PathBuf>);

/// Plugins stay loaded until the process ends, so that nothing is gained by giving a registry up.
static LOADED: Mutex<BTreeMap<Sought, &'static Registry>> = Mutex::new(BTreeMap::new());

/// The components of the package, of `folders` and of `PSTAR_PLUGIN_PATH`, each set of them loaded once a process. What could
/// not be loaded is tried again at the next call.
pub(crate) fn registry(py: Python<'_>, folders: Vec<PathBuf>) -> PyResult<&'static Registry> {
    // Who waits for another thread's loading holds nothing that it may need.
    py.detach(|| {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let sought = (env::var_os(PATH_VARIABLE), folders);
        if let Some(registry) = loaded.get(&sought) {
            return Ok(*registry);
        }
        let registry = pstar_host::load_plugins(&sought.1).map_err(|failure| of_failure(&failure))?;
        Ok(*loaded.entry(sought).or_insert(Box::leak(Box::new(registry))))
    })
}
