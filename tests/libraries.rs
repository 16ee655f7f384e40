//! The libraries of this workspace's plugins, as built for tests and benches, which share this file.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The library file of a plugin of this workspace, named as its folder.
pub(crate) fn library(plugin: &str) -> PathBuf {
    built(&format!("pstar_plugin_{plugin}"))
}

/// The library files of all folders of `plugins`, in the order of their names.
pub(crate) fn libraries() -> Vec<PathBuf> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")).unwrap();
    let folders =
        folders.map(|folder| folder.unwrap()).filter(|folder| folder.path().join("Cargo.toml").exists());
    let mut names: Vec<String> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
    names.sort();
    names.iter().map(|name| library(name)).collect()
}

/// A dynamic library that cargo puts beside the test or bench.
pub(crate) fn built(name: &str) -> PathBuf {
    let file = format!("{}{}{}", env::consts::DLL_PREFIX, name.replace('-', "_"), env::consts::DLL_SUFFIX);
    let beside = env::current_exe().unwrap().with_file_name(file);
    assert!(
        beside.exists(),
        "{} is missing: is the plugin a dev-dependency of pstar-host?",
        beside.display()
    );
    beside
}
