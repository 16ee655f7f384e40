//! What a run was made with.

use crate::experiment::Experiment;
use pstar_core::INTERFACE_VERSION;
use pstar_core::files::{read_regular, sha256};
use pstar_loader::Registry;
use pstar_record::{ExperimentProvenance, HostProvenance, PluginProvenance, Provenance};
use std::env;
use std::path::Path;

/// What a run is made with, of this process with these plugins, running `experiment`, in which the fields `set` were replaced,
/// as `command` says. `program` is the file that holds this program's code, where that is not the executable.
pub fn collect_provenance(
    registry: &Registry,
    experiment: &Experiment,
    set: &[String],
    command: &[String],
    program: Option<&Path>,
) -> Provenance {
    let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plugins = registry.plugins.iter().map(|plugin| PluginProvenance {
        file: file_name(&plugin.path),
        version: plugin.version.clone(),
        interface: plugin.interface.clone(),
        sha256: plugin.sha256.clone(),
    });
    Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        interface: INTERFACE_VERSION.into(),
        host: HostProvenance { sha256: hash(program) },
        command: command.to_vec(),
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
        seeds: experiment.plan.seeds.clone(),
        selecting_seeds: experiment.plan.select_on.as_ref().map_or_else(Vec::new, |on| on.seeds.clone()),
        store: None,
        parts: Vec::new(),
    }
}

/// SHA-256 of the program that runs; of an executable even if its file has been replaced since.
fn hash(program: Option<&Path>) -> Option<String> {
    let running = Path::new("/proc/self/exe");
    let path = match program {
        Some(path) => path.to_path_buf(),
        None if cfg!(target_os = "linux") => running.to_path_buf(),
        None => env::current_exe().ok()?,
    };
    read_regular(&path, u64::MAX).ok().map(|bytes| sha256(&bytes))
}

/// Extensions of the instruction set of this machine on which libraries may dispatch.
pub fn instruction_set() -> Vec<String> {
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
