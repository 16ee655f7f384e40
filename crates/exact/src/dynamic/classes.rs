//! The two classes of outputs under one model of a product.

use pstar_core::math;

use crate::automata::product::Role;
use crate::dynamic::forward::{Scope, WeightedProduct};
use crate::dynamic::weight::{Choice, Expectation, LogDual};
use crate::sum::nonnegative;
use crate::{OutputClass, Split};

/// The valid and the invalid outputs under the base or the policy: masses, and what each class looks like.
///
/// # Range and cost
/// Three passes over the product's transitions.
pub fn split(weighted: &WeightedProduct<'_>, role: Role) -> Split {
    let mass = match role {
        Role::Base => Expectation { base: 1.0, policy: 0.0, moments: [[1.0, 0.0]] },
        Role::Policy => Expectation { base: 0.0, policy: 1.0, moments: [[0.0, 1.0]] },
    };
    split_of(weighted, role, weighted.expectations(Scope::All, &mass))
}

/// Logarithms of the masses of the valid and of the invalid outputs: log A1 and log A0, for the base.
///
/// # Range and cost
/// One pass over the product's transitions.
pub fn log_masses(weighted: &WeightedProduct<'_>, role: Role) -> [f64; 2] {
    let [base, policy] = match role {
        Role::Base => [1.0, 0.0],
        Role::Policy => [0.0, 1.0],
    };
    let sums = weighted.expectations(Scope::All, &Expectation { base, policy, moments: [] });
    sums.map(|class| class.log_weight)
}

/// The classes where masses and expected log-probabilities, the first of `means`, are known.
pub(super) fn split_of<const N: usize>(
    weighted: &WeightedProduct<'_>,
    role: Role,
    masses: [LogDual<N>; 2],
) -> Split {
    let (collision, log_prob): (_, fn(Choice) -> f64) = match role {
        Role::Base => (Expectation { base: 2.0, policy: 0.0, moments: [] }, |choice| choice.log_a),
        Role::Policy => (Expectation { base: 0.0, policy: 2.0, moments: [] }, |choice| choice.log_q),
    };
    let collisions = weighted.expectations(Scope::All, &collision);
    let greatest = weighted.greatest(log_prob);
    let class = |i: usize| {
        let log_mass = masses[i].log_weight.min(0.0);
        if greatest[i] == f64::NEG_INFINITY {
            return OutputClass::EMPTY;
        }
        let log_top1 = (greatest[i] - masses[i].log_weight).min(0.0);
        OutputClass {
            mass: math::exp(log_mass),
            log_mass,
            entropy: nonnegative(masses[i].log_weight - masses[i].means[0]),
            log_collision: (collisions[i].log_weight - 2.0 * masses[i].log_weight).min(0.0),
            top1: math::exp(log_top1),
            log_top1,
        }
    };
    Split::of_classes(class(0), class(1))
}
