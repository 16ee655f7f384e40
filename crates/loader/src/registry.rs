//! The components of all loaded plugins, by kind and name.

use super::identity::Identity;
use super::soundness;
use crate::watch::{self, Called};
use crate::{
    BaseModelHandle, Component, Handle, ObjectiveHandle, OpenError, Plugin, PolicyHandle, VerifierHandle,
    open,
};
use pstar_core::files::{read_regular, sha256};
use pstar_core::{Field, shown};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A plugin file that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {message}", path.display())]
pub struct LoadFailure {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl LoadFailure {
    pub(super) fn new(path: &Path, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), message: message.into(), hint: hint.into() }
    }
}

/// A plugin file that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedPlugin {
    /// The file.
    pub path: PathBuf,
    /// Version of its package.
    pub version: String,
    /// Version of the interface it was built against.
    pub interface: String,
    /// SHA-256 of the bytes that were loaded.
    pub sha256: String,
}

/// A component as it is listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The kind in words.
    pub kind: &'static str,
    /// The name that experiments use.
    pub name: &'a str,
    /// One sentence about it.
    pub doc: &'a str,
    /// The fields of its configuration, where its author lists them.
    pub fields: &'a [Field],
    /// What it understands beyond the plain interface: words.
    pub offers: &'a [String],
    /// The plugin that offers it.
    pub plugin: &'a LoadedPlugin,
}

/// A component and the plugin that offers it.
#[derive(Debug)]
struct Offered<H: Handle> {
    component: Component<H>,
    plugin: usize,
}

/// The kinds of components that some arms of a run have and others have not, in words: those others do without them.
pub const AVOIDABLE: [&str; 2] = [ObjectiveHandle::KIND, PolicyHandle::KIND];

/// A name that no loaded plugin offers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no loaded plugin offers the {kind} `{}`", shown(name))]
pub struct UnknownComponent {
    /// The kind in words.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// The names of that kind which are offered.
    pub offered: Vec<String>,
}

/// The components of all loaded plugins.
#[derive(Debug, Default)]
pub struct Registry {
    /// The files, in the order of loading.
    pub plugins: Vec<LoadedPlugin>,
    verifiers: Vec<Offered<VerifierHandle>>,
    base_models: Vec<Offered<BaseModelHandle>>,
    policies: Vec<Offered<PolicyHandle>>,
    objectives: Vec<Offered<ObjectiveHandle>>,
}

macro_rules! lookup {
    ($method:ident, $list:ident, $handle:ty, $kind:literal) => {
        #[doc = concat!("The ", $kind, " of a name.")]
        ///
        /// # Errors
        /// If no plugin offers it.
        pub fn $method(&self, name: &str) -> Result<&Component<$handle>, UnknownComponent> {
            let found = self.$list.iter().find(|offered| offered.component.name == name);
            found.map(|offered| &offered.component).ok_or_else(|| UnknownComponent {
                kind: $kind,
                name: name.into(),
                offered: self.$list.iter().map(|offered| offered.component.name.clone()).collect(),
            })
        }
    };
}

impl Registry {
    /// Refuses, from now on, to make a component of one of the [`AVOIDABLE`] kinds from a configuration: it would end the
    /// process.
    pub fn avoid(&mut self, kind: &str, name: &str, configuration: &str, why: &str) {
        fn of<H: Handle>(offered: &mut [Offered<H>], name: &str, configuration: &str, why: &str) {
            let named = offered.iter_mut().filter(|offered| offered.component.name == name);
            named.for_each(|offered| offered.component.avoid(configuration, why));
        }
        match kind {
            ObjectiveHandle::KIND => of(&mut self.objectives, name, configuration, why),
            PolicyHandle::KIND => of(&mut self.policies, name, configuration, why),
            _ => {}
        }
    }

    /// Loads plugin files. Of files with the same bytes the first is loaded: a folder may be found beside another that holds
    /// copies of its files.
    ///
    /// # Errors
    /// Every file that is no sound plugin, and every two files that offer the same name.
    pub fn load(files: &[PathBuf]) -> Result<Self, Vec<LoadFailure>> {
        let mut registry = Self::default();
        let mut failures = Vec::new();
        for path in files {
            if let Err(failure) = registry.load_file(path, &mut failures) {
                failures.push(failure);
            }
        }
        if failures.is_empty() { Ok(registry) } else { Err(failures) }
    }

    fn load_file(&mut self, path: &Path, failures: &mut Vec<LoadFailure>) -> Result<(), LoadFailure> {
        let unreadable = |error: &dyn Display| {
            LoadFailure::new(path, format!("the file cannot be read: {error}"), "check its permissions")
        };
        let before = Identity::of(path).map_err(|error| unreadable(&error))?;
        let bytes = read_regular(path, u64::MAX).map_err(|error| unreadable(&error))?;
        let hash = sha256(&bytes);
        if self.plugins.iter().any(|plugin| plugin.sha256 == hash) {
            return Ok(());
        }
        if let Some(fault) = soundness::fault(&bytes) {
            return Err(LoadFailure::new(path, fault, "build the plugin again, or remove the file"));
        }
        let name = path.to_string_lossy();
        watch::entered(Called { kind: "plugin file", name: &name, configuration: "", making: true, id: 0 });
        let opened = open(path);
        watch::left();
        let opened = opened.map_err(|error| LoadFailure::new(path, error.to_string(), advice(&error)))?;
        let after = Identity::of(path).map_err(|error| unreadable(&error))?;
        // A new name changes a file as well, so that its content decides.
        let same =
            || after.is_of_same_file(before) && read_regular(path, u64::MAX).is_ok_and(|now| now == bytes);
        if after != before && !same() {
            let message = "the file was replaced while it was loaded";
            return Err(LoadFailure::new(path, message, "wait until it is built, then run again"));
        }
        self.push(opened, path, hash, failures);
        Ok(())
    }

