//! Tables of one choice, whose limit is known in closed form, and what the flow conserves on the way.

use pstar_core::data::Ending;

use super::*;
use crate::dynamic::occupancy::tests::{Class, prompt};
use crate::{ExplicitAutomaton, OutputSpace};

/// One symbol of `valid.len()`: a softmax over them.
fn table(base: &[f64], valid: &[bool]) -> crate::dynamic::occupancy::tests::Prompt {
    let symbols = base.len();
    let space = OutputSpace { symbols, horizon: 1, ending: Ending::FixedLength };
    let next = valid.iter().map(|&valid| if valid { 1 } else { u64::MAX }).chain(vec![u64::MAX; symbols]);
    let dfa = ExplicitAutomaton { symbols, next: next.collect(), accepts: vec![false, true] };
    prompt(space, &vec![base.to_vec(); symbols + 1], 0, &dfa, Class::Bigram, 1.0)
}

fn probs(base: &[f64], valid: &[bool]) -> (Vec<f64>, FlowLimit) {
    let prompt = table(base, valid);
    let mut start = vec![0.0; base.len() * (base.len() + 1)];
    start[..base.len()].copy_from_slice(&base.iter().map(|a| a.ln()).collect::<Vec<_>>());
    let limit = reward_flow(&[prompt.problem()], &start);
    (limit.parameters[..base.len()].iter().map(|log| log.exp()).collect(), limit)
}

#[test]
fn a_table_ends_in_its_likeliest_valid_output() {
    let (q, limit) = probs(&[0.4, 0.3, 0.2, 0.1], &[false, true, true, true]);
    assert!(limit.settled, "{limit:?}");
    assert!(q[1] > 1.0 - 1e-9, "{q:?}");
}

/// e^−θ_i − e^−θ_j stays: equal outputs stay equal.
#[test]
fn ties_are_shared() {
    let (q, limit) = probs(&[0.4, 0.25, 0.25, 0.1], &[false, true, true, true]);
    assert!(limit.settled);
    assert!((q[1] - 0.5).abs() < 1e-9 && (q[2] - 0.5).abs() < 1e-9, "{q:?}");
}

/// Where all is valid from the start nothing moves.
#[test]
fn nothing_moves_what_is_never_wrong() {
    let (q, limit) = probs(&[0.4, 0.6], &[true, true]);
    assert_eq!(limit.length, 0.0);
    assert!(limit.settled && (q[0] - 0.4).abs() < 1e-15);
}

#[test]
fn rare_outputs_are_climbed_to() {
    let (q, limit) = probs(&[1.0, 1e-20, 1e-20], &[false, true, true]);
    assert!(limit.settled && (q[1] - 0.5).abs() < 1e-6, "{limit:?}");
}

/// Where valid outputs are rarer than numbers can say there is no slope to follow, and no limit is claimed.
#[test]
fn what_cannot_be_climbed_is_not_settled() {
    let prompt = table(&[0.4, 0.3, 0.3], &[false, true, true]);
    let mut start = vec![0.0; 12];
    start[1..3].fill(-800.0);
    let limit = reward_flow(&[prompt.problem()], &start);
    assert!(!limit.settled && limit.length == 0.0, "{limit:?}");
}
