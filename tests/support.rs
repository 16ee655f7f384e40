//! What the tests share: the host with its plugins beside it, and experiments built from text.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

/// The plugins of this workspace.
const PLUGINS: [&str; 6] = ["alpha", "arithmetic", "forward_kl", "kl_control", "ngram", "regex"];

/// The library file of a plugin of this workspace, as built for the tests.
pub(crate) fn library(plugin: &str) -> PathBuf {
    let file = format!("{}pstar_plugin_{plugin}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let beside = env::current_exe().unwrap().parent().unwrap().join(&file);
    assert!(beside.exists(), "{} is missing: is the plugin a dev-dependency of pstar-host?", beside.display());
    beside
}

/// All libraries of this workspace's plugins.
pub(crate) fn libraries() -> Vec<PathBuf> {
    PLUGINS.iter().map(|plugin| library(plugin)).collect()
}

/// A folder with the host and nothing but this workspace's plugins beside it.
pub(crate) fn installation() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let host = PathBuf::from(env!("CARGO_BIN_EXE_host"));
        for file in libraries().into_iter().chain([host]) {
            let link = folder.join(file.file_name().unwrap());
            fs::hard_link(&file, &link).or_else(|_| fs::copy(&file, &link).map(|_| ())).unwrap();
        }
        folder
    })
}

/// The host, quiet and colourless, in a folder of its own.
pub(crate) fn host(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(installation().join("host"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("PSTAR_PLUGIN_PATH")
        .output()
        .unwrap()
}
