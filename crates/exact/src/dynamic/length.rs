//! How long outputs are.

use crate::dynamic::forward::Scope;
use crate::dynamic::weight::Dual;
use crate::{Role, WeightedProduct};

/// The expected number of tokens of an output of base or policy, an end symbol included.
///
/// # Range and cost
/// From 1 to the horizon. One pass over the product's transitions.
pub fn expected_length(weighted: &WeightedProduct<'_>, role: Role) -> f64 {
    let sums = weighted.sum(Scope::All, |choice| {
        let prob = if role == Role::Policy { choice.q } else { choice.a };
        Dual { weight: prob, moments: [prob] }
    });
    // All mass is 1: no sum of it is beyond the range of numbers.
    let [valid, invalid] =
        [sums.valid, sums.invalid].map(|class| class.value.moments[0] * f64::from(class.exponent).exp2());
    (valid + invalid).clamp(1.0, weighted.product.space().horizon as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::sampler::tests::Task;
    use crate::testing::assert_close;

    #[test]
    fn equals_the_mean_over_outputs() {
        for seed in 0..300 {
            let task = Task::random(seed);
            for (role, index) in [(Role::Base, 0), (Role::Policy, usize::MAX)] {
                let terms = task.outputs().into_iter().map(|output| {
                    let log_prob = output.log_probs[index.min(output.log_probs.len() - 1)];
                    log_prob.exp() * output.tokens.len() as f64
                });
                let expected: f64 = terms.sum();
                assert_close(expected_length(&task.weighted(), role), expected, 1e-12);
            }
        }
    }
}
