//! All that a run's directory holds, read back.

use crate::{LikelyOutputs, PromptFigures, Provenance, RunRecord};

/// All that a run's directory holds for people and pages.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The record, with the curves of its arms.
    pub record: RunRecord,
    /// Figures of single prompts; empty where they were not kept.
    pub prompts: Vec<PromptFigures>,
    /// The most probable outputs; empty where they were not kept.
    pub outputs: Vec<LikelyOutputs>,
    /// What the run was made with.
    pub provenance: Option<Provenance>,
    /// The experiment as it was run, without paths of the machine.
    pub experiment: Option<String>,
    /// Files that are damaged or missing, which the page names.
    pub faults: Vec<FileFault>,
}

/// A file of a run's directory that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// Its name in the directory.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}
