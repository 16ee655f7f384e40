//! All outputs, one by one.

pub(crate) mod distribution;
pub(crate) mod enumerate;
pub(crate) mod likeliest;
pub(crate) mod numbering;
pub(crate) mod space;
pub(crate) mod tree;
pub(crate) mod valid_set;
