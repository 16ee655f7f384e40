use std::convert::Infallible;

use proptest::prelude::*;

use pstar_core::data::Ending;

use super::*;
use crate::testing::assert_close;
use crate::{
    Acceptor, Divergences, ExplicitAutomaton, FilteredModel, FiniteState, LayeredAutomaton, ModelRows,
    Orders, OutputSpace, OutputTable, Product, Reference, Role, Split, Started, TiltedModel, ValidSet,
    Weighted, enumerate,
};

/// An automaton with explicit rows, one table a position.
#[derive(Clone, Debug)]
struct Model {
    symbols: usize,
    choices: usize,
    next: Vec<u64>,
    /// Positions × states × choices.
    probs: Vec<Vec<f64>>,
}

impl FiniteState for Model {
    type Error = Infallible;

    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let table = &self.probs[position.min(self.probs.len() - 1)];
        for (i, &state) in states.iter().enumerate() {
            let state = usize::try_from(state).unwrap();
            for c in 0..self.choices {
                log_probs[i * self.choices + c] = pstar_core::math::ln(table[state * self.choices + c]);
            }
            next[i * self.symbols..(i + 1) * self.symbols]
                .copy_from_slice(&self.next[state * self.symbols..(state + 1) * self.symbols]);
        }
        Ok(())
    }
}

fn started(model: &Model) -> Started<'_, Infallible> {
    Started { model, start: 0 }
}

/// A row of probabilities from small integers, zeros among them.
fn row(choices: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0u32..6, choices).prop_map(|counts| {
        let total: u32 = counts.iter().sum();
        match total {
            0 => vec![1.0 / counts.len() as f64; counts.len()],
            _ => counts.iter().map(|&count| f64::from(count) / f64::from(total)).collect(),
        }
    })
}

fn model(symbols: usize, choices: usize, positions: usize) -> impl Strategy<Value = Model> {
    (1usize..4).prop_flat_map(move |states| {
        let table = prop::collection::vec(row(choices), states).prop_map(|rows| rows.concat());
        (
            prop::collection::vec(0..states as u64, states * symbols),
            prop::collection::vec(table, 1..=positions),
        )
            .prop_map(move |(next, probs)| Model { symbols, choices, next, probs })
    })
}

fn verifier(symbols: usize) -> impl Strategy<Value = ExplicitAutomaton> {
    (1usize..5).prop_flat_map(move |states| {
        let target = prop_oneof![4 => 0..states as u64, 1 => Just(u64::MAX)];
        (prop::collection::vec(target, states * symbols), prop::collection::vec(any::<bool>(), states))
            .prop_map(move |(next, accepts)| ExplicitAutomaton { symbols, next, accepts })
    })
}

#[derive(Clone, Debug)]
struct Case {
    space: OutputSpace,
    base: Model,
    policy: Model,
    verifier: ExplicitAutomaton,
    truncated_is_invalid: bool,
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..4, 1usize..6, any::<bool>(), any::<bool>()).prop_flat_map(|(symbols, horizon, ends, refuses)| {
        let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
        let space = OutputSpace { symbols, horizon, ending };
        let model = || model(symbols, space.choices(), horizon);
        (model(), model(), verifier(symbols)).prop_map(move |(base, policy, verifier)| Case {
            space,
            base,
            policy,
            verifier,
            truncated_is_invalid: refuses,
        })
    })
}

impl Case {
    fn table(&self, model: &Model) -> OutputTable {
        let Ok(automaton) = LayeredAutomaton::explore(model, 0, self.space);
        let mut table = OutputTable::default();
        enumerate(&automaton, &mut table);
        table
    }

    fn valid(&self) -> ValidSet {
        let mut tokens = Vec::new();
        let accepts = |index: u64, tokens: &mut Vec<u32>| {
            self.space.tokens(index, tokens);
            let mut state = 0u64;
            for &symbol in tokens.iter().filter(|&&token| (token as usize) < self.space.symbols) {
                if state != u64::MAX {
                    let at = usize::try_from(state).unwrap() * self.space.symbols + symbol as usize;
                    state = self.verifier.next[at];
                }
            }
            let refused = self.truncated_is_invalid && self.space.is_truncated(index);
            state != u64::MAX && self.verifier.accepts[usize::try_from(state).unwrap()] && !refused
        };
        ValidSet::new((0..self.space.count().unwrap()).map(|index| accepts(index, &mut tokens)).collect())
    }

