//! The crate's own forward pass: the automaton is both the model and the verifier, so the product is the automaton.

use std::convert::Infallible;
use std::hint::black_box;

use pstar_core::data::Ending;
use pstar_exact::{
    Acceptor, ExplicitAutomaton, FiniteState, ModelRows, OutputSpace, Product, Role, PromptedModel, WeightedProduct,
    dynamic,
};
use pstar_forward_peers::{Automaton, report};

struct Model<'a>(&'a Automaton);

impl FiniteState for Model<'_> {
    type Error = Infallible;

    fn expand(
        &self,
        _: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let symbols = self.0.symbols;
        let rows = log_probs.chunks_exact_mut(symbols).zip(next.chunks_exact_mut(symbols));
        for (&state, (log_probs, next)) in states.iter().zip(rows) {
            let row = usize::try_from(state).unwrap() * symbols;
            log_probs.copy_from_slice(&self.0.log_probs[row..row + symbols]);
            for (next, &target) in next.iter_mut().zip(&self.0.targets[row..]) {
                *next = target as u64;
            }
        }
        Ok(())
    }
}

fn main() {
    report(concat!("pstar ", env!("CARGO_PKG_VERSION")), |automaton| {
        let &Automaton { states, symbols, horizon, .. } = automaton;
        let space = OutputSpace { symbols, horizon, ending: Ending::FixedLength };
        let next = automaton.targets.iter().map(|&target| target as u64).collect();
        let mut verifier = ExplicitAutomaton { symbols, next, accepts: automaton.accepts.clone() };
        let acceptor = Acceptor::explore(&mut verifier, space, false, states).unwrap();
        let model = Model(automaton);
        let started = PromptedModel { model: &model, start: 0 };
        let product = Product::explore(&[started], &acceptor, (states + 1) * (horizon + 1)).unwrap();
        let rows = ModelRows::of(&product, Role::Base, started).unwrap();
        (product.transitions(), move || {
            dynamic::log_masses(&WeightedProduct::of_base(black_box(&product), &rows), Role::Base)[0]
        })
    });
}
