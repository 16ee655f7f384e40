//! Which sequences count at all.

use pstar_blocks::Block;
use pstar_blocks::{Value, word};
use pstar_core::{Field, PluginError};

/// Which sequences count; the others are dropped before anything is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subset {
    /// All.
    None,
    /// The right ones.
    Correct,
    /// The wrong ones.
    Wrong,
}

impl Block for Subset {
    const FIELD: Field = Field::optional(
        "subset",
        "None | Correct | Wrong",
        "",
        "None",
        "which sequences count: the others are dropped before tokens add up",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let words = [("None", Self::None), ("Correct", Self::Correct), ("Wrong", Self::Wrong)];
        word("subset", "subset", value, &words)
    }
}

impl Subset {
    pub(crate) fn holds(self, reward: f64) -> bool {
        match self {
            Self::None => true,
            Self::Correct => reward > 0.0,
            Self::Wrong => reward == 0.0,
        }
    }
}
