//! Small tasks whose outputs can be listed, and the counts checked on them.

use pstar_core::data::Ending;
use pstar_core::rng::{Purpose, StreamKey};

use super::*;
use crate::automata::product::PromptedModel;
use crate::testing::{Bigram, assert_close};
use crate::{Acceptor, ExplicitAutomaton, OutputSpace, ResponseAutomaton};

/// One prompt with everything that it owns.
pub(crate) struct Prompt {
    pub(crate) product: Product,
    pub(crate) base: ModelRows,
    pub(crate) rows: PolicyRows,
    pub(crate) log_valid: f64,
    pub(crate) log_invalid: f64,
    pub(crate) weight: f64,
    /// Per output: log a, whether it is valid, and its choices' parameters.
    pub(crate) outputs: Vec<(f64, bool, Vec<usize>)>,
}

/// Where the rows of a policy lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Class {
    Bigram,
    Positions,
}

impl Class {
    pub(crate) fn offset(self, space: OutputSpace, position: usize, state: usize) -> usize {
        match self {
            Self::Bigram => state * space.choices(),
            Self::Positions => (position * (space.symbols + 1) + state) * space.choices(),
        }
    }

    pub(crate) fn len(self, space: OutputSpace) -> usize {
        self.offset(space, space.horizon - 1, space.symbols) + space.choices()
    }
}

pub(crate) fn prompt(
    space: OutputSpace,
    base: &[Vec<f64>],
    start: u64,
    dfa: &ExplicitAutomaton,
    class: Class,
    weight: f64,
) -> Prompt {
    let views: Vec<&[f64]> = base.iter().map(Vec::as_slice).collect();
    let model = Bigram::new(&views);
    let acceptor = Acceptor::explore(&mut dfa.clone(), space, false, 10_000).unwrap();
    let started = PromptedModel { model: &model, start };
    let product = Product::explore(&[started, started], &acceptor, 1 << 20).unwrap();
    let base_rows = ModelRows::of(&product, Role::Base, started).unwrap();
    let rows = PolicyRows::new(&product, |position, states| {
        let offset = |&state: &u64| class.offset(space, position, usize::try_from(state).unwrap());
        Ok::<_, ()>(states.iter().map(offset).collect())
    })
    .unwrap();
    let (mut tokens, mut outputs) = (Vec::new(), Vec::new());
    let count = space.count().filter(|&count| count <= 1 << 16).unwrap_or(0);
    let mut mass = [0.0, 0.0];
    for index in 0..count {
        space.tokens(index, &mut tokens);
        let (mut state, mut row, mut log_a) = (0, usize::try_from(start).unwrap(), 0.0);
        let mut choices = Vec::new();
        for (position, &token) in tokens.iter().enumerate() {
            let token = token as usize;
            choices.push(class.offset(space, position, row) + token);
            log_a += base[row][token].ln();
            if token < space.symbols {
                if state != ExplicitAutomaton::DEAD {
                    state = dfa.next[usize::try_from(state).unwrap() * space.symbols + token];
                }
                row = token + 1;
            }
        }
        let valid = state != ExplicitAutomaton::DEAD && dfa.accepts[usize::try_from(state).unwrap()];
        mass[usize::from(!valid)] += log_a.exp();
        outputs.push((log_a, valid, choices));
    }
    Prompt {
        product,
        base: base_rows,
        rows,
        log_valid: mass[0].ln(),
        log_invalid: mass[1].ln(),
        weight,
        outputs,
    }
}

impl Prompt {
    pub(crate) fn problem(&self) -> PromptProblem<'_> {
        PromptProblem {
            product: &self.product,
            base: &self.base,
            rows: &self.rows,
            weight: self.weight,
            log_valid: self.log_valid,
            log_invalid: self.log_invalid,
        }
    }
}

