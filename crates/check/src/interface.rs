//! Whether a component can be made, and what it offers.

use crate::target::Target;
use pstar_core::testing::{Failure, Finding, Observer, Outcome, made};
use pstar_core::{ErrorKind, INTERFACE_VERSION, PluginError, Task};
use pstar_loader::{BaseModelHandle, Handle, PolicyHandle, VerifierHandle};

/// Makes the component, and says which interface its file was built for.
pub(crate) fn check(target: Target<'_>, observer: &mut dyn Observer) -> Option<Finding> {
    let proves = "the plugin's layout is the host's, and the component can be made from its configuration";
    let asked = || format!("to be made from the configuration `{}`", target.configuration);
    made("interface", proves, observer, || match make(target) {
        Ok(()) => Outcome::Passed { of: told(target) },
        // Whoever configures it can mend that.
        Err(error) if error.kind == ErrorKind::Config => Outcome::Skipped { why: error.message },
        Err(error) => Outcome::Failed(Failure::of_error(asked(), &error)),
    })
}

/// Makes a component and drops it.
fn drop_it<H: Handle>(
    component: &pstar_loader::Component<H>,
    configuration: &str,
    task: &Task,
) -> Result<(), PluginError> {
    component.create(configuration, task).map(drop)
}

/// Makes a component.
fn make(target: Target<'_>) -> Result<(), PluginError> {
    let Target { registry, kind, name, configuration, task } = target;
    let unknown = |error: pstar_loader::UnknownComponent| PluginError::contract(error.to_string());
    match kind {
        VerifierHandle::KIND => drop_it(registry.verifier(name).map_err(unknown)?, configuration, task),
        BaseModelHandle::KIND => drop_it(registry.base_model(name).map_err(unknown)?, configuration, task),
        PolicyHandle::KIND => drop_it(registry.policy(name).map_err(unknown)?, configuration, task),
        _ => drop_it(registry.objective(name).map_err(unknown)?, configuration, task),
    }
}

fn told(target: Target<'_>) -> String {
    let Some(listing) = target.registry.listing_of(target.kind, target.name) else { return String::new() };
    let offers = match listing.offers {
        [] => "nothing beyond the plain interface".into(),
        words => words.join(", "),
    };
    format!("interface {} on a host of {INTERFACE_VERSION}; it offers {offers}", listing.plugin.interface)
}
