//! A package of one component, for `host new`: a manifest, the component with a test, and an experiment that uses it.

mod core_folder;
mod name;
mod written;

pub(crate) use core_folder::core_folder;
pub(crate) use name::{fault, type_name};
pub(crate) use written::write_new;

use crate::cli::NewKind;

const MANIFEST: &str = include_str!("../templates/manifest.toml");
const IGNORED: &str = include_str!("../templates/gitignore");

/// The files of a kind that are its own: the component, its tests and the experiment.
macro_rules! files {
    ($kind:literal) => {
        [
            include_str!(concat!("../templates/", $kind, "/lib.rs")),
            include_str!(concat!("../templates/", $kind, "/tests.rs")),
            include_str!(concat!("../templates/", $kind, "/experiment.ron")),
        ]
    };
}

/// Every file of a package by its path: a component of a kind and name, on the `pstar-core` in a folder.
pub(crate) fn package(kind: NewKind, name: &str, core: &str) -> Vec<(&'static str, String)> {
    let [library, tests, experiment] = match kind {
        NewKind::Objective => files!("objective"),
        NewKind::Verifier => files!("verifier"),
        NewKind::Model => files!("model"),
        NewKind::Policy => files!("policy"),
    };
    let of_type = type_name(name, kind, &[library, tests]);
    let filled = |text: &str| text.replace("{{name}}", name).replace("{{Type}}", &of_type);
    // A JSON string of what has no control character is a basic string of TOML.
    let manifest = filled(MANIFEST).replace("{{core}}", &serde_json::Value::from(core).to_string());
    vec![
        ("Cargo.toml", manifest),
        ("src/lib.rs", filled(library)),
        ("src/tests.rs", filled(tests)),
        ("experiment.ron", filled(experiment)),
        (".gitignore", IGNORED.into()),
    ]
}
