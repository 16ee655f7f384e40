//! The program that runs in Python's process.

use crate::component;
use pstar_host::Program;
use pstar_loader::Plugin;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The file of the extension.
static NATIVE: OnceLock<PathBuf> = OnceLock::new();

/// Says, once a process and before anything else, which interpreter runs, and where the extension and its plugins lie.
#[pyfunction]
pub(crate) fn begin(interpreter: PathBuf, native: PathBuf, plugins: PathBuf) {
    pstar_host::set_program(program(interpreter, Vec::new(), native, plugins));
}

/// Runs the command line with these arguments, for the whole of the process: it takes standard output and signals. The exit
/// code.
#[pyfunction]
pub(crate) fn main(
    py: Python<'_>,
    interpreter: PathBuf,
    arguments: Vec<OsString>,
    native: PathBuf,
    plugins: PathBuf,
) -> u8 {
    let program = program(interpreter, arguments, native, plugins);
    py.detach(|| pstar_host::main(program).number())
}

fn program(interpreter: PathBuf, arguments: Vec<OsString>, native: PathBuf, plugins: PathBuf) -> Program {
    let _ = NATIVE.set(native.clone());
    Program {
        called: "pstar".into(),
        executable: interpreter,
        leading: vec!["-m".into(), "pstar".into()],
        arguments,
        code: Some(native),
        plugins: Some(plugins),
        own,
    }
}

/// The file of the extension, where it was told.
pub(crate) fn native() -> Option<&'static Path> {
    NATIVE.get().map(PathBuf::as_path)
}

/// Classes of Python, which the extension asks.
fn own() -> Option<(Plugin, PathBuf)> {
    NATIVE.get().map(|native| (component::plugin(), native.clone()))
}
