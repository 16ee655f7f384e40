//! Whether plugin files are those that the experiment says.

use super::Checker;
use crate::experiment::{ExperimentFile, Located, Problem, ProblemKind};
use pstar_core::config::suggest;
use pstar_core::shown;
use pstar_loader::LoadedPlugin;

impl Checker<'_> {
    /// Every plugin that `plugins` names has the hash that is given. The files are loaded by then: this tells another build, and
    /// is no protection from a file that means harm.
    pub(super) fn pins(&mut self, file: &ExperimentFile) {
        for (name, pin) in file.plugins.iter() {
            if let Err(problem) = self.pin(name, pin) {
                self.problem(problem);
            }
        }
    }

    fn pin(&self, name: &str, pin: &Located<String>) -> Result<(), Problem> {
        let place = pin.place(self.text);
        let expected = digits(pin).ok_or_else(|| {
            let found = shown(pin);
            let message = format!("a plugin's hash is `sha256:` and 64 hexadecimal digits, found `{found}`");
            Problem::at(place.clone(), message).with_hint("`host plugins NAME` prints it")
        })?;
        let plugins = self.named(name);
        if plugins.is_empty() {
            let components = self.registry.components();
            let hint = suggest(name, components.iter().map(|listing| listing.name));
            let message = format!("no loaded plugin offers `{}`, nor is a file called so", shown(name));
            let problem = Problem::at(place, message).with_hint(hint);
            return Err(Problem { kind: ProblemKind::MissingPlugin, ..problem });
        }
        match plugins.into_iter().find(|plugin| plugin.sha256 != expected) {
            None => Ok(()),
            Some(LoadedPlugin { path, sha256, .. }) => {
                let (name, path) = (shown(name), path.display());
                let message =
                    format!("plugin `{name}`: expected sha256:{expected}, found sha256:{sha256} in {path}");
                Err(Problem::at(place, message)
                    .with_hint("load the file that was pinned, or pin this one if that is what is meant"))
            }
        }
    }

    /// The plugins that are called so, or offer a component that is.
    fn named(&self, name: &str) -> Vec<&LoadedPlugin> {
        let offering = self.registry.components().into_iter().filter(|listing| listing.name == name);
        let offering = offering.map(|listing| listing.plugin);
        let called = |plugin: &&LoadedPlugin| plugin.path.file_name().is_some_and(|file| file == name);
        offering.chain(self.registry.plugins.iter().filter(called)).collect()
    }
}

/// The digits of a hash as hashes are told, in lower case.
fn digits(pin: &str) -> Option<String> {
    let digits = pin.strip_prefix("sha256:")?;
    let sound = digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit());
    sound.then(|| digits.to_ascii_lowercase())
}
