//! Which components are checked.

use crate::cli::CheckArgs;
use crate::commands::with_own;
use crate::failure::Failure;
use crate::program::program;
use pstar_core::config::suggest;
use pstar_core::shown;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::text_file::read_text;
use pstar_loader::{BaseModelHandle, Handle as _, Listing, PolicyHandle, Registry, VerifierHandle, find};
use std::fs;
use std::path::{Path, PathBuf};

/// A component to be checked.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// The plugin's file.
    pub(super) file: String,
}

/// The plugins, with the file that is named in place of a component.
pub(super) fn load(args: &CheckArgs) -> Result<Registry, Failure> {
    let mut files = find(program().plugins.as_deref(), &args.plugins.plugin_dir).map_err(Failure::Plugins)?;
    if let Some(file) = file_of(args)
        && !files.iter().any(|known| fs::canonicalize(known).ok() == fs::canonicalize(&file).ok())
    {
        files.push(file);
    }
    with_own(Registry::load(&files).map_err(Failure::Plugins)?)
}

/// The file that is named, if it is one.
fn file_of(args: &CheckArgs) -> Option<PathBuf> {
    let path = Path::new(&args.plugin);
    (path.is_file() || args.plugin.contains('/')).then(|| path.to_path_buf())
}

/// The components of the name or of the file.
pub(super) fn chosen(args: &CheckArgs, registry: &Registry) -> Result<Vec<Chosen>, Failure> {
    let file = file_of(args).map(|file| fs::canonicalize(&file).unwrap_or(file));
    let of_kind = |listing: &Listing<'_>| args.kind.as_deref().is_none_or(|kind| kind == listing.kind);
    let named = |listing: &Listing<'_>| match &file {
        Some(file) => fs::canonicalize(&listing.plugin.path).is_ok_and(|path| path == *file),
        None => listing.name == args.plugin,
    };
    let all = registry.components();
    let component = |listing: &Listing<'_>| {
        let file = listing.plugin.path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("{file} {}", listing.plugin.version);
        Chosen { kind: listing.kind, name: listing.name.into(), file }
    };
    let found: Vec<Chosen> =
        all.iter().filter(|listing| of_kind(listing) && named(listing)).map(component).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let message = format!("no loaded plugin offers a component `{}`", shown(&args.plugin));
    let hint = suggest(&args.plugin, all.iter().map(|listing| listing.name));
    Err(Failure::Unknown { message, hint })
}

/// The configuration that the arguments or the experiment give a component.
pub(super) fn configuration(
    args: &CheckArgs,
    experiment: Option<&Experiment>,
    kind: &str,
    name: &str,
) -> Option<String> {
    let named = |text: &String| {
        let (of, configuration) = text.split_once('=')?;
        (of.trim() == name).then(|| configuration.into())
    };
    // One that is of no name is RON from its first character on.
    let plain = |text: &&String| text.trim_start().starts_with('(');
    let given = args.config.iter().find_map(named).or_else(|| args.config.iter().find(plain).cloned());
    given.or_else(|| of_experiment(experiment?, kind, name))
}

/// The first configuration that an experiment gives a component.
pub(super) fn of_experiment(experiment: &Experiment, kind: &str, name: &str) -> Option<String> {
    let file = &experiment.file;
    let components = match kind {
        VerifierHandle::KIND => vec![file.task.verifier.clone()],
        BaseModelHandle::KIND => vec![file.task.base.clone()],
        PolicyHandle::KIND => file.policies.iter().map(|(_, policy)| policy.component()).collect(),
        _ => file.objectives.iter().map(|(_, objective)| objective.component()).collect(),
    };
    let of = components.into_iter().find(|component| component.plugin.value() == name);
    of.map(|component| component.configuration().into())
}

/// The experiment, where one is named.
pub(super) fn experiment(args: &CheckArgs, registry: &Registry) -> Result<Option<Experiment>, Failure> {
    let open = |path: &PathBuf| {
        let text = read_text(path)?;
        Ok(check(ExperimentFile::parse(path, &text)?, path, &text, registry)?)
    };
    args.experiment.as_ref().map(open).transpose()
}
