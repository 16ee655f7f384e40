//! What a verifier said of a batch.

use pstar_core::PluginError;
use pstar_core::author::Verdict;

/// What a verifier said of a batch: whether each response is valid, or that nobody can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// One a response; `None` where there is no verdict.
    pub valid: Vec<Option<bool>>,
    /// For each response without a verdict, in order, why.
    pub reasons: Vec<String>,
    /// How many verdicts a threshold made of scores other than 0 and 1.
    pub between: u64,
}

impl Judged {
    /// The number that stands for no verdict.
    pub(super) const UNKNOWN: u8 = 2;

    /// From what a verifier of valid and invalid alone answered.
    pub(super) fn plain(numbers: Vec<u8>, verifier: &str) -> Result<Self, PluginError> {
        let known = |number| match number {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            found => Err(PluginError::contract(format!(
                "verifier `{verifier}` gave the verdict {found}, expected 0 or 1"
            ))),
        };
        let valid = numbers.into_iter().map(known).collect::<Result<_, _>>()?;
        Ok(Self { valid, ..Self::default() })
    }

    /// From what a verifier answered that may say more.
    pub(super) fn read(
        numbers: Vec<u8>,
        reasons: impl Iterator<Item = String>,
        verifier: &str,
    ) -> Result<Self, PluginError> {
        let mut judged = Self::default();
        let mut reasons = reasons.fuse();
        for number in numbers {
            let verdict = Verdict::read(number, &mut reasons).ok_or_else(|| {
                PluginError::contract(format!(
                    "verifier `{verifier}` gave the verdict {number}, expected 0 to 4, and a reason with every 2"
                ))
            })?;
            judged.valid.push(verdict.is_valid());
            match verdict {
                Verdict::Between { .. } => judged.between += 1,
                Verdict::Unknown(reason) => judged.reasons.push(reason),
                Verdict::Valid | Verdict::Invalid => {}
            }
        }
        if reasons.next().is_some() {
            return Err(PluginError::contract(format!(
                "verifier `{verifier}` gave more reasons than responses without a verdict"
            )));
        }
        Ok(judged)
    }

    /// The first response without a verdict, and why.
    pub fn first_unknown(&self) -> Option<(usize, &str)> {
        let row = self.valid.iter().position(Option::is_none)?;
        Some((row, self.reasons.first().map_or("", String::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_go_with_the_responses_that_have_no_verdict() {
        let reasons = || ["late".to_string(), "dead".to_string()].into_iter();
        let judged = Judged::read(vec![1, 2, 0, 2, 4, 3], reasons(), "v").unwrap();
        assert_eq!(judged.valid, [Some(true), None, Some(false), None, Some(true), Some(false)]);
        assert_eq!((judged.between, judged.first_unknown()), (2, Some((1, "late"))));
        for numbers in [vec![2, 2, 2], vec![2], vec![2, 2, 7]] {
            assert!(Judged::read(numbers, reasons(), "v").is_err());
        }
        assert!(Judged::plain(vec![0, 1, 2], "v").is_err());
    }
}
