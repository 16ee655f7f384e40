//! What objectives say of themselves that holds for the way of training.

use crate::plan::{Gradient, SampleSource};
use pstar_core::objective::{Caution, Declaration, When};
use pstar_record::Warning;

/// The cautions that hold.
pub(super) fn cautions(declaration: &Declaration, gradient: Gradient) -> impl Iterator<Item = Warning> {
    let holding = declaration.cautions.iter().filter(move |caution| holds(caution, gradient));
    holding.map(|caution| Warning::Caution { message: caution.message.clone() })
}

fn holds(caution: &Caution, gradient: Gradient) -> bool {
    match (caution.when, gradient) {
        (When::Always, _) | (When::OnPolicy, Gradient::Population) => true,
        (When::OnPolicy, Gradient::Sampled(sampling)) => {
            sampling.epochs == 1 && sampling.minibatches == 1 && sampling.source == SampleSource::Policy
        }
        (When::GroupsUpTo(most), Gradient::Sampled(sampling)) => sampling.group <= most as usize,
        // What a later version says of places that this one does not know.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Sampling;

    #[test]
    fn cautions_hold_where_they_say() {
        let declaration = Declaration::default()
            .caution(When::Always, "always")
            .caution(When::OnPolicy, "on-policy")
            .caution(When::GroupsUpTo(4), "small");
        let told = |sampling: Sampling| -> Vec<String> {
            cautions(&declaration, Gradient::Sampled(sampling)).map(|warning| warning.to_string()).collect()
        };
        let on_policy = Sampling::on_policy(2, 8);
        assert_eq!(told(on_policy), ["always", "on-policy"]);
        assert_eq!(told(Sampling { group: 4, ..on_policy }), ["always", "on-policy", "small"]);
        for later in [Sampling { epochs: 2, ..on_policy }, Sampling { minibatches: 2, ..on_policy }] {
            assert_eq!(told(later), ["always"]);
        }
        assert_eq!(told(Sampling { source: SampleSource::Base, ..on_policy }), ["always"]);
    }
}
