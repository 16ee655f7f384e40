//! Inputs on which a false figure, or none, was once given: each file with what it must give, worked out from the
//! definitions.

use std::fs;
use std::path::PathBuf;

mod costs;
mod estimates;
mod logs;
mod messages;

/// The text of a case.
fn case(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
