//! Verifiers in C: `include/pstar_verifier.h` seen from the host.
//!
//! A library that exports [`SYMBOL`] offers one verifier by a table of functions. What is said of the table is checked when
//! the file is opened, and what its functions answer at every call.
#![allow(unsafe_code, reason = "calls functions of another language, whose rules the header states")]

mod component;
mod message;
mod table;
mod texts;

pub use table::TableFault;

use crate::component::Plugin;
use libloading::Library;
use table::{RawTable, Table};

/// The symbol by which such a library is known.
const SYMBOL: &[u8] = b"pstar_verifier_table\0";

/// The plugin that a library offers by a table; `None` if it exports none. The library must stay loaded.
pub(crate) fn plugin(library: &Library) -> Option<Result<Plugin, TableFault>> {
    // SAFETY: the header gives the symbol this type, and nothing else is called so.
    let table = unsafe { library.get::<unsafe extern "C" fn() -> *const RawTable>(SYMBOL) }.ok()?;
    // SAFETY: it takes nothing, and what it answers is checked.
    let raw = unsafe { table() };
    // SAFETY: the header promises a table or null, which stays as it is for as long as the library is loaded.
    Some(unsafe { Table::read(raw) }.map(component::plugin))
}
