//! What a run was made with.

use crate::plugins::Registry;
use pstar_core::host::INTERFACE_VERSION;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;

/// What a run was made with: versions, plugin files, processor. None of it is a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Version of the laboratory.
    pub version: String,
    /// Version of the plugin interface.
    pub interface: String,
    /// The plugin files.
    pub plugins: Vec<PluginProvenance>,
    /// Operating system and architecture.
    pub platform: String,
    /// Extensions of the instruction set that libraries may dispatch on.
    pub instruction_set: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
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
    /// SHA-256 of its content.
    pub sha256: String,
}

impl Provenance {
    /// Of this process with these plugins.
    pub fn collect(registry: &Registry, seeds: &[u64]) -> Self {
        let plugins = registry.plugins.iter().map(|plugin| PluginProvenance {
            file: plugin.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            version: plugin.version.clone(),
            interface: plugin.interface.clone(),
            sha256: fs::read(&plugin.path).map(|bytes| sha256(&bytes)).unwrap_or_default(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            interface: INTERFACE_VERSION.into(),
            plugins: plugins.collect(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            instruction_set: instruction_set(),
            seeds: seeds.to_vec(),
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
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
