//! What a verifier may say of a response beyond valid or not.

/// Judges responses, each with its prompt, in one go: one verdict a pair, in their order, which depends on the two texts
/// of the pair alone.
pub type Judge<V> = fn(verifier: &V, pairs: &[(&str, &str)]) -> Vec<Verdict>;

/// What a verifier says of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not valid.
    Invalid,
    /// It is valid.
    Valid,
    /// Its score is neither 0 nor 1: a threshold decided.
    Between {
        /// What it decided.
        valid: bool,
    },
    /// None could be had, and why, in one sentence: a time-out, a crash, an error. Never the same as invalid.
    Unknown(String),
}

impl Verdict {
    /// `Valid` or `Invalid`.
    pub fn of(valid: bool) -> Self {
        if valid { Self::Valid } else { Self::Invalid }
    }

    /// Whether the response is valid; `None` where nobody can tell.
    pub fn is_valid(&self) -> Option<bool> {
        match self {
            Self::Invalid => Some(false),
            Self::Valid => Some(true),
            Self::Between { valid } => Some(*valid),
            Self::Unknown(_) => None,
        }
    }

    /// As it crosses the boundary.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Invalid => 0,
            Self::Valid => 1,
            Self::Unknown(_) => 2,
            Self::Between { valid: false } => 3,
            Self::Between { valid: true } => 4,
        }
    }

    /// From what crossed; the next of `reasons` where there is no verdict. `None` if it is none of these.
    pub fn read(number: u8, reasons: &mut impl Iterator<Item = String>) -> Option<Self> {
        match number {
            0 => Some(Self::Invalid),
            1 => Some(Self::Valid),
            2 => reasons.next().map(Self::Unknown),
            3 => Some(Self::Between { valid: false }),
            4 => Some(Self::Between { valid: true }),
            _ => None,
        }
    }
}
