//! Sequences one by one, in any order of groups, packed into the columns that an objective sees.
//!
//! Sequences of a group keep their order, on which the bits of sums depend. Token columns that are laid out as an objective
//! sees them already are lent to it and never copied.

mod fault;
mod packed;
mod tokens;

pub use fault::RowFault;
pub use packed::PackedRows;
pub use tokens::TokenValues;

/// The sequences of a batch as columns, in any order of groups.
///
/// # Shapes
/// `groups`, `rewards` and what else is told of sequences: one value a sequence; `lengths`: number of tokens of each.
#[derive(Clone, Copy, Debug)]
pub struct SequenceColumns<'a> {
    /// Their groups, which also stand for their prompts.
    pub groups: &'a [u32],
    /// 0 or 1.
    pub rewards: &'a [f64],
    /// Their numbers of tokens.
    pub lengths: &'a [u64],
    /// w; 1/N where it is absent.
    pub weights: Option<&'a [f64]>,
    /// 1 where a sequence ended of itself, 0 where it was cut; 1 where it is absent.
    pub ended: Option<&'a [u8]>,
    /// A number that the sequences of a group with the same answer share.
    pub outcomes: Option<&'a [u64]>,
    /// Token log-probabilities under the policy.
    pub log_probs: TokenValues<'a>,
    /// Under what sampled; the policy where they are absent.
    pub behaviour_log_probs: Option<TokenValues<'a>>,
    /// Under the base.
    pub base_log_probs: Option<TokenValues<'a>>,
}

impl SequenceColumns<'_> {
    /// Whether the columns fit together and the rewards are rewards.
    ///
    /// # Errors
    /// At the first column, or sequence, that does not.
    pub fn check(&self) -> Result<(), RowFault> {
        let rows = self.groups.len();
        let by_sequence = [
            ("rewards", Some(self.rewards.len())),
            ("lengths", Some(self.lengths.len())),
            ("weights", self.weights.map(<[f64]>::len)),
            ("ended", self.ended.map(<[u8]>::len)),
            ("outcomes", self.outcomes.map(<[u64]>::len)),
        ];
        for (column, found) in by_sequence {
            if let Some(found) = found.filter(|&found| found != rows) {
                return Err(RowFault::Rows { column, expected: rows, found });
            }
        }
        for (column, values) in self.token_columns() {
            values.check(column, self.lengths)?;
        }
        let reward = self.rewards.iter().position(|reward| ![0.0, 1.0].contains(reward));
        reward.map_or(Ok(()), |sequence| Err(RowFault::Reward { sequence, found: self.rewards[sequence] }))
    }

    /// The columns of tokens that are there, by name.
    pub fn token_columns(&self) -> impl Iterator<Item = (&'static str, TokenValues<'_>)> {
        let columns = [
            ("log_probs", Some(self.log_probs)),
            ("behaviour_log_probs", self.behaviour_log_probs),
            ("base_log_probs", self.base_log_probs),
        ];
        columns.into_iter().filter_map(|(name, values)| Some((name, values?)))
    }
}
