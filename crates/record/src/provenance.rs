//! What a run was made with.

use serde::{Deserialize, Serialize};

/// What a run was made with: versions, hashes of all that determines its figures, processor. None of it is a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the laboratory.
    pub version: String,
    /// Version of the plugin interface.
    pub interface: String,
    /// The program.
    pub host: HostProvenance,
    /// The command line that began it, without folders of the machine; empty where none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The experiment.
    pub experiment: ExperimentProvenance,
    /// The plugin files.
    pub plugins: Vec<PluginProvenance>,
    /// The files that the experiment names.
    pub files: Vec<Input>,
    /// Components that may have read others: their plugins are older than the question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files_untold_by: Vec<String>,
    /// Operating system and architecture.
    pub platform: String,
    /// Extensions of the instruction set that libraries may dispatch on.
    pub instruction_set: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Those of the arms that select learning rates; absent where none do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selecting_seeds: Vec<u64>,
    /// Where its arms are kept, if not in its own directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// What later parts of the run were made with, where it was stopped and went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartProvenance>,
}

/// What a part of a run was made with that went on where another stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartProvenance {
    /// Arms that had a result when it began.
    pub arms_found: usize,
    /// Version of the laboratory.
    pub version: String,
    /// The program.
    pub host: HostProvenance,
    /// Operating system and architecture.
    pub platform: String,
    /// Extensions of the instruction set that libraries may dispatch on.
    pub instruction_set: Vec<String>,
    /// The plugin files.
    pub plugins: Vec<PluginProvenance>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostProvenance {
    /// SHA-256 of the executable file; absent where it cannot be read.
    pub sha256: Option<String>,
}

/// The experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentProvenance {
    /// Name of the file.
    pub file: String,
    /// SHA-256 of its text, with the fields below replaced.
    pub sha256: String,
    /// What was replaced from outside, as `path=value`.
    pub set: Vec<String>,
}

/// One plugin file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A file that an experiment is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What read it, in words.
    pub used_by: String,
    /// The path as it stands in the experiment.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes that were read.
    pub sha256: String,
}