/// Two random prompts and random logits. With `aligned`, the policy has the zeros of the base.
pub(crate) fn random(seed: u64, class: Class, ending: Ending, aligned: bool) -> (Vec<Prompt>, Vec<f64>) {
    let mut draws = StreamKey::new(seed, Purpose::Objective, 0).row(0, 0);
    let mut drawn = 0;
    let mut uniform = || {
        drawn += 1;
        draws.at(drawn)
    };
    let space = OutputSpace { symbols: 2 + usize::from(uniform() < 0.5), horizon: 4, ending };
    let choices = space.choices();
    let mut rows = |zeros: f64| -> Vec<Vec<f64>> {
        (0..=space.symbols)
            .map(|_| {
                let mut row: Vec<f64> = (0..choices)
                    .map(|k| if k > 0 && uniform() < zeros { 0.0 } else { 0.1 + uniform() })
                    .collect();
                let total: f64 = row.iter().sum();
                for prob in &mut row {
                    *prob /= total;
                }
                row
            })
            .collect()
    };
    let bases = if aligned { vec![rows(0.2); 2] } else { vec![rows(0.2), rows(0.2)] };
    let zeros = if aligned { bases[0].clone() } else { rows(0.1) };
    let automata: Vec<ExplicitAutomaton> = (0..2)
        .map(|_| {
            let state = |u: f64| match u {
                ..0.15 => u64::MAX,
                ..0.4 => 0,
                ..0.7 => 1,
                _ => 2,
            };
            let next = (0..3 * space.symbols).map(|_| state(uniform())).collect();
            ExplicitAutomaton {
                symbols: space.symbols,
                next,
                accepts: vec![uniform() < 0.5, uniform() < 0.7, true],
            }
        })
        .collect();
    let prompts = automata
        .iter()
        .zip(&bases)
        .zip([(0, 0.3), (1, 0.7)])
        .map(|((dfa, base), (start, weight))| prompt(space, base, start, dfa, class, weight))
        .collect();
    let mut parameters = vec![0.0; class.len(space)];
    for (i, parameter) in parameters.iter_mut().enumerate() {
        let (row, choice) = (i / choices % (space.symbols + 1), i % choices);
        let zero = zeros[row][choice] == 0.0;
        *parameter = if zero { f64::NEG_INFINITY } else { 3.0 * uniform() - 1.5 };
    }
    (prompts, parameters)
}

#[test]
fn counts_are_those_of_the_listed_outputs() {
    for seed in 0..20 {
        for class in [Class::Bigram, Class::Positions] {
            for ending in [Ending::FixedLength, Ending::EndSymbol] {
                let (prompts, parameters) = random(seed, class, ending, false);
                for prompt in &prompts {
                    let problem = prompt.problem();
                    let log_q = RowSet::of(&[problem]).log_softmax(&parameters);
                    let posterior = Posterior::new(&problem, &log_q, [0.7, 0.3]);
                    let mut expected = vec![0.0; parameters.len()];
                    let mut total = 0.0;
                    for (log_a, valid, choices) in &prompt.outputs {
                        let log_q: f64 = choices.iter().map(|&choice| log_q[choice]).sum();
                        let weight = if *valid { (0.7 * log_a + 0.3 * log_q).exp() } else { 0.0 };
                        total += weight;
                        for &choice in choices {
                            expected[choice] += weight;
                        }
                    }
                    assert_close(posterior.log_total(), total.ln(), 1e-12);
                    let mut found = vec![0.0; parameters.len()];
                    posterior.visit(|step, log_count| found[step.index] += log_count.exp());
                    for (found, expected) in found.iter().zip(&expected) {
                        let expected = if total == 0.0 { 0.0 } else { expected / total };
                        assert_close(*found, expected, 1e-12);
                    }
                }
            }
        }
    }
}

#[test]
fn a_log_sum_neither_overflows_nor_underflows() {
    let mut sum = LogSum::EMPTY;
    assert_close(sum.log(), f64::NEG_INFINITY, 0.0);
    for log in [f64::NEG_INFINITY, -5000.0, 3000.0, 3000.0, -1.0] {
        sum.add(log);
    }
    assert_close(sum.log(), 3000.0 + 2f64.ln(), 1e-12);
}