    /// Adds a plugin that is no file of its own, such as one of this program.
    ///
    /// `path` and `sha256` are what provenance says of it: the file that holds its code, and the hash of that.
    ///
    /// # Errors
    /// Every name that another plugin offers already.
    pub fn add(&mut self, plugin: Plugin, path: &Path, sha256: String) -> Result<(), Vec<LoadFailure>> {
        let mut failures = Vec::new();
        self.push(plugin, path, sha256, &mut failures);
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn push(&mut self, plugin: Plugin, path: &Path, sha256: String, failures: &mut Vec<LoadFailure>) {
        self.plugins.push(LoadedPlugin {
            path: path.to_path_buf(),
            version: plugin.version,
            interface: plugin.interface,
            sha256,
        });
        let number = self.plugins.len() - 1;
        let mut clashes = add(&mut self.verifiers, plugin.verifiers, number, "verifier");
        clashes.extend(add(&mut self.base_models, plugin.base_models, number, "base model"));
        clashes.extend(add(&mut self.policies, plugin.policies, number, "policy"));
        clashes.extend(add(&mut self.objectives, plugin.objectives, number, "objective"));
        failures.extend((0..number).filter_map(|earlier| {
            let names = clashes.iter().filter(|clash| clash.earlier == earlier);
            clash_failure(path, &self.plugins[earlier].path, &names.collect::<Vec<_>>())
        }));
    }

    lookup!(verifier, verifiers, VerifierHandle, "verifier");
    lookup!(base_model, base_models, BaseModelHandle, "base model");
    lookup!(policy, policies, PolicyHandle, "policy");
    lookup!(objective, objectives, ObjectiveHandle, "objective");

    /// The plugin that offers a component of a kind, in words as listed.
    pub fn plugin_of(&self, kind: &str, name: &str) -> Option<&LoadedPlugin> {
        self.listing_of(kind, name).map(|listing| listing.plugin)
    }

    /// A component of a kind, in words as listed.
    pub fn listing_of(&self, kind: &str, name: &str) -> Option<Listing<'_>> {
        self.components().into_iter().find(|listing| listing.kind == kind && listing.name == name)
    }

    /// Every component, in order of kind and name.
    pub fn components(&self) -> Vec<Listing<'_>> {
        fn list<'a, H: Handle>(
            kind: &'static str,
            offered: &'a [Offered<H>],
            plugins: &'a [LoadedPlugin],
        ) -> Vec<Listing<'a>> {
            let listing = |offered: &'a Offered<H>| Listing {
                kind,
                name: &offered.component.name,
                doc: &offered.component.doc,
                fields: &offered.component.fields,
                offers: &offered.component.offers,
                plugin: &plugins[offered.plugin],
            };
            let mut listings: Vec<_> = offered.iter().map(listing).collect();
            listings.sort_by_key(|listing| listing.name);
            listings
        }
        let mut all = list("base model", &self.base_models, &self.plugins);
        all.extend(list("verifier", &self.verifiers, &self.plugins));
        all.extend(list("policy", &self.policies, &self.plugins));
        all.extend(list("objective", &self.objectives, &self.plugins));
        all
    }
}

/// A component of a name that an earlier plugin offers.
struct Clash {
    kind: &'static str,
    name: String,
    earlier: usize,
}

/// Adds the components of a plugin, but for those whose names are taken.
fn add<H: Handle>(
    known: &mut Vec<Offered<H>>,
    new: Vec<Component<H>>,
    plugin: usize,
    kind: &'static str,
) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for component in new {
        match known.iter().find(|offered| offered.component.name == component.name) {
            None => known.push(Offered { component, plugin }),
            Some(taken) => clashes.push(Clash { kind, name: component.name, earlier: taken.plugin }),
        }
    }
    clashes
}

/// What is said of a file that offers names which an earlier one offers, if there are any.
fn clash_failure(path: &Path, earlier: &Path, names: &[&Clash]) -> Option<LoadFailure> {
    let (first, others) = names.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        1 => " and another component".into(),
        more => format!(" and {more} more components"),
    };
    let message = format!(
        "it offers the {} `{}`{more}, which {} offers already",
        first.kind,
        first.name,
        earlier.display()
    );
    let hint = if path.file_name() == earlier.file_name() {
        "the files are two builds of one plugin: remove one, or leave its folder out of PSTAR_PLUGIN_PATH and `--plugin-dir`"
    } else {
        "remove one of the two files, or rename one of the components"
    };
    Some(LoadFailure::new(path, message, hint))
}

fn advice(error: &OpenError) -> &'static str {
    match error {
        OpenError::NoPlugin => {
            "remove the file from the plugin folder, or export a plugin with `export_plugin!`, in C `pstar_verifier_table`"
        }
        OpenError::Version { .. } | OpenError::Layout { .. } | OpenError::OtherAbiStable => {
            "build the plugin again with the `pstar-core` of this host"
        }
        OpenError::CVerifier(_) => "build the plugin again with the `pstar_verifier.h` of this host",
        _ => "build the plugin again, or remove the file",
    }
}
