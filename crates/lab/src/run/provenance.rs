//! What a run was made with.

use crate::experiment::Experiment;
use crate::inputs::Input;
use pstar_core::INTERFACE_VERSION;
use pstar_core::files::{read_regular, sha256};
use pstar_loader::Registry;
use serde::Serialize;
use std::env;
use std::path::Path;

/// What a run was made with: versions, hashes of all that determines its figures, processor. None of it is a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Version of the laboratory.
    pub version: String,
    /// Version of the plugin interface.
    pub interface: String,
    /// The program.
    pub host: HostProvenance,
    /// The experiment.
    pub experiment: ExperimentProvenance,
    /// The plugin files.
    pub plugins: Vec<PluginProvenance>,
    /// The files that the experiment names.
    pub files: Vec<Input>,
    /// Components that may have read others: their plugins are older than the question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files_untold_by: Vec<String>,
    /// Operating system and architecture.
    pub platform: String,
    /// Extensions of the instruction set that libraries may dispatch on.
    pub instruction_set: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostProvenance {
    /// SHA-256 of the executable file; absent where it cannot be read.
    pub sha256: Option<String>,
}

/// The experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExperimentProvenance {
    /// Name of the file.
    pub file: String,
    /// SHA-256 of its text, with the fields below replaced.
    pub sha256: String,
    /// What was replaced from outside, as `path=value`.
    pub set: Vec<String>,
}

/// One plugin file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginProvenance {
    /// Name of the file.
    pub file: String,
    /// Version of its package.
    pub version: String,
    /// Interface that it was built against.
    pub interface: String,
    /// SHA-256 of the bytes that were loaded.
    pub sha256: String,
}

impl Provenance {
    /// Of this process with these plugins, running `experiment`, in which the fields `set` were replaced.
    pub fn collect(registry: &Registry, experiment: &Experiment, set: &[String]) -> Self {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let plugins = registry.plugins.iter().map(|plugin| PluginProvenance {
            file: file_name(&plugin.path),
            version: plugin.version.clone(),
            interface: plugin.interface.clone(),
            sha256: plugin.sha256.clone(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            interface: INTERFACE_VERSION.into(),
            host: HostProvenance { sha256: executable() },
            experiment: ExperimentProvenance {
                file: file_name(&experiment.path),
                sha256: sha256(experiment.text.as_bytes()),
                set: set.to_vec(),
            },
            plugins: plugins.collect(),
            files: experiment.inputs.all().cloned().collect(),
            files_untold_by: experiment.inputs.untold.clone(),
            platform: format!("{} {}", env::consts::OS, env::consts::ARCH),
            instruction_set: instruction_set(),
            seeds: experiment.seeds.clone(),
        }
    }
}

/// SHA-256 of the program that runs, even if its file has been replaced since.
fn executable() -> Option<String> {
    let running = Path::new("/proc/self/exe");
    let path = if cfg!(target_os = "linux") { running.to_path_buf() } else { env::current_exe().ok()? };
    read_regular(&path, u64::MAX).ok().map(|bytes| sha256(&bytes))
}

fn instruction_set() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("sse4.2", is_x86_feature_detected!("sse4.2")),
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
        ];
        found.into_iter().filter(|(_, here)| *here).map(|(name, _)| name.to_string()).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        vec![std::env::consts::ARCH.to_string()]
    }
}
