//! Shortest distance in the log semiring, in `f32`: the crate has no log weight in `f64`. The automaton is unrolled.

use std::hint::black_box;

use pstar_forward_peers::{Automaton, report};
use rustfst::algorithms::{ShortestDistanceConfig, shortest_distance_with_config};
use rustfst::prelude::{LogWeight, MutableFst, Semiring, Tr, VectorFst};

/// State `s` at a position is `position * states + s`; behind the last symbol there are two, valid and invalid.
fn unrolled(automaton: &Automaton) -> VectorFst<LogWeight> {
    let &Automaton { states, symbols, horizon, .. } = automaton;
    let mut fst = VectorFst::new();
    fst.add_states(horizon * states + 2);
    fst.set_start(0).unwrap();
    fst.set_final(number(horizon * states), LogWeight::one()).unwrap();
    for from in 0..horizon * states {
        let (position, state) = (from / states, from % states);
        for symbol in 0..symbols {
            let arc = state * symbols + symbol;
            let target = automaton.targets[arc];
            let last = position + 1 == horizon;
            let behind = if last { usize::from(!automaton.accepts[target]) } else { target };
            let label = number(symbol + 1);
            #[allow(clippy::cast_possible_truncation, reason = "all that the weight holds")]
            let weight = -automaton.log_probs[arc] as f32;
            let to = number((position + 1) * states + behind);
            fst.add_tr(number(from), Tr::new(label, label, weight, to)).unwrap();
        }
    }
    fst
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap()
}

fn main() {
    report("rustfst 1.3.1, f32", |automaton| {
        let fst = unrolled(automaton);
        let valid = automaton.horizon * automaton.states;
        let distances = move || {
            // As with OpenFst, a greater delta may drop mass.
            let config = ShortestDistanceConfig::new(0.0);
            shortest_distance_with_config(black_box(&fst), false, config).unwrap()
        };
        let reached = distances()[..valid].iter().filter(|&distance| *distance != LogWeight::zero()).count();
        (reached * automaton.symbols, move || -f64::from(*distances()[valid].value()))
    });
}
