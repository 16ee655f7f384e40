//! Classes of Python as components of experiments: `(plugin: "python", config: (import: "module:Class", config: (…)))`.

mod batch;
mod class;
mod configuration;
mod declaration;
mod instance;
mod objective;
mod raised;
mod recognizer;
mod step;
mod value;
mod verifier;

use objective::PythonObjective;
use pstar_core::abi::PluginRoot_Ref;
use pstar_core::export::Components;
use pstar_loader::Plugin;
use std::sync::OnceLock;
use verifier::PythonVerifier;

/// The components, made once a process.
static ROOT: OnceLock<PluginRoot_Ref> = OnceLock::new();

/// The plugin that the extension is part of.
pub(crate) fn plugin() -> Plugin {
    Plugin::of(*ROOT.get_or_init(root))
}

fn root() -> PluginRoot_Ref {
    let mut components = Components::default();
    components.verifiers::<PythonVerifier>();
    components.objectives::<PythonObjective>();
    components.into_root(env!("CARGO_PKG_VERSION"))
}