    fn acceptor(&self) -> Acceptor {
        Acceptor::explore(&mut self.verifier.clone(), self.space, self.truncated_is_invalid, 100).unwrap()
    }
}

fn assert_same_option(found: Option<f64>, expected: Option<f64>, tolerance: f64) {
    assert_eq!(found.is_some(), expected.is_some(), "{found:?} {expected:?}");
    if let (Some(found), Some(expected)) = (found, expected) {
        assert_close(found, expected, tolerance);
    }
}

fn assert_same_split(found: &Split, expected: &Split) {
    for (found, expected) in [(found.valid, expected.valid), (found.invalid, expected.invalid)] {
        assert_eq!(found.is_empty(), expected.is_empty());
        assert_close(found.mass, expected.mass, 1e-14);
        assert_close(found.log_mass, expected.log_mass, 1e-12);
        assert_close(found.entropy, expected.entropy, 1e-12);
        assert_close(found.collision, expected.collision, 1e-12);
        assert_close(found.top1, expected.top1, 1e-12);
    }
}

fn compare(case: &Case, acceptor: &Acceptor) {
    let (base, policy, valid) = (case.table(&case.base), case.table(&case.policy), case.valid());
    let product = Product::explore(&[started(&case.base), started(&case.policy)], acceptor, 10_000).unwrap();
    let rows = [
        ModelRows::of(&product, Role::Base, started(&case.base)).unwrap(),
        ModelRows::of(&product, Role::Policy, started(&case.policy)).unwrap(),
    ];
    let weighted = Weighted { product: &product, base: &rows[0], policy: &rows[1] };
    let base_split = Split::of(base.view(), &valid);
    assert_same_split(&split(&weighted, Role::Base), &base_split);
    let filtered = FilteredModel::new(base.view(), &valid, &base_split);
    let tilted: Vec<TiltedModel> = [0.1, 1.0].map(|beta| TiltedModel::new(beta, &base_split)).to_vec();
    let orders =
        Orders { alphas: &[0.25, 0.5, 0.9, -0.5, 1.5, 0.0, 1.0], powers: &[0.0, 0.3, 1.0, -1.0, 2.0] };
    let reference = Reference {
        base: base.view(),
        valid: &valid,
        split: &base_split,
        filtered: filtered.as_ref(),
        tilted: &tilted,
    };
    let policy_split = Split::of(policy.view(), &valid);
    let expected = Divergences::of(policy.view(), &policy_split, &reference, &orders);
    let (found_split, found) = divergences(&weighted, &base_split, &tilted, &orders);
    assert_same_split(&found_split, &policy_split);
    assert_close(found.kl_to_base, expected.kl_to_base, 1e-12);
    assert_close(found.kl_from_base, expected.kl_from_base, 1e-12);
    assert_same_option(found.kl_to_filtered, expected.kl_to_filtered, 1e-12);
    assert_same_option(found.kl_from_filtered, expected.kl_from_filtered, 1e-12);
    assert_same_option(found.hellinger2_to_filtered, expected.hellinger2_to_filtered, 1e-12);
    assert_same_option(found.kl_from_uniform_valid, expected.kl_from_uniform_valid, 1e-12);
    assert_same_option(found.top1_valid, expected.top1_valid, 1e-13);
    assert_eq!((found.tv_to_filtered, found.js_to_filtered), (None, None));
    let families =
        [(&found.alpha_divergence, &expected.alpha_divergence), (&found.power_sums, &expected.power_sums)];
    for (found, expected) in families {
        for (&found, &expected) in found.iter().zip(expected.iter()) {
            let size = expected.filter(|x| x.is_finite()).unwrap_or(0.0).abs();
            assert_same_option(found, expected, 2e-11 * (1.0 + size));
        }
    }
    for (found, expected) in found.kl_to_tilted.iter().zip(&expected.kl_to_tilted) {
        assert_close(*found, *expected, 1e-11);
    }
    for (found, expected) in found.kl_from_tilted.iter().zip(&expected.kl_from_tilted) {
        assert_close(*found, *expected, 1e-11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equals_enumeration(case in case()) {
        compare(&case, &case.acceptor());
        compare(&case, &Acceptor::of_valid_set(&case.valid(), case.space));
    }
}

/// Independent symbols: valid is an even number of the first, of probability p.
fn even(symbols: usize, horizon: usize, p: f64) -> (Model, Acceptor) {
    let rest = (1.0 - p) / (symbols as f64 - 1.0);
    let probs = (0..symbols).map(|symbol| if symbol == 0 { p } else { rest }).collect();
    let model = Model { symbols, choices: symbols, next: vec![0; symbols], probs: vec![probs] };
    let next = (0..2 * symbols)
        .map(|i| if i % symbols == 0 { 1 - (i / symbols) as u64 } else { (i / symbols) as u64 });
    let mut verifier = ExplicitAutomaton { symbols, next: next.collect(), accepts: vec![true, false] };
    let space = OutputSpace { symbols, horizon, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut verifier, space, false, 10).unwrap();
    (model, acceptor)
}

#[test]
fn parity_of_forty_symbols_has_a_closed_form() {
    let (horizon, p) = (40, 0.3);
    let (base, acceptor) = even(8, horizon, p);
    let (policy, _) = even(8, horizon, 0.1);
    let product = Product::explore(&[started(&base), started(&policy)], &acceptor, 1000).unwrap();
    assert!(product.states() < 12, "equal layers share: {}", product.states());
    let rows = [&base, &policy].map(started);
    let base_rows = ModelRows::of(&product, Role::Base, rows[0]).unwrap();
    let policy_rows = ModelRows::of(&product, Role::Policy, rows[1]).unwrap();
    let weighted = Weighted { product: &product, base: &base_rows, policy: &policy_rows };
    let split = split(&weighted, Role::Base);
    let a1 = 0.5 * (1.0 + (1.0 - 2.0 * p).powi(40));
    assert_close(split.valid.mass, a1, 1e-14);
    let orders = Orders { alphas: &[0.5], powers: &[] };
    let (_, found) = divergences(&weighted, &split, &[], &orders);
    let one = p * (p / 0.1).ln() + 0.7 * (0.7f64 / 0.9).ln();
    assert_close(found.kl_from_base, 40.0 * one, 1e-11);
    let one = 0.1 * (0.1 / p).ln() + 0.9 * (0.9f64 / 0.7).ln();
    assert_close(found.kl_to_base, 40.0 * one, 1e-11);
    // Σ_valid √(a q) = ½ [(x + y)^T + (y − x)^T] with x, y the roots of both symbol classes.
    let (x, y) = ((p * 0.1).sqrt(), (0.7f64 * 0.9).sqrt());
    let overlap = 0.5 * ((x + y).powi(40) + (y - x).powi(40)) / a1.sqrt();
    assert_close(found.hellinger2_to_filtered.unwrap(), 1.0 - overlap, 1e-13);
    assert_close(found.kl_to_filtered.unwrap(), f64::INFINITY, 0.0);
}

#[test]
fn a_validity_rate_beyond_underflow_keeps_its_logarithm() {
    // One valid output of 600 symbols, each of probability 1/8: 8^-600 = 10^-542.
    let horizon = 600;
    let (base, _) = even(8, horizon, 0.125);
    let mut verifier = ExplicitAutomaton {
        symbols: 8,
        next: (0..8).map(|symbol| if symbol == 0 { 0 } else { u64::MAX }).collect(),
        accepts: vec![true],
    };
    let space = OutputSpace { symbols: 8, horizon, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut verifier, space, false, 10).unwrap();
    let product = Product::explore(&[started(&base)], &acceptor, 10_000).unwrap();
    let rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
    let weighted = Weighted::of_base(&product, &rows);
    let found = split(&weighted, Role::Base);
    assert_close(found.valid.log_mass, -600.0 * 8f64.ln(), 1e-9);
    assert_close(found.valid.entropy, 0.0, 1e-9);
    assert_close(found.valid.top1, 1.0, 1e-9);
    let tilted = TiltedModel::new(1e-4, &found);
    assert_close(tilted.mu, 1.0, 0.0);
}
