//! Against lists of outputs, against finite differences, and in a space that cannot be listed.

use pstar_core::data::Ending;

use super::*;
use crate::dynamic::occupancy::tests::{Class, Prompt, prompt, random};
use crate::testing::assert_close;
use crate::{ExplicitAutomaton, OutputSpace};

const DIVERGENCES: [Divergence; 4] = [
    Divergence::InvalidityRate,
    Divergence::KlFromFiltered,
    Divergence::Alpha { alpha: 0.3 },
    Divergence::Alpha { alpha: 0.9 },
];

const TILTS: [Divergence; 3] = [
    Divergence::KlToTilted { beta: 0.7 },
    Divergence::KlToTilted { beta: 0.02 },
    Divergence::KlToTiltedAtRate { mu: 0.999 },
];

/// Output by output: Σ q c ∇ log q, and the potential whose gradient it is.
fn listed(prompts: &[Prompt], divergence: Divergence, parameters: &[f64]) -> (Vec<f64>, f64) {
    let mut gradient = vec![0.0; parameters.len()];
    let mut potential = 0.0;
    let problems: Vec<_> = prompts.iter().map(Prompt::problem).collect();
    let rows = RowSet::of(&problems);
    let log_q = rows.log_softmax(parameters);
    for (prompt, problem) in prompts.iter().zip(&problems) {
        for (log_a, valid, choices) in &prompt.outputs {
            let log_prob: f64 = choices.iter().map(|&choice| log_q[choice]).sum();
            let (q, v) = (log_prob.exp(), f64::from(u8::from(*valid)));
            let p = if *valid { (log_a - prompt.log_valid).exp() } else { 0.0 };
            let mut control = |beta: f64| {
                let price = if beta == 0.0 || q == 0.0 { 0.0 } else { beta * (log_prob - log_a) };
                let c = v - price;
                potential += prompt.weight * q * c;
                q * c
            };
            let qc = match divergence {
                Divergence::InvalidityRate => control(0.0),
                Divergence::KlToTilted { beta } => control(beta),
                Divergence::KlToTiltedAtRate { mu } => control(beta_at_rate(problem, mu).unwrap()),
                Divergence::Alpha { alpha } if p > 0.0 && q > 0.0 => {
                    let term = p.powf(1.0 - alpha) * q.powf(alpha) / (1.0 - alpha);
                    potential += prompt.weight * term / alpha;
                    term
                }
                Divergence::KlFromFiltered if p > 0.0 && q > 0.0 => {
                    potential += prompt.weight * p * log_prob;
                    p
                }
                _ => 0.0,
            };
            for &choice in choices {
                let start = choice / rows.choices * rows.choices;
                gradient[choice] += prompt.weight * qc;
                for k in start..start + rows.choices {
                    gradient[k] -= prompt.weight * qc * log_q[k].exp();
                }
            }
        }
    }
    (gradient, potential)
}

fn check(prompts: &[Prompt], divergence: Divergence, parameters: &[f64]) {
    let problems: Vec<_> = prompts.iter().map(Prompt::problem).collect();
    let mut found = vec![f64::NAN; parameters.len()];
    population_gradient(&problems, divergence, parameters, &mut found).unwrap();
    let (expected, potential) = listed(prompts, divergence, parameters);
    for (found, expected) in found.iter().zip(&expected) {
        assert_close(*found, *expected, 1e-12 * (1.0 + expected.abs()));
    }
    for (found, _) in found.iter().zip(parameters).filter(|(_, logit)| **logit == f64::NEG_INFINITY) {
        assert_close(*found, 0.0, 0.0);
    }
    if potential.is_finite() {
        for i in (0..parameters.len()).filter(|&i| parameters[i].is_finite()) {
            let [up, down] = [1e-5, -1e-5].map(|step| {
                let mut moved = parameters.to_vec();
                moved[i] += step;
                listed(prompts, divergence, &moved).1
            });
            assert_close(found[i], (up - down) / 2e-5, 1e-7 * (1.0 + potential.abs()));
        }
    }
}

