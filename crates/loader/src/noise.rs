//! Verdicts that are wrong in a known way: what rewards in practice are.
//!
//! Noise is a function of prompt and response, so that a verifier with it is one more verifier: its p* and all that follows
//! are exact. By rate it flips single verdicts, each pair of texts by a number of its own; by pattern it takes the word of
//! another verifier.

mod product;

pub(crate) use product::NoisyIncremental;

use crate::{Judged, VerifierHandle};
use pstar_core::data::{Alphabet, SequenceBatch};
use pstar_core::files::sha256_bytes;
use pstar_core::{ErrorKind, PluginError};

/// 2^−53.
const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

/// How verdicts are wrong.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct Noise {
    /// The share of invalid responses that are taken for valid.
    pub false_positives: f64,
    /// The share of valid responses that are taken for invalid.
    pub false_negatives: f64,
    /// Which ones: other seeds flip others.
    pub seed: u64,
    /// What is valid besides.
    pub accepts_also: Option<VerifierHandle>,
    /// What is invalid besides, unless it is valid besides.
    pub rejects_also: Option<VerifierHandle>,
    /// The symbols of prompts and responses.
    pub alphabet: Alphabet,
}

impl Noise {
    /// The verdicts as they are told in the place of the true ones. What has none keeps none; what a pattern says without it
    /// is known all the same.
    pub(crate) fn apply(&self, batch: &SequenceBatch<'_>, truth: Judged) -> Result<Judged, PluginError> {
        let ask = |verifier: &Option<VerifierHandle>| match verifier {
            Some(verifier) => verifier.judge(batch).map(|judged| (judged.valid, judged.reasons)),
            None => Ok((vec![Some(false); batch.len()], Vec::new())),
        };
        let (accepted, of_accepted) = ask(&self.accepts_also)?;
        let (rejected, of_rejected) = ask(&self.rejects_also)?;
        let mut reasons = [truth.reasons, of_accepted, of_rejected].map(Vec::into_iter);
        let mut told = Judged { between: truth.between, ..Judged::default() };
        for row in 0..batch.len() {
            let parts = [truth.valid[row], accepted[row], rejected[row]];
            // Each part without a verdict uses up its reason, whether it decides or not.
            let mut why = None;
            for (part, reasons) in parts.iter().zip(&mut reasons) {
                if part.is_none() {
                    why = why.or(reasons.next());
                }
            }
            let verdict = combined(parts).map(|valid| valid != self.flips(batch, row, valid));
            if verdict.is_none() {
                told.reasons.push(why.unwrap_or_default());
            }
            told.valid.push(verdict);
        }
        Ok(told)
    }

    /// Whether the verdict on a pair is flipped.
    fn flips(&self, batch: &SequenceBatch<'_>, row: usize, valid: bool) -> bool {
        let rate = if valid { self.false_negatives } else { self.false_positives };
        rate > 0.0 && self.uniform(batch, row) < rate
    }

    /// The number of a pair, uniform in [0, 1) with 53 bits: from the hash of seed and texts.
    fn uniform(&self, batch: &SequenceBatch<'_>, row: usize) -> f64 {
        let prompt = self.alphabet.decode(batch.prompt(row));
        let response = self.alphabet.decode(batch.response(row, self.alphabet.end()));
        let mut bytes = self.seed.to_le_bytes().to_vec();
        bytes.extend((prompt.len() as u64).to_le_bytes());
        bytes.extend(prompt.bytes().chain(response.bytes()));
        let hash = sha256_bytes(&bytes);
        let first = u64::from_le_bytes(std::array::from_fn(|i| hash[i]));
        (first >> 11) as f64 * UNIT
    }

    /// Refuses to be read symbol by symbol where single responses are flipped.
    pub(crate) fn check_incremental(&self) -> Result<(), PluginError> {
        if self.false_positives == 0.0 && self.false_negatives == 0.0 {
            return Ok(());
        }
        let message =
            "noise by rate flips single responses, which nothing but the whole response tells apart";
        Err(PluginError::new(ErrorKind::Unsupported, message)
            .with_hint("use noise by pattern, or a task whose outputs can be enumerated"))
    }
}

/// The truth, or what is accepted besides and rejected besides: (truth and not rejected) or accepted; unknown only where the
/// unknown decides.
fn combined([truth, accepted, rejected]: [Option<bool>; 3]) -> Option<bool> {
    let kept = match (truth, rejected) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    };
    match (kept, accepted) {
        (_, Some(true)) | (Some(true), _) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table by hand.
    #[test]
    fn unknown_is_told_only_where_it_decides() {
        let (yes, no) = (Some(true), Some(false));
        for (parts, expected) in [
            ([yes, no, no], yes),
            ([no, no, no], no),
            ([no, yes, no], yes),
            ([yes, no, yes], no),
            ([yes, yes, yes], yes),
            ([None, no, no], None),
            ([None, yes, no], yes),
            ([None, no, yes], no),
            ([yes, no, None], None),
            ([no, no, None], no),
            ([no, None, no], None),
            ([yes, None, no], yes),
            ([yes, None, yes], None),
        ] {
            assert_eq!(combined(parts), expected, "{parts:?}");
        }
    }
}
