use std::convert::Infallible;

use pstar_core::data::Ending;
use pstar_core::math;
use pstar_core::rng::{Purpose, StreamKey};

use super::*;
use crate::testing::assert_close;
use crate::{Acceptor, ExplicitAutomaton, FiniteState, OutputSpace, PromptedModel, ResponseAutomaton};

/// A bigram model with rows that depend on the position: positions × (start, then each symbol) × choices.
#[derive(Clone, Debug)]
pub(in crate::dynamic) struct Rows {
    pub(in crate::dynamic) symbols: usize,
    /// The last of them holds for all positions behind it.
    pub(in crate::dynamic) positions: Vec<Vec<Vec<f64>>>,
    /// Whether it stays in the start's state whatever it reads.
    pub(in crate::dynamic) forgets: bool,
}

impl Rows {
    fn row(&self, position: usize, state: usize) -> &[f64] {
        &self.positions[position.min(self.positions.len() - 1)][state]
    }

    fn behind(&self, symbol: usize) -> usize {
        if self.forgets { 0 } else { 1 + symbol }
    }

    fn log_prob(&self, tokens: &[u32]) -> f64 {
        let mut state = 0;
        tokens
            .iter()
            .enumerate()
            .map(|(position, &token)| {
                let log_prob = self.row(position, state)[token as usize].ln();
                state = self.behind(token as usize);
                log_prob
            })
            .sum()
    }
}

impl FiniteState for Rows {
    type Error = Infallible;

    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let choices = self.positions[0][0].len();
        for (i, &state) in states.iter().enumerate() {
            let row = self.row(position, usize::try_from(state).unwrap());
            for (log_prob, &prob) in log_probs[i * choices..].iter_mut().zip(row) {
                *log_prob = math::ln(prob);
            }
            for symbol in 0..self.symbols {
                next[i * self.symbols + symbol] = self.behind(symbol) as u64;
            }
        }
        Ok(())
    }
}

/// A base, perhaps a policy, and a verifier, with their product.
pub(in crate::dynamic) struct Task {
    pub(in crate::dynamic) space: OutputSpace,
    pub(in crate::dynamic) acceptor: Acceptor,
    models: Vec<Rows>,
    automaton: ExplicitAutomaton,
    truncated_is_invalid: bool,
    product: Product,
    rows: Vec<ModelRows>,
}

/// An output as the definitions have it.
pub(in crate::dynamic) struct Output {
    pub(in crate::dynamic) tokens: Vec<u32>,
    pub(in crate::dynamic) valid: bool,
    /// One a model.
    pub(in crate::dynamic) log_probs: Vec<f64>,
}

impl Task {
    pub(in crate::dynamic) fn new(
        models: Vec<Rows>,
        mut automaton: ExplicitAutomaton,
        space: OutputSpace,
        truncated_is_invalid: bool,
    ) -> Self {
        let Ok(acceptor) = Acceptor::explore(&mut automaton, space, truncated_is_invalid, 1000) else {
            panic!("a small verifier")
        };
        let started: Vec<_> =
            models.iter().map(|model| PromptedModel { model: model as _, start: 0 }).collect();
        let product = Product::explore(&started, &acceptor, 100_000).unwrap();
        let roles = [Role::Base, Role::Policy];
        let rows = started.iter().zip(roles);
        let rows = rows.map(|(&model, role)| ModelRows::of(&product, role, model).unwrap()).collect();
        Self { space, acceptor, models, automaton, truncated_is_invalid, product, rows }
    }

    /// Of few outputs, with zeros among the probabilities.
    pub(in crate::dynamic) fn random(seed: u64) -> Self {
        let mut uniform = uniforms(seed);
        let mut below = |n: usize| (0..n).rfind(|&i| i as f64 <= uniform() * n as f64).unwrap_or(0);
        let (symbols, horizon) = (1 + below(3), 1 + below(5));
        let ending = if below(2) == 0 { Ending::FixedLength } else { Ending::EndSymbol };
        let space = OutputSpace { symbols, horizon, ending };
        let (roles, positions, states) = (1 + below(2), 1 + below(horizon), 1 + below(4));
        let forgetful = below(3);
        let truncated_is_invalid = below(2) == 0;
        let next = (0..states * symbols).map(|_| match below(states + 1) {
            0 => ExplicitAutomaton::DEAD,
            state => state as u64 - 1,
        });
        let next = next.collect();
        let accepts = (0..states).map(|_| below(3) > 0).collect();
        let mut row = || {
            let weights: Vec<f64> = (0..space.choices()).map(|_| [0.0, 0.01, 0.5, 1.0][below(4)]).collect();
            let total: f64 = weights.iter().sum();
            let even = 1.0 / weights.len() as f64;
            weights.iter().map(|weight| if total > 0.0 { weight / total } else { even }).collect::<Vec<f64>>()
        };
        let models = (0..roles)
            .map(|role| Rows {
                symbols,
                forgets: role == forgetful,
                positions: (0..positions).map(|_| (0..=symbols).map(|_| row()).collect()).collect(),
            })
            .collect();
        let automaton = ExplicitAutomaton { symbols, next, accepts };
        Self::new(models, automaton, space, truncated_is_invalid)
    }

