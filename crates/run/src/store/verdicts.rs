//! What verifiers said of responses: `verdicts/HASH/`, a folder a verifier, with a file of each process that asked it.
//!
//! HASH covers what a verdict depends on: the plugin, the configuration, the files it was made from, and the symbols.

use crate::claims::Owner;
use pstar_core::files::sha256;
use pstar_lab::experiment::{Experiment, verifiers_of};
use pstar_loader::{Memo, Registry};
use std::fs;
use std::path::Path;

/// The folder, in a store.
pub(crate) const VERDICTS: &str = "verdicts";

/// Digits of a verifier's name.
const DIGITS: usize = 16;

/// Where the verdicts of an experiment's verifier are kept, if they are worth it.
pub(crate) struct Verdicts<'a> {
    memo: Option<&'a Memo>,
    name: String,
}

impl<'a> Verdicts<'a> {
    pub(crate) fn of(experiment: &'a Experiment, registry: &Registry) -> Self {
        let memo = experiment.world.verifier.memo();
        let name = if memo.is_some() { name(experiment, registry) } else { String::new() };
        Self { memo, name }
    }

    /// Takes up what earlier processes left in a store, and keeps there what is and becomes known. It is no result: what
    /// cannot be read is asked for again, what cannot be written is not kept.
    pub(crate) fn go_on(&self, root: &Path, owner: &Owner) {
        let Some(memo) = self.memo else { return };
        let folder = root.join(VERDICTS).join(&self.name);
        let _ = memo.take_up(&folder);
        if fs::create_dir_all(&folder).is_ok() {
            memo.keep_in(folder.join(format!("{}.txt", owner.id)));
        }
    }
}

fn name(experiment: &Experiment, registry: &Registry) -> String {
    let component = &experiment.file.task.verifier;
    let verifier = component.plugin.value();
    let names = verifiers_of(component);
    let plugins = names.iter().filter_map(|name| registry.plugin_of("verifier", name));
    let plugins: Vec<&str> = plugins.map(|plugin| plugin.sha256.as_str()).collect();
    let user = format!("verifier `{verifier}`");
    let files = experiment.inputs.of_components.iter().filter(|input| input.used_by == user);
    let files: Vec<&str> = files.map(|input| input.sha256.as_str()).collect();
    let task = &experiment.world.task;
    let told = (plugins, verifier, component.configuration(), files, task.alphabet.symbols());
    sha256(format!("{told:?} {:?}", experiment.file.task.prompt_alphabet).as_bytes())[..DIGITS].to_string()
}
