//! Where the sequences of a batch come from.

use serde::{Deserialize, Serialize};

/// The distribution that a sequence was sampled from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[repr(u8)]
pub enum Source {
    /// The policy, as it was when the batch was drawn.
    #[default]
    Policy = 0,
    /// The base.
    Base = 1,
    /// The filtered model p*.
    Filtered = 2,
    /// The policy of an earlier batch.
    Buffer = 3,
}

impl Source {
    const ALL: [Self; 4] = [Self::Policy, Self::Base, Self::Filtered, Self::Buffer];

    /// The source of a number as it crosses the boundary; `None` for one that this version does not know.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&source| source as u8 == number)
    }
}
