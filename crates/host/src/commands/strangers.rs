//! Where components come from that do not lie beside this program.

use crate::output::tell;
use crate::program::program;
use pstar_core::escaped;
use pstar_lab::experiment::Experiment;
use pstar_loader::{LoadedPlugin, Registry};
use std::fs;
use std::path::Path;

/// Names, on standard error, the file of every component of an experiment that was not found beside this program.
pub(super) fn tell_strangers(experiment: &Experiment, registry: &Registry) {
    let own = program().plugins.as_deref().and_then(|folder| fs::canonicalize(folder).ok());
    let code = program().code.as_deref();
    let mut told: Vec<(&LoadedPlugin, Vec<String>)> = Vec::new();
    for (kind, name) in components(experiment) {
        let Some(plugin) = registry.plugin_of(kind, name) else { continue };
        if folder(&plugin.path) == own || code == Some(&plugin.path) {
            continue;
        }
        let component = format!("{kind} `{name}`");
        match told.iter_mut().find(|(known, _)| known.path == plugin.path) {
            Some((_, components)) if components.contains(&component) => {}
            Some((_, components)) => components.push(component),
            None => told.push((plugin, vec![component])),
        }
    }
    for (plugin, components) in told {
        let path = plugin.path.display().to_string();
        tell(&format!("{} from {} {}", components.join(", "), escaped(&path), plugin.version));
    }
}

/// Kind and name of what an experiment is made of.
fn components(experiment: &Experiment) -> Vec<(&'static str, &str)> {
    let (world, plan) = (&experiment.world, &experiment.plan);
    let mut all = vec![("base model", &*world.base_plugin), ("verifier", &*world.verifier_plugin)];
    all.extend(plan.policies.iter().map(|policy| ("policy", &*policy.plugin)));
    all.extend(plan.objectives.iter().map(|objective| ("objective", &*objective.plugin)));
    all
}

fn folder(path: &Path) -> Option<std::path::PathBuf> {
    fs::canonicalize(path).ok()?.parent().map(Path::to_path_buf)
}
