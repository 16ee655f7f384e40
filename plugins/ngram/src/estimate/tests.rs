//! Hand-computed tables.
