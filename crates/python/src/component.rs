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
use std::panic;
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
    // A plugin's hook keeps panics for whoever called the plugin; those of the rest of the extension stay visible.
    let before = panic::take_hook();
    let root = components.into_root(env!("CARGO_PKG_VERSION"));
    let of_plugin = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        of_plugin(info);
        before(info);
    }));
    root
}
