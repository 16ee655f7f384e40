//! The figures that are drawn.

use crate::number::Unit;

/// A figure that is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// As in `curves.csv`.
    pub(crate) name: String,
    /// As people call it.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// Whether ratios of it count, not differences.
    pub(crate) is_log: bool,
}

impl Metric {
    fn new(name: &str, title: &str, unit: Unit) -> Self {
        Self { name: name.into(), title: title.into(), unit, is_log: false }
    }

    pub(crate) fn validity() -> Self {
        Self::new("validity_rate", "validity", Unit::Share)
    }

    pub(crate) fn entropy() -> Self {
        Self::new("entropy", "entropy, nats", Unit::Plain)
    }

    pub(crate) fn effective_number() -> Self {
        Self { is_log: true, ..Self::new("effective_number", "effective number, exp H", Unit::Plain) }
    }

    pub(crate) fn kl() -> Self {
        Self::new("kl_from_filtered", "KL(p*‖q), nats", Unit::Plain)
    }

    pub(crate) fn coverage(k: &str) -> Self {
        let name = format!("coverage@{k}");
        Self::new(&name, &name, Unit::Plain)
    }

    /// What training said of itself, where a run has it: one a name of `curves.csv`.
    pub(crate) fn signals() -> [Self; 7] {
        [
            Self::new("groups_all_wrong", "groups all wrong", Unit::Share),
            Self::new("groups_all_right", "groups all right", Unit::Share),
            Self::new("gradient_cosine", "cosine to the exact gradient", Unit::Plain),
            Self::new("gradient_alignment", "alignment with the exact gradient", Unit::Plain),
            Self::new("signal_to_noise", "signal to noise of the gradient", Unit::Plain),
            Self { is_log: true, ..Self::new("gradient_norm", "length of the gradient", Unit::Plain) },
            Self::new("kappa", "κ", Unit::Plain),
        ]
    }
}
