//! Checks of policies beyond those of models.

mod additive;
mod drawn;
mod entropy;
mod finite_difference;
mod gradient;
mod parameters;

use super::{Check, PolicyView, Subject};

/// What a policy is.
type Policy = dyn PolicyView;

/// All checks of policies that are not of models as well.
pub const CHECKS: &[Check<Policy>] = &[
    Check {
        name: "parameters",
        proves: "a fresh policy that is given the parameters of another scores as that one, to the bit, and back again; NaN is refused",
        first: false,
        run: parameters::check,
    },
    Check {
        name: "initial-parameters",
        proves: "the parameters that it draws are finite, a function of the key, and enough of them to score",
        first: false,
        run: drawn::check,
    },
    Check {
        name: "gradient",
        proves: "the gradient is that of the scores, by differences along random directions, for several prompts and lengths",
        first: false,
        run: gradient::check,
    },
    Check {
        name: "additive",
        proves: "the gradient of a batch is the sum of its slices', and a sequence of weight 0 adds nothing",
        first: false,
        run: additive::check,
    },
    Check {
        name: "entropy",
        proves: "the gradient of the entropy is that of the entropy of the scores",
        first: false,
        run: entropy::check,
    },
];

/// The subject of a check.
type Of<'a, 'b> = &'a Subject<'b, Policy>;
