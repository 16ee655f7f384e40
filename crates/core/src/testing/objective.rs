//! Checks of objectives.

mod asked;
mod coefficients;
mod declared;
mod hostile;
mod order;
mod repeats;
mod restore;
mod zero_variance;

use super::{Check, ObjectiveView, defaults};
pub use asked::answers;
use asked::answers_of;

/// What an objective is.
type Objective = dyn ObjectiveView;

/// All checks of objectives.
pub const CHECKS: &[Check<Objective>] = &[
    Check {
        name: "coefficients",
        proves: "an ordinary batch, with nothing but what it declares to read, gets one finite coefficient a token",
        first: true,
        run: coefficients::check,
    },
    Check {
        name: "same-coefficients",
        proves: "equal batches get equal bits: of another instance and in another thread",
        first: false,
        run: repeats::check,
    },
    Check {
        name: "order",
        proves: "no coefficient hangs on the order of groups, or of sequences within a group",
        first: false,
        run: order::check,
    },
    Check {
        name: "zero-variance",
        proves: "groups that are all right or all wrong get finite coefficients",
        first: false,
        run: zero_variance::check,
    },
    Check {
        name: "hostile-batches",
        proves: "batches at the edges get finite coefficients or a refusal: one token, one sample, 4096 tokens, what the base \
            cannot say, ratios of e^±30, cut sequences",
        first: false,
        run: hostile::check,
    },
    Check {
        name: "save-restore",
        proves: "an objective that stops and goes on gives the bits of one that never stopped",
        first: false,
        run: restore::check,
    },
    Check {
        name: "declared-gradient",
        proves: "over all groups of samples of a small set of outputs, the expected gradient heads where the declaration says",
        first: false,
        run: declared::check,
    },
    Check {
        name: "listed-defaults",
        proves: "the defaults that `host plugins` lists are those it has",
        first: false,
        run: |subject| defaults::check(subject, answers_of),
    },
];