    pub(in crate::dynamic) fn weighted(&self) -> WeightedProduct<'_> {
        WeightedProduct {
            product: &self.product,
            base: &self.rows[0],
            policy: &self.rows[self.rows.len() - 1],
        }
    }

    pub(in crate::dynamic) fn outputs(&self) -> Vec<Output> {
        (0..self.space.count().unwrap())
            .map(|index| {
                let mut tokens = Vec::new();
                self.space.tokens(index, &mut tokens);
                let log_probs = self.models.iter().map(|model| model.log_prob(&tokens)).collect();
                Output { valid: self.accepts(&tokens), tokens, log_probs }
            })
            .collect()
    }

    fn accepts(&self, tokens: &[u32]) -> bool {
        let mut state = 0;
        for &token in tokens {
            if token as usize == self.space.symbols {
                return self.automaton.accepts[usize::try_from(state).unwrap()];
            }
            state =
                self.automaton.next[usize::try_from(state).unwrap() * self.space.symbols + token as usize];
            if state == ExplicitAutomaton::DEAD {
                return false;
            }
        }
        let refused = self.truncated_is_invalid && self.space.ending == Ending::EndSymbol;
        !refused && self.automaton.accepts[usize::try_from(state).unwrap()]
    }
}

/// A fixed stream of uniform numbers.
fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut row = StreamKey::new(seed, Purpose::Initialise, 0).row(0, 0);
    let mut positions = 0..;
    move || row.at(positions.next().unwrap())
}

/// Rows that are the same everywhere.
pub(in crate::dynamic) fn independent(row: &[f64], symbols: usize) -> Rows {
    Rows { symbols, positions: vec![vec![row.to_vec(); symbols + 1]], forgets: false }
}

/// An even number of the first symbol.
pub(in crate::dynamic) fn even(symbols: usize) -> ExplicitAutomaton {
    let next = (0..2u64).flat_map(|state| (0..symbols).map(move |s| if s == 0 { 1 - state } else { state }));
    ExplicitAutomaton { symbols, next: next.collect(), accepts: vec![true, false] }
}

#[test]
fn samples_have_the_filtered_models_probabilities() {
    let mut tried = 0;
    for seed in 0..40 {
        let task = Task::random(seed);
        let outputs = task.outputs();
        let valid_mass: f64 =
            outputs.iter().filter(|output| output.valid).map(|output| output.log_probs[0].exp()).sum();
        let Some(sampler) = FilteredSampler::new(&task.weighted()) else {
            assert_eq!(valid_mass, 0.0, "seed {seed}");
            continue;
        };
        assert_close(sampler.log_validity_rate(), valid_mass.ln(), 1e-13);
        tried += 1;
        let draws = 4000;
        let key = StreamKey::new(seed, Purpose::BaseSample, 0);
        let mut counts = vec![0u32; outputs.len()];
        let mut tokens = Vec::new();
        for draw in 0..draws {
            let mut row = key.row(0, draw);
            let log_prob = sampler.sample(|position| row.at(position), &mut tokens);
            let index = usize::try_from(task.space.index_of(&tokens).unwrap()).unwrap();
            let output = &outputs[index];
            assert!(output.valid && output.tokens == tokens, "seed {seed}: {tokens:?}");
            assert_close(log_prob, output.log_probs[0] - valid_mass.ln(), 1e-12);
            counts[index] += 1;
        }
        // Outputs expected fewer than 10 times count as one cell.
        let (mut chi_square, mut cells, mut rare) = (0.0f64, 0.0f64, [0.0f64; 2]);
        for (output, &count) in outputs.iter().zip(&counts) {
            let prob = if output.valid { output.log_probs[0].exp() / valid_mass } else { 0.0 };
            let expected = prob * f64::from(draws);
            if expected < 10.0 {
                rare[0] += expected;
                rare[1] += f64::from(count);
            } else {
                chi_square += (f64::from(count) - expected).powi(2) / expected;
                cells += 1.0;
            }
        }
        chi_square += (rare[1] - rare[0]).powi(2) / rare[0].max(1.0);
        cells += 1.0;
        let bound = cells + 5.0 * (2.0 * cells).sqrt();
        assert!(chi_square < bound, "seed {seed}: {chi_square} over {cells} cells");
    }
    assert!(tried > 15, "{tried} tasks have valid outputs");
}

