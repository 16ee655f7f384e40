//! The dialect of RON.

use ron::extensions::Extensions;

/// The RON dialect of experiments and configurations: `clip: 10.0` and `clip: Some(10.0)` both work.
pub fn options() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}
