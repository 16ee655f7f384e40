//! The experiment as it was run: every default written out, prompts listed, so that it can be run again from
//! anywhere.

use crate::experiment::{Experiment, ExperimentFile, Located, PromptsFile};
use crate::inputs::{copies, way};
use pstar_core::config;
use ron::ser::PrettyConfig;
use std::path::{Path, PathBuf};

/// The resolved experiment as RON text, for a file in the folder `run`.
///
/// Its `directory` is the copies of the files that its components read, beside it, so that the folder can be run again
/// wherever it is copied. Where a component did not say what it reads it is the way to the experiment's own folder.
pub fn resolved(experiment: &Experiment, run: &Path) -> String {
    let mut file = resolved_file(experiment);
    file.directory = Some(directory(experiment, run).to_string_lossy().into_owned());
    text_of(&file)
}

/// The experiment with every default and all prompts.
pub(super) fn resolved_file(experiment: &Experiment) -> ExperimentFile {
    let mut file = experiment.file.clone();
    file.task.prompts = Some(Located::unplaced(PromptsFile::List(experiment.world.prompt_texts.clone())));
    file.evaluation.every = Some(Located::unplaced(experiment.world.evaluation.every));
    file
}

/// An experiment file as RON text.
pub(super) fn text_of(file: &ExperimentFile) -> String {
    // A line for each field of a section, policy and objective.
    let layout = PrettyConfig::new().depth_limit(2).new_line("\n").compact_arrays(true);
    let text = config::options().to_string_pretty(file, layout);
    let text = text.unwrap_or_else(|error| unreachable!("what was read can be written: {error}"));
    text + "\n"
}

/// Where the relative paths of components start, seen from the run's folder.
fn directory(experiment: &Experiment, run: &Path) -> PathBuf {
    if experiment.inputs.untold.is_empty() {
        return copies(&experiment.inputs);
    }
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    // The folder of a file that is named without one is empty.
    way(&whole(run), &whole(&Path::new(".").join(&experiment.world.task.directory)))
}