#[test]
fn gradients_are_those_of_the_listed_outputs_and_of_the_potential() {
    for seed in 0..12 {
        for class in [Class::Bigram, Class::Positions] {
            for ending in [Ending::FixedLength, Ending::EndSymbol] {
                let (prompts, parameters) = random(seed, class, ending, false);
                for divergence in DIVERGENCES {
                    check(&prompts, divergence, &parameters);
                }
                let (prompts, parameters) = random(seed, class, ending, true);
                for divergence in TILTS {
                    let problems = prompts.iter().map(Prompt::problem);
                    let mut rates = problems.map(|problem| beta_at_rate(&problem, 0.999));
                    if matches!(divergence, Divergence::KlToTilted { .. }) || rates.all(|rate| rate.is_ok()) {
                        check(&prompts, divergence, &parameters);
                    }
                }
            }
        }
    }
}

fn even(symbols: usize) -> ExplicitAutomaton {
    let next = (0..2 * symbols as u64).map(|i| u64::from(i == 0) ^ u64::from(i > symbols as u64)).collect();
    ExplicitAutomaton { symbols, next, accepts: vec![true, false] }
}

#[test]
fn what_cannot_be_had_is_an_error() {
    let space = OutputSpace { symbols: 2, horizon: 3, ending: Ending::FixedLength };
    let base = vec![vec![1.0, 0.0]; 3];
    let prompts = [prompt(space, &base, 0, &even(2), Class::Bigram, 1.0)];
    let problems = [prompts[0].problem()];
    let mut gradient = [0.0; 6];
    let mut of =
        |divergence, logits: &[f64]| population_gradient(&problems, divergence, logits, &mut gradient);
    let clipped = Divergence::ClippedAlpha { alpha: 0.0, clip: 10.0 };
    assert_eq!(of(clipped, &[0.0; 6]), Err(PopulationError::NotDecomposable));
    let tilt = Divergence::KlToTilted { beta: 0.1 };
    assert_eq!(of(tilt, &[0.0; 6]), Err(PopulationError::LeavesBaseSupport));
    assert_eq!(of(tilt, &[0.0, f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY, 0.0, 0.0]), Ok(()));
    let rate = Divergence::KlToTiltedAtRate { mu: 0.5 };
    assert_eq!(of(rate, &[0.0; 6]), Err(PopulationError::NoTilt { mu: 0.5 }));
    // aaa has an odd number of a's: no p*.
    assert_eq!(of(Divergence::KlFromFiltered, &[0.0; 6]), Ok(()));
    assert!(gradient.iter().all(|&gradient| gradient == 0.0));
}

#[test]
fn a_space_that_cannot_be_listed_is_quick() {
    let space = OutputSpace { symbols: 8, horizon: 40, ending: Ending::EndSymbol };
    let row = |shift: usize| -> Vec<f64> { (0..9).map(|k| ((k + shift) % 9 + 1) as f64 / 45.0).collect() };
    let base: Vec<Vec<f64>> = (0..9).map(row).collect();
    let mut task = prompt(space, &base, 0, &even(8), Class::Bigram, 1.0);
    let logits: Vec<f64> = (0..81).map(|i| f64::from((i * 37) % 17) / 8.0 - 1.0).collect();
    // At the base itself the counts under p* split those under the base: A1 as the total of a·v.
    let log_base: Vec<f64> = base.concat().iter().map(|prob| prob.ln()).collect();
    task.log_valid = Posterior::new(&task.problem(), &log_base, [1.0, 0.0]).log_total();
    task.log_invalid = (-task.log_valid.exp()).ln_1p();
    let (mut by_reward, mut by_counts) = (vec![0.0; 81], vec![0.0; 81]);
    let problems = [task.problem()];
    population_gradient(&problems, Divergence::InvalidityRate, &log_base, &mut by_reward).unwrap();
    population_gradient(&problems, Divergence::KlFromFiltered, &log_base, &mut by_counts).unwrap();
    for (reward, counts) in by_reward.iter().zip(&by_counts) {
        assert_close(*reward, task.log_valid.exp() * counts, 1e-13);
    }
    let now = std::time::Instant::now();
    let all = [Divergence::KlToTilted { beta: 1e-4 }, Divergence::Alpha { alpha: 0.5 }];
    for divergence in all {
        population_gradient(&problems, divergence, &logits, &mut by_reward).unwrap();
        assert!(by_reward.iter().all(|gradient| gradient.is_finite()));
    }
    assert!(now.elapsed().as_secs_f64() < 1.0, "{:?}", now.elapsed());
}
