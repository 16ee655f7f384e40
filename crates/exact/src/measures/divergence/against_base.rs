//! Sums of log-ratios between a policy q and the base a, within each class of outputs.

use crate::sum::{block_sums, finite, unless};
use crate::{Distribution, ValidSet};

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
    pub(super) fn of(policy: Distribution<'_>, base: Distribution<'_>, valid: &ValidSet) -> Self {
        let (mask, indices) = (valid.mask(), valid.indices());
        let len = mask.len();
        assert!(policy.len() == len && base.len() == len, "policy, base and valid set share their outputs");
        let (log_q, q) = (&policy.log_probs[..len], &policy.probs[..len]);
        let (log_a, a) = (&base.log_probs[..len], &base.probs[..len]);
        let at = |i: usize| Pair { log_q: log_q[i], q: q[i], log_a: log_a[i], a: a[i] };
        Self {
            valid: LogRatios::of(indices.len(), |j| at(indices[j] as usize), |_| false),
            invalid: LogRatios::of(len, at, |i| mask[i]),
        }
    }
}

/// One output under both.
#[derive(Clone, Copy)]
struct Pair {
    log_q: f64,
    q: f64,
    log_a: f64,
    a: f64,
}

impl LogRatios {
    /// Over the outputs 0..len that are not `left_out`.
    #[inline]
    fn of(len: usize, pair: impl Fn(usize) -> Pair, left_out: impl Fn(usize) -> bool) -> Self {
        let (mut escapes, mut misses) = (false, false);
        let [to_base, from_base] = block_sums(len, |i| {
            let Pair { log_q, q, log_a, a } = pair(i);
            let left_out = left_out(i);
            let (in_q, in_a) = (log_q > f64::NEG_INFINITY, log_a > f64::NEG_INFINITY);
            escapes |= in_q && !in_a && !left_out;
            misses |= in_a && !in_q && !left_out;
            // Wrong only where one side alone has support: the flags say what that means.
            let log_ratio = finite(log_q) - finite(log_a);
            [unless(left_out, q) * log_ratio, -unless(left_out, a) * log_ratio]
        });
        Self {
            to_base: if escapes { f64::INFINITY } else { to_base },
            from_base: if misses { f64::INFINITY } else { from_base },
        }
    }
}
