//! Sums of log-ratios between a policy q and the base a, within each class of outputs.

use pstar_core::vectorised;

use crate::sum::{WrittenBlocks, block_sums, blocks, finite, unless};
use crate::{Distribution, OutputClass, Split, ValidSet};

/// The two sums of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogRatios {
    /// Σ q log(q/a); +∞ iff q reaches an output of the class that a does not.
    pub(crate) to_base: f64,
    /// Σ a log(a/q); +∞ iff a reaches an output of the class that q does not.
    pub(crate) from_base: f64,
}

/// The sums of both classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClassRatios {
    pub(crate) valid: LogRatios,
    pub(crate) invalid: LogRatios,
}

impl ClassRatios {
    /// A policy's classes, [`Split::of`] it, and its ratios to the base, in one pass over all outputs and two over the valid ones.
    pub(super) fn with_split(
        policy: Distribution<'_>,
        base: Distribution<'_>,
        valid: &ValidSet,
    ) -> (Split, Self) {
        let (mask, indices) = (valid.mask(), valid.indices());
        let len = mask.len();
        assert!(policy.len() == len && base.len() == len, "policy, base and valid set share their outputs");
        let valid_class = OutputClass::of(
            indices.len(),
            |j| (policy.log_probs[indices[j] as usize], policy.probs[indices[j] as usize]),
            |_| false,
        );
        let of_valid = LogRatios::of_outputs(policy, base, indices);
        let Others { sums, greatest, escapes, misses } = vectorised!([
            policy: Distribution<'_> = policy, base: Distribution<'_> = base, mask: &[bool] = mask,
        ] -> Others { others(policy, base, mask) });
        let [mass, moment, square, to_base, from_base] = sums;
        let log_prob = |i: usize| if mask[i] { f64::NEG_INFINITY } else { policy.log_probs[i] };
        let of_tiny = || OutputClass::of_tiny(len, log_prob);
        let other_class = OutputClass::of_sums([mass, moment, square], greatest, of_tiny);
        let of_others = LogRatios::new([to_base, from_base], escapes, misses);
        (Split::of_classes(valid_class, other_class), Self { valid: of_valid, invalid: of_others })
    }
}

/// What is summed of the outputs that are not valid.
struct Others {
    /// Σ q, Σ q log q, Σ q², Σ q log(q/a), Σ a log(a/q).
    sums: [f64; 5],
    /// The greatest q.
    greatest: f64,
    /// Whether q reaches an output that a does not, and the other way round.
    escapes: bool,
    misses: bool,
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "is compiled for the instruction set of its caller")]
fn others(policy: Distribution<'_>, base: Distribution<'_>, mask: &[bool]) -> Others {
    let (mut escapes, mut misses) = (0, 0);
    let mut lanes = [0.0; 8];
    let mut sums = WrittenBlocks::<5>::new();
    for block in blocks(mask.len()) {
        let len = block.len();
        let (log_q, q) = (&policy.log_probs[block.clone()], &policy.probs[block.clone()]);
        let (log_a, a) = (&base.log_probs[block.clone()], &base.probs[block.clone()]);
        let mask = &mask[block];
        let [mass, moment, square, to_base, from_base] = &mut sums.terms;
        let (mass, moment, square) = (&mut mass[..len], &mut moment[..len], &mut square[..len]);
        let (to_base, from_base) = (&mut to_base[..len], &mut from_base[..len]);
        for i in 0..len {
            let (kept, q_kept) = (u64::from(!mask[i]), unless(mask[i], q[i]));
            let (reached, in_base) =
                (u64::from(log_q[i] > f64::NEG_INFINITY), u64::from(log_a[i] > f64::NEG_INFINITY));
            escapes |= reached & (1 - in_base) & kept;
            misses |= in_base & (1 - reached) & kept;
            let log = finite(log_q[i]);
            // Wrong only where one side alone has support: the flags say what that means.
            let log_ratio = log - finite(log_a[i]);
            mass[i] = q_kept;
            moment[i] = q_kept * log;
            square[i] = q_kept * q_kept;
            to_base[i] = q_kept * log_ratio;
            from_base[i] = -unless(mask[i], a[i]) * log_ratio;
        }
        let (chunks, rest) = mass.as_chunks::<8>();
        for chunk in chunks {
            for (lane, &prob) in lanes.iter_mut().zip(chunk) {
                *lane = if prob > *lane { prob } else { *lane };
            }
        }
        for (lane, &prob) in lanes.iter_mut().zip(rest) {
            *lane = if prob > *lane { prob } else { *lane };
        }
        sums.add(len);
    }
    let greatest = lanes.into_iter().fold(0.0, |x, y| if y > x { y } else { x });
    Others { sums: sums.totals(), greatest, escapes: escapes != 0, misses: misses != 0 }
}

impl LogRatios {
    /// Over the outputs with these indices.
    fn of_outputs(policy: Distribution<'_>, base: Distribution<'_>, indices: &[u32]) -> Self {
        let (mut escapes, mut misses) = (false, false);
        let sums = block_sums(indices.len(), |j| {
            let i = indices[j] as usize;
            let (log_q, log_a) = (policy.log_probs[i], base.log_probs[i]);
            let (in_q, in_a) = (log_q > f64::NEG_INFINITY, log_a > f64::NEG_INFINITY);
            escapes |= in_q && !in_a;
            misses |= in_a && !in_q;
            let log_ratio = finite(log_q) - finite(log_a);
            [policy.probs[i] * log_ratio, -base.probs[i] * log_ratio]
        });
        Self::new(sums, escapes, misses)
    }

    fn new([to_base, from_base]: [f64; 2], escapes: bool, misses: bool) -> Self {
        Self {
            to_base: if escapes { f64::INFINITY } else { to_base },
            from_base: if misses { f64::INFINITY } else { from_base },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputTable;

    /// Against sums term by term, over several blocks and the rest of one, with what one side or both cannot reach.
    #[test]
    fn written_blocks_give_the_bits_of_sums_term_by_term() {
        for (len, zeros) in [(1, 0), (255, 3), (256, 0), (1000, 7), (2049, 0)] {
            let table = |factor: f64, zeros: usize| {
                let log_prob = |i: usize| {
                    if zeros > 0 && i % 97 < zeros {
                        f64::NEG_INFINITY
                    } else {
                        -10.0 - (i as f64 * factor).sin()
                    }
                };
                OutputTable::from_log_probs((0..len).map(log_prob).collect())
            };
            let (policy, base) = (table(0.7, zeros), table(1.3, zeros / 2));
            let valid = ValidSet::new((0..len).map(|i| i % 5 == 2).collect());
            let (split, ratios) = ClassRatios::with_split(policy.view(), base.view(), &valid);
            assert_eq!(split, Split::of(policy.view(), &valid));
            let mask = valid.mask();
            let [to_base, from_base] = block_sums(len, |i| {
                let log_ratio = finite(policy.log_probs[i]) - finite(base.log_probs[i]);
                let (q, a) = (unless(mask[i], policy.probs[i]), unless(mask[i], base.probs[i]));
                [q * log_ratio, -a * log_ratio]
            });
            let reaches = |from: &OutputTable, to: &OutputTable| {
                (0..len).any(|i| !mask[i] && from.log_probs[i].is_finite() && !to.log_probs[i].is_finite())
            };
            let (escapes, misses) = (reaches(&policy, &base), reaches(&base, &policy));
            assert_eq!(ratios.invalid, LogRatios::new([to_base, from_base], escapes, misses), "{len}");
        }
    }
}
