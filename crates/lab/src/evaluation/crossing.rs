//! Where a policy falls below the base: means over prompts of exact values at real k.

use crate::world::World;
use pstar_core::math;
use pstar_exact::{CoverageCurve, first_fall};
use pstar_record::Crossings;

/// What samples of a distribution reach at one prompt.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) validity_rate: f64,
    /// coverage@k for real k; absent where it is out of reach.
    pub(super) coverage: Option<CoverageCurve>,
}

/// The greatest k of an evaluation, at least 1.
pub(super) fn greatest_k(world: &World) -> u64 {
    world.evaluation.k.iter().map(|k| k.value).max().unwrap_or(1)
}

/// Where the means of a policy fall below those of the base.
pub(super) fn crossings(policy: &[&Reach], base: &[&Reach], weights: &[f64], greatest: u64) -> Crossings {
    let mean = |rows: &[&Reach], figure: &dyn Fn(&Reach) -> f64| {
        let terms = rows.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
        terms.map(|(row, weight)| weight * figure(row)).sum::<f64>()
    };
    let pass = |k: f64| move |reach: &Reach| -math::exp_m1(k * math::ln_1p(-reach.validity_rate.min(1.0)));
    let covered =
        |k: f64| move |reach: &Reach| reach.coverage.as_ref().map_or(0.0, |coverage| coverage.at(k));
    let weighted = policy.iter().chain(base).zip(weights.iter().chain(weights));
    let all_covered =
        weighted.filter(|(_, weight)| **weight > 0.0).all(|(reach, _)| reach.coverage.is_some());
    let coverage = || first_fall(greatest, |k| [policy, base].map(|rows| mean(rows, &covered(k))));
    Crossings {
        coverage: all_covered.then(coverage).flatten(),
        pass: first_fall(greatest, |k| [policy, base].map(|rows| mean(rows, &pass(k)))),
    }
}