#[test]
fn the_uniform_of_a_position_decides_in_choice_order() {
    // p* over the first token is that of the base among those that lead to an even number of zeros.
    let model = independent(&[0.25, 0.25, 0.5], 2);
    let space = OutputSpace { symbols: 2, horizon: 1, ending: Ending::EndSymbol };
    let task = Task::new(vec![model], even(2), space, false);
    let sampler = FilteredSampler::new(&task.weighted()).unwrap();
    let mut tokens = Vec::new();
    for (uniform, token, log_prob) in [
        (0.0, 1, -3f64.ln()),
        (0.33, 1, -3f64.ln()),
        (0.34, 2, (2.0 / 3.0f64).ln()),
        (0.999, 2, (2.0 / 3.0f64).ln()),
    ] {
        assert_close(sampler.sample(|_| uniform, &mut tokens), log_prob, 1e-15);
        assert_eq!(tokens, [token]);
    }
}

#[test]
fn a_valid_mass_below_every_float_is_no_obstacle() {
    // Only symbols 0 and 1 are valid, of mass 1e-4 each 300 times: (2e-4)^300 = 10^−1109.7.
    let model = independent(&[1e-4, 1e-4, 0.4999, 0.4999], 4);
    let dead = ExplicitAutomaton::DEAD;
    let automaton = ExplicitAutomaton {
        symbols: 4,
        next: vec![0, 1, dead, dead, 1, 0, dead, dead],
        accepts: vec![true, false],
    };
    let space = OutputSpace { symbols: 4, horizon: 300, ending: Ending::FixedLength };
    let task = Task::new(vec![model], automaton, space, false);
    let sampler = FilteredSampler::new(&task.weighted()).unwrap();
    let expected = 300.0 * 2e-4f64.ln() - 2f64.ln();
    assert_close(sampler.log_validity_rate() / expected, 1.0, 1e-14);
    let key = StreamKey::new(1, Purpose::BaseSample, 0);
    let (mut tokens, mut ones) = (Vec::new(), 0);
    for draw in 0..200 {
        let mut row = key.row(0, draw);
        let log_prob = sampler.sample(|position| row.at(position), &mut tokens);
        assert_close(log_prob / (-299.0 * 2f64.ln()), 1.0, 1e-11);
        let here = tokens.iter().filter(|&&token| token == 1).count();
        assert!(tokens.len() == 300 && here % 2 == 0 && tokens.iter().all(|&token| token < 2));
        ones += here;
    }
    assert!((ones as f64 - 30_000.0).abs() < 5.0 * (60_000.0f64 / 4.0).sqrt(), "{ones}");
}

#[test]
fn no_valid_output_in_the_support_is_no_sampler() {
    let model = independent(&[1.0, 0.0], 2);
    let space = OutputSpace { symbols: 2, horizon: 3, ending: Ending::FixedLength };
    let task = Task::new(vec![model], even(2), space, false);
    assert!(FilteredSampler::new(&task.weighted()).is_none());
    let nothing = ExplicitAutomaton { symbols: 2, next: vec![0, 0], accepts: vec![false] };
    let task = Task::new(vec![independent(&[0.5, 0.5], 2)], nothing, space, false);
    assert!(FilteredSampler::new(&task.weighted()).is_none());
}

#[test]
fn underflown_probabilities_stay_in_the_support() {
    struct Tiny;
    impl FiniteState for Tiny {
        type Error = Infallible;
        fn expand(
            &self,
            _: usize,
            _: &[u64],
            log_probs: &mut [f64],
            next: &mut [u64],
        ) -> Result<(), Infallible> {
            log_probs.chunks_exact_mut(2).for_each(|row| row.copy_from_slice(&[-2000.0, 0.0]));
            next.fill(0);
            Ok(())
        }
    }
    let space = OutputSpace { symbols: 2, horizon: 2, ending: Ending::FixedLength };
    let mut automaton =
        ExplicitAutomaton { symbols: 2, next: vec![0, ExplicitAutomaton::DEAD], accepts: vec![true] };
    let acceptor = Acceptor::explore(&mut automaton, space, false, 10).unwrap();
    let started = PromptedModel { model: &Tiny as &dyn FiniteState<Error = Infallible>, start: 0 };
    let product = Product::explore(&[started], &acceptor, 100).unwrap();
    let rows = ModelRows::of(&product, Role::Base, started).unwrap();
    let sampler = FilteredSampler::new(&WeightedProduct::of_base(&product, &rows)).unwrap();
    let mut tokens = Vec::new();
    assert_close(sampler.log_validity_rate(), -4000.0, 1e-12);
    assert_close(sampler.sample(|_| 0.5, &mut tokens), 0.0, 1e-12);
    assert_eq!(tokens, [0, 0]);
}
