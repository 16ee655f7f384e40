//! What the provenance of a run says of its parts.

use pstar_record::{PartProvenance, Provenance};

/// The provenance of a run that goes on: that of its first part, and what the later ones were made with.
pub(crate) fn tell_part(first: Option<Provenance>, own: Provenance, arms_found: usize) -> Provenance {
    let Some(mut whole) = first else { return own };
    let part = PartProvenance {
        arms_found,
        version: own.version,
        host: own.host,
        platform: own.platform,
        instruction_set: own.instruction_set,
        plugins: own.plugins,
    };
    whole.store = own.store;
    whole.parts.push(part);
    whole
}
