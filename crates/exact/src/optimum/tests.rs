//! The published tables of the toys, the clipped potential against gradients, and grids.

use pstar_core::data::Ending;

use super::descend::Point;
use super::graph::Graph;
use super::scratch::Scratch;
use super::tasks::Task;
use super::*;
use crate::dynamic::occupancy::Posterior;
use crate::dynamic::occupancy::tests::{Class, Prompt, prompt, random};
use crate::population_gradient;
use crate::testing::{Bigram, Case, assert_close, toy_c, toy_e};
use crate::{Acceptor, ModelRows, OutputSpace, PolicyRows, Product, PromptedModel, Role};
use crate::{Divergences, ExplicitAutomaton, FilteredModel, Orders, Split, Summary, Targets};

/// A toy with its product and the base's own rows, which lie in the class.
struct Toy {
    case: Case,
    product: Product,
    base: ModelRows,
    rows: PolicyRows,
    log_base: Vec<f64>,
}

impl Toy {
    fn new(case: Case, base: &[&[f64]]) -> Self {
        let model = Bigram::new(base);
        let acceptor = Acceptor::of_valid_set(&case.valid, case.space);
        let started = PromptedModel { model: &model, start: 0 };
        let product = Product::explore(&[started, started], &acceptor, 1 << 20).unwrap();
        let rows = PolicyRows::new(&product, |_, states| {
            Ok::<_, ()>(states.iter().map(|&state| usize::try_from(state).unwrap() * 2).collect())
        });
        let base_rows = ModelRows::of(&product, Role::Base, started).unwrap();
        let log_base = base.concat().iter().map(|prob| prob.ln()).collect();
        Self { case, product, base: base_rows, rows: rows.unwrap(), log_base }
    }

    fn e() -> Self {
        Self::new(toy_e(), &[&[0.5, 0.5], &[0.5, 0.5], &[0.2, 0.8]])
    }

    fn c() -> Self {
        Self::new(toy_c(), &[&[0.3, 0.7], &[0.75, 0.25], &[0.25, 0.75]])
    }

    fn problem(&self) -> PromptProblem<'_> {
        let split = Split::of(self.case.base(), &self.case.valid);
        PromptProblem {
            product: &self.product,
            base: &self.base,
            rows: &self.rows,
            weight: 1.0,
            log_valid: split.valid.log_mass,
            log_invalid: split.invalid.log_mass,
        }
    }

    fn solve(&self, divergence: Divergence) -> Optimum {
        only(&[self.problem()], divergence, &self.log_base)
    }

    /// Validity, entropy, top-1 and KL(p*‖q), by listing all outputs.
    fn figures(&self, optimum: &Optimum) -> [f64; 4] {
        let probs: Vec<Vec<f64>> =
            optimum.parameters.chunks(2).map(|row| row.iter().map(|log| log.exp()).collect()).collect();
        let views: Vec<&[f64]> = probs.iter().map(Vec::as_slice).collect();
        let table = Bigram::new(&views).table(self.case.space);
        let summary = Summary::of(table.view(), &self.case.valid, &[]);
        let split = Split::of(self.case.base(), &self.case.valid);
        let filtered = FilteredModel::new(self.case.base(), &self.case.valid, &split).unwrap();
        let targets = Targets {
            base: self.case.base(),
            valid: &self.case.valid,
            split: &split,
            filtered: Some(&filtered),
            tilted: &[],
        };
        let (_, divergences) = Divergences::with_split(table.view(), &targets, &Orders::default());
        [summary.validity_rate, summary.entropy, summary.top1, divergences.kl_from_filtered.unwrap()]
    }

    /// KL(p*‖q) from log-probabilities.
    fn kl_from_filtered(&self, optimum: &Optimum) -> f64 {
        let problem = self.problem();
        let mut kl = -problem.log_valid;
        let posterior = Posterior::new(&problem, &optimum.parameters, [1.0, 0.0]);
        posterior.visit(|step, log_count| kl += log_count.exp() * (step.log_a - step.log_q));
        kl
    }

    /// `rows`: divergence, figures, and half a unit of the last digit shown of each. A little more is allowed: four
    /// entries look rounded twice (E: 1.29849 at λ = 3, 1.25547 at α = ¼; C: 0.57545 at λ = 2, 2.39148 at α = ¼).
    fn check(&self, rows: &[(Divergence, [f64; 4], [f64; 4])]) {
        for &(divergence, expected, tolerance) in rows {
            let optimum = self.solve(divergence);
            let found = self.figures(&optimum);
            for i in 0..4 {
                let close = (found[i] - expected[i]).abs() <= tolerance[i] * 1.15;
                assert!(close, "{divergence:?}: found {found:?}, expected {expected:?}\n{optimum:?}");
            }
        }
    }
}

/// The thorough search of a small class, without a proof.
fn thorough() -> Search {
    Search { boxes: 0, ..Search::thorough(1).unwrap() }
}

/// The optimum of one divergence.
fn only(problems: &[PromptProblem<'_>], divergence: Divergence, start: &[f64]) -> Optimum {
    optima(problems, &[divergence], start, &[], &thorough()).remove(0).unwrap()
}

fn tilt(lambda: f64) -> Divergence {
    Divergence::KlToTilted { beta: 1.0 / lambda }
}

#[test]
fn published_optima_of_toy_e() {
    let (loose, fine) = ([5e-5, 5e-4, 5e-4, 5e-4], [5e-5, 5e-4, 5e-5, 5e-3]);
    Toy::e().check(&[
        (tilt(0.5), [0.1792, 4.509, 0.127, 1.725], loose),
        (tilt(1.0), [0.2097, 4.316, 0.160, 1.594], loose),
        (tilt(2.0), [0.3689, 3.424, 0.333, 1.261], loose),
        (tilt(3.0), [0.7318, 1.603, 0.718, 1.299], loose),
        (tilt(5.0), [0.9853, 0.262, 0.952, 3.327], loose),
        (tilt(10.0), [0.9999, 0.156, 0.9640, 7.49], fine),
        (tilt(20.0), [1.0, 0.155, 0.9641, 15.1], [5e-5, 5e-4, 5e-5, 5e-2]),
        (tilt(50.0), [1.0, 0.155, 0.9641, 38.1], [5e-5, 5e-4, 5e-5, 5e-2]),
        (Divergence::KlFromFiltered, [0.5317, 2.628, 0.505, 1.176], loose),
        (Divergence::Alpha { alpha: 0.25 }, [0.8060, 1.256, 0.792, 1.445], loose),
    ]);
    for alpha in [0.5, 0.75, 0.9] {
        let [validity, entropy, top1, _] = Toy::e().figures(&Toy::e().solve(Divergence::Alpha { alpha }));
        assert_close(validity, 1.0, 1e-12);
        assert_close(entropy, 0.155, 5e-4);
        assert_close(top1, 0.9641, 5e-5);
    }
}

#[test]
fn published_optima_of_toy_c() {
    let (loose, fine) = ([5e-5, 5e-4, 5e-4, 5e-4], [5e-5, 5e-4, 5e-5, 5e-4]);
    Toy::c().check(&[
        (tilt(0.5), [0.5668, 2.782, 0.255, 0.573], loose),
        (tilt(1.0), [0.5895, 2.665, 0.300, 0.556], loose),
        (tilt(2.0), [0.6630, 2.270, 0.437, 0.576], loose),
        (tilt(3.0), [0.7693, 1.671, 0.620, 0.747], loose),
        (tilt(5.0), [0.9253, 0.669, 0.872, 1.559], loose),
        (tilt(10.0), [0.9953, 0.066, 0.9908, 4.774], fine),
        (tilt(20.0), [1.0, 0.0007, 0.9999, 10.66], [5e-5, 5e-5, 5e-5, 5e-3]),
        (tilt(50.0), [1.0, 0.0, 1.0, 28.0], [5e-5, 5e-4, 5e-4, 5e-2]),
        (Divergence::KlFromFiltered, [0.6108, 2.575, 0.338, 0.549], loose),
        (Divergence::Alpha { alpha: 0.25 }, [0.6441, 2.392, 0.400, 0.559], loose),
        (Divergence::Alpha { alpha: 0.5 }, [0.7417, 1.838, 0.570, 0.687], loose),
        (Divergence::Alpha { alpha: 0.75 }, [0.9560, 0.431, 0.913, 3.44], [5e-5, 5e-4, 5e-4, 5e-3]),
        (Divergence::Alpha { alpha: 0.9 }, [0.9993, 0.012, 0.999, 18.7], [5e-5, 5e-4, 5e-4, 5e-2]),
    ]);
    let alpha = Toy::c().solve(Divergence::Alpha { alpha: 0.9 });
    assert_close(Toy::c().figures(&alpha)[3], 18.66, 5e-3);
}

#[test]
fn a_tiny_beta_neither_overflows_nor_stalls() {
    for toy in [Toy::e(), Toy::c()] {
        let optimum = toy.solve(tilt(1e4));
        assert!(optimum.residual < 1e-6, "{optimum:?}");
        assert!(optimum.value.is_finite());
        assert_close(toy.figures(&optimum)[0], 1.0, 1e-12);
        // Proportional to λ, and beyond what probabilities can hold.
        let kl = toy.kl_from_filtered(&optimum);
        let at_50 = toy.kl_from_filtered(&toy.solve(tilt(50.0)));
        assert_close(at_50, toy.figures(&toy.solve(tilt(50.0)))[3], 1e-9);
        assert!(kl > 150.0 * at_50 && kl < 250.0 * at_50, "{kl} {at_50}");
    }
}

#[test]
fn nothing_on_a_grid_is_better_and_gradients_vanish() {
    let divergences = [
        tilt(2.0),
        tilt(5.0),
        Divergence::InvalidityRate,
        Divergence::KlFromFiltered,
        Divergence::Alpha { alpha: 0.25 },
        Divergence::Alpha { alpha: 0.5 },
        Divergence::ClippedAlpha { alpha: 0.0, clip: 10.0 },
        Divergence::ClippedAlpha { alpha: 0.5, clip: 1.0 },
    ];
    for toy in [Toy::e(), Toy::c()] {
        let problems = [toy.problem()];
        for divergence in divergences {
            let optimum = toy.solve(divergence);
            let mut gradient = [0.0; 6];
            let vanishes = population_gradient(&problems, divergence, &optimum.parameters, &mut gradient);
            if vanishes.is_ok() {
                assert!(gradient.iter().all(|gradient| gradient.abs() < 1e-9), "{divergence:?} {gradient:?}");
            }
            if divergence == Divergence::KlFromFiltered {
                continue;
            }
            let grid = |i: i32| f64::from(i) / 8.0;
            for (i, j, k) in (1..8).flat_map(|i| (1..8).flat_map(move |j| (1..8).map(move |k| (i, j, k)))) {
                let logs = [i, j, k].map(grid).map(|p| [p.ln(), (1.0 - p).ln()]).concat();
                let local = value_at(&problems, divergence, &logs);
                assert!(optimum.value <= local + 1e-12, "{divergence:?}: {} {local}", optimum.value);
            }
        }
    }
}

/// Every divergence of a bigram from its definition, output by output.
fn listed_values(toy: &Toy, divergences: &[Divergence], probs: [f64; 3]) -> Vec<f64> {
    let rows = probs.map(|prob| [prob, 1.0 - prob]);
    let split = Split::of(toy.case.base(), &toy.case.valid);
    let (a1, a0) = (split.valid.mass, split.invalid.mass);
    let (mut tokens, mut validity, mut kl_to_base) = (Vec::new(), 0.0, 0.0);
    let mut on_valid = Vec::new();
    for (index, (&a, &valid)) in toy.case.base().probs.iter().zip(toy.case.valid.mask()).enumerate() {
        toy.case.space.tokens(index as u64, &mut tokens);
        let mut row = 0;
        let q: f64 = tokens
            .iter()
            .map(|&token| rows[std::mem::replace(&mut row, 1 + token as usize)][token as usize])
            .product();
        kl_to_base += if q > 0.0 { q * (q / a).ln() } else { 0.0 };
        if valid {
            validity += q;
            on_valid.push((a / a1, q));
        }
    }
    let over_valid =
        |term: &dyn Fn(f64, f64) -> f64| -> f64 { on_valid.iter().map(|&(p, q)| term(p, q)).sum() };
    let value = |&divergence: &Divergence| match divergence {
        Divergence::InvalidityRate => 1.0 - validity,
        Divergence::KlToTilted { beta } => (a1 * (1.0 / beta).exp() + a0).ln() - validity / beta + kl_to_base,
        Divergence::KlFromFiltered => over_valid(&|p, q| p * (p / q).ln()),
        Divergence::Alpha { alpha } => {
            (1.0 - over_valid(&|p, q| p.powf(1.0 - alpha) * q.powf(alpha))) / (alpha * (1.0 - alpha))
        }
        Divergence::ClippedAlpha { alpha, clip } => {
            let potential = over_valid(&|p, q| {
                let corner = p * (1.0 + clip).powf(-1.0 / (1.0 - alpha));
                let rise = match alpha {
                    0.0 => p * (q / corner).ln(),
                    _ => p.powf(1.0 - alpha) * (q.powf(alpha) - corner.powf(alpha)) / alpha,
                };
                if q <= corner { clip * q } else { clip * corner + rise - (q - corner) }
            });
            1.0 - validity - potential
        }
        _ => f64::INFINITY,
    };
    divergences.iter().map(value).collect()
}

/// All bigrams with probabilities in steps of 1/24, zeros and ones included, and steps of 1/4096 around each optimum.
#[test]
fn nothing_on_a_fine_grid_beats_an_optimum() {
    let divergences = [
        tilt(1.0),
        tilt(3.0),
        tilt(5.0),
        tilt(20.0),
        Divergence::InvalidityRate,
        Divergence::KlFromFiltered,
        Divergence::Alpha { alpha: 0.25 },
        Divergence::Alpha { alpha: 0.5 },
        Divergence::Alpha { alpha: 0.9 },
        Divergence::ClippedAlpha { alpha: 0.0, clip: 10.0 },
        Divergence::ClippedAlpha { alpha: 0.5, clip: 1.0 },
    ];
    for toy in [Toy::e(), Toy::c()] {
        let optima: Vec<Optimum> = divergences.iter().map(|&divergence| toy.solve(divergence)).collect();
        let point = |optimum: &Optimum| [0, 2, 4].map(|first| optimum.parameters[first].exp());
        for (i, (optimum, divergence)) in optima.iter().zip(divergences).enumerate() {
            let listed = listed_values(&toy, &divergences, point(optimum))[i];
            assert_close(optimum.value, listed, 1e-12 * (1.0 + listed.abs()));
            let near = |steps: i32, centre: f64| (centre + f64::from(steps) / 4096.0).clamp(0.0, 1.0);
            for (x, y, z) in cube(-2..3) {
                let [a, b, c] = point(optimum);
                let value = listed_values(&toy, &[divergence], [near(x, a), near(y, b), near(z, c)])[0];
                assert!(optimum.value <= value + 1e-12, "{divergence:?}: {} {value}", optimum.value);
            }
        }
        for (x, y, z) in cube(0..25) {
            let values = listed_values(&toy, &divergences, [x, y, z].map(|i| f64::from(i) / 24.0));
            for ((optimum, divergence), value) in optima.iter().zip(divergences).zip(values) {
                assert!(optimum.value <= value + 1e-12, "{divergence:?}: {} {value}", optimum.value);
            }
        }
    }
}

fn cube(range: std::ops::Range<i32>) -> impl Iterator<Item = (i32, i32, i32)> {
    let (first, second) = (range.clone(), range.clone());
    first.flat_map(move |x| {
        let third = range.clone();
        second.clone().flat_map(move |y| third.clone().map(move |z| (x, y, z)))
    })
}

/// The potential of a policy, in log space and in plain numbers.
fn potentials(problems: &[PromptProblem<'_>], divergence: Divergence, log_q: &[f64]) -> [f64; 2] {
    let graph = Graph::new(problems, log_q.len());
    let task = Task::new(problems, &graph, divergence, 1 << 20).unwrap();
    let mut scratch = Scratch::default();
    [&task.exact, &task.plain]
        .map(|potential| Point::new(&**potential, log_q.to_vec(), &mut scratch).potential)
}

fn value_at(problems: &[PromptProblem<'_>], divergence: Divergence, log_q: &[f64]) -> f64 {
    potentials(problems, divergence, log_q)[0]
}

fn even() -> ExplicitAutomaton {
    ExplicitAutomaton { symbols: 2, next: vec![1, 0, 0, 1], accepts: vec![true, false] }
}

fn odd_of_two(first: bool) -> Prompt {
    let space = OutputSpace { symbols: 2, horizon: 4, ending: Ending::EndSymbol };
    let base = [vec![0.5, 0.3, 0.2], vec![0.3, 0.4, 0.3], vec![0.0, 0.6, 0.4]];
    let mut dfa = even();
    if first {
        dfa.accepts.reverse();
    }
    prompt(space, &base, u64::from(first), &dfa, Class::Bigram, 0.5)
}

#[test]
fn two_prompts_share_their_rows_and_zeros_of_the_base_stay_zeros() {
    let prompts = [odd_of_two(false), odd_of_two(true)];
    let problems = [prompts[0].problem(), prompts[1].problem()];
    let start = [0.5, 0.3, 0.2, 0.3, 0.4, 0.3, 0.0, 0.6, 0.4f64].map(f64::ln);
    let divergences = [
        tilt(3.0),
        tilt(40.0),
        Divergence::KlToTiltedAtRate { mu: 0.9 },
        Divergence::KlFromFiltered,
        Divergence::Alpha { alpha: 0.4 },
        Divergence::InvalidityRate,
    ];
    for divergence in divergences {
        let best = only(&problems, divergence, &start);
        let mut gradient = [0.0; 9];
        population_gradient(&problems, divergence, &best.parameters, &mut gradient).unwrap();
        assert!(
            gradient.iter().all(|gradient| gradient.abs() < 1e-9),
            "{divergence:?} {gradient:?} {best:?}"
        );
        if divergence != Divergence::InvalidityRate {
            assert_eq!(best.parameters[6], f64::NEG_INFINITY, "{divergence:?}");
        }
        assert!(best.value.is_finite());
    }
    let clipped = Divergence::ClippedAlpha { alpha: 0.5, clip: 10.0 };
    let few = Search { outputs: 10, ..thorough() };
    let found = optima(&problems, &[clipped, tilt(1.0)], &start, &[], &few);
    assert_eq!(found[0], Err(PopulationError::TooMany { limit: 10 }));
    assert!(found[1].is_ok());
}

#[test]
fn the_clipped_optimum_is_where_the_mean_pseudo_reward_gradient_vanishes() {
    let prompts = [odd_of_two(false), odd_of_two(true)];
    let problems = [prompts[0].problem(), prompts[1].problem()];
    let start = [0.5, 0.3, 0.2, 0.3, 0.4, 0.3, 0.0, 0.6, 0.4f64].map(f64::ln);
    for (alpha, clip) in [(0.0, 1.0), (0.0, 10.0), (0.5, 10.0), (0.7, 0.5)] {
        let divergence = Divergence::ClippedAlpha { alpha, clip };
        let best = only(&problems, divergence, &start);
        let (mut gradient, mut potential) = ([0.0; 9], 0.0);
        for prompt in &prompts {
            for (log_a, valid, choices) in &prompt.outputs {
                let log_q: f64 = choices.iter().map(|&choice| best.parameters[choice]).sum();
                let p = if *valid { (log_a - prompt.log_valid).exp() } else { 0.0 };
                let q = log_q.exp();
                let corner = p * (1.0 + clip).powf(-1.0 / (1.0 - alpha));
                potential += 0.5
                    * if p == 0.0 {
                        -q
                    } else if q <= corner {
                        clip * q
                    } else if alpha == 0.0 {
                        clip * corner + p * (q / corner).ln() - (q - corner)
                    } else {
                        let rise = p.powf(1.0 - alpha) * (q.powf(alpha) - corner.powf(alpha)) / alpha;
                        clip * corner + rise - (q - corner)
                    };
                if q > 0.0 {
                    let reward = ((p / q).powf(1.0 - alpha) - 1.0).min(clip);
                    for &choice in choices {
                        gradient[choice] += 0.5 * q * reward;
                        let row = choice / 3 * 3..choice / 3 * 3 + 3;
                        for (k, log_prob) in row.clone().zip(&best.parameters[row]) {
                            gradient[k] -= 0.5 * q * reward * log_prob.exp();
                        }
                    }
                }
            }
        }
        assert_close(best.value, -potential, 1e-12);
        assert!(
            gradient.iter().all(|gradient| gradient.abs() < 1e-9),
            "{divergence:?} {gradient:?} {best:?}"
        );
    }
}

#[test]
#[ignore = "shows timings"]
#[allow(clippy::print_stderr, reason = "timings are for reading")]
fn a_large_space() {
    let space = OutputSpace { symbols: 8, horizon: 40, ending: Ending::EndSymbol };
    let row = |shift: usize| -> Vec<f64> { (0..9).map(|k| ((k + shift) % 9 + 1) as f64 / 45.0).collect() };
    let base: Vec<Vec<f64>> = (0..9).map(row).collect();
    let next = (0..16u64).map(|i| u64::from(i == 0) ^ u64::from(i > 8)).collect();
    let dfa = ExplicitAutomaton { symbols: 8, next, accepts: vec![true, false] };
    let mut task = prompt(space, &base, 0, &dfa, Class::Bigram, 1.0);
    let log_base: Vec<f64> = base.concat().iter().map(|prob| prob.ln()).collect();
    task.log_valid = Posterior::new(&task.problem(), &log_base, [1.0, 0.0]).log_total();
    task.log_invalid = (-task.log_valid.exp()).ln_1p();
    for divergence in [tilt(1.0), tilt(50.0), Divergence::Alpha { alpha: 0.5 }, Divergence::InvalidityRate] {
        let now = std::time::Instant::now();
        let best = only(&[task.problem()], divergence, &log_base);
        let (time, Optimum { value, residual, iterations, local_optima, .. }) = (now.elapsed(), best);
        eprintln!("{divergence:?} {time:?} {value} {residual:e} {iterations} {local_optima:?}");
        let mut gradient = vec![0.0; 81];
        let now = std::time::Instant::now();
        for _ in 0..100 {
            population_gradient(&[task.problem()], divergence, &log_base, &mut gradient).unwrap();
        }
        eprintln!("{:?} a gradient over {} transitions", now.elapsed() / 100, task.product.transitions());
    }
}

#[test]
fn counting_never_does_harm() {
    let divergences = [
        Divergence::InvalidityRate,
        Divergence::Alpha { alpha: 0.9 },
        Divergence::ClippedAlpha { alpha: 0.0, clip: 10.0 },
        Divergence::ClippedAlpha { alpha: 0.5, clip: 1.0 },
    ];
    for toy in [Toy::e(), Toy::c()] {
        for divergence in divergences {
            let problems = [toy.problem()];
            let graph = Graph::new(&problems, toy.log_base.len());
            let task = Task::new(&problems, &graph, divergence, 1 << 20).unwrap();
            let (mut before, mut log_q, mut wish) = (f64::INFINITY, toy.log_base.clone(), Vec::new());
            for _ in 0..25 {
                let value = task.exact.look(&log_q, &mut wish, &mut Scratch::default());
                assert!(value <= before + 1e-14, "{divergence:?}: {value} after {before}");
                before = value;
                log_q
                    .iter_mut()
                    .zip(&wish)
                    .filter(|(_, wish)| !wish.is_nan())
                    .for_each(|(log, &wish)| *log = wish);
            }
        }
    }
}

#[test]
fn gradients_vanish_at_optima_of_random_tasks() {
    for seed in 0..8 {
        for class in [Class::Bigram, Class::Positions] {
            for ending in [Ending::FixedLength, Ending::EndSymbol] {
                let (prompts, start) = random(seed, class, ending, true);
                let problems: Vec<_> = prompts.iter().map(Prompt::problem).collect();
                let clipped = Divergence::ClippedAlpha { alpha: 0.3, clip: 3.0 };
                assert!(only(&problems, clipped, &start).value.is_finite());
                for divergence in
                    [tilt(3.0), tilt(30.0), Divergence::KlFromFiltered, Divergence::Alpha { alpha: 0.4 }]
                {
                    let best = only(&problems, divergence, &start);
                    let mut gradient = vec![0.0; start.len()];
                    population_gradient(&problems, divergence, &best.parameters, &mut gradient).unwrap();
                    let greatest = gradient.iter().fold(0.0, |most: f64, gradient| most.max(gradient.abs()));
                    assert!(
                        greatest < 1e-9,
                        "{seed} {class:?} {ending:?} {divergence:?} {greatest} {best:?}"
                    );
                    assert!(best.residual < 1e-8, "{seed} {class:?} {ending:?} {divergence:?} {best:?}");
                }
            }
        }
    }
}

#[test]
fn validity_can_be_had_whole() {
    assert_close(Toy::e().solve(Divergence::InvalidityRate).value, 0.0, 1e-12);
}

/// λ = 5 on toy C has two local optima; starts that lead to the worse one do not hide the better that is known.
#[test]
fn a_known_policy_is_never_better_than_the_optimum() {
    let toy = Toy::c();
    let best = toy.solve(tilt(5.0));
    assert_eq!(best.local_optima.len(), 2);
    let few = Search {
        likeliest: 0,
        one_choice: 0,
        supports: 0,
        partial: 0,
        tilted: 0,
        screen: 0,
        middle: 0,
        polish: 0,
        settle: 0,
        last: 0,
        stepping_stones: false,
        hops: false,
        ..thorough()
    };
    let search = |known: &[Vec<f64>]| {
        optima(&[toy.problem()], &[tilt(5.0)], &toy.log_base, known, &few).remove(0).unwrap()
    };
    let without = search(&[]);
    assert!(without.value > best.value + 0.1, "{}", without.value);
    let with = search(&[toy.log_base.clone(), best.parameters.clone(), vec![0.0; 6]]);
    assert_eq!(with.value, best.value);
}

#[test]
fn a_search_is_shorter_the_larger_the_class_is() {
    let same = Search { boxes: Search::brief(1000).unwrap().boxes, ..Search::thorough(1000).unwrap() };
    assert_eq!(Search::brief(1000), Some(same));
    let sizes = [20_000, 300_000, 1_000_000];
    let [few, some, many] = sizes.map(|transitions| Search::brief(transitions).unwrap());
    assert!(few.tilted > some.tilted && some.tilted > many.tilted && many.last >= 5);
    assert_eq!(Search::brief(1 << 22), None);
    assert!(Search::thorough(1 << 22).is_some());
    assert_eq!(Search::thorough(1 << 24), None);
    assert!(Search::brief(0).is_some());
}

/// Plain numbers rank policies as log space does.
#[test]
fn plain_numbers_give_the_same_potentials() {
    let divergences = [
        tilt(3.0),
        tilt(30.0),
        Divergence::KlToTiltedAtRate { mu: 0.95 },
        Divergence::Alpha { alpha: 0.4 },
        Divergence::InvalidityRate,
        Divergence::ClippedAlpha { alpha: 0.3, clip: 3.0 },
    ];
    for seed in 0..20 {
        for class in [Class::Bigram, Class::Positions] {
            for ending in [Ending::FixedLength, Ending::EndSymbol] {
                let (prompts, start) = random(seed, class, ending, true);
                let problems: Vec<_> = prompts.iter().map(Prompt::problem).collect();
                if !problems.iter().any(PromptProblem::has_filtered) {
                    continue;
                }
                let log_q = RowSet::of(&problems).log_softmax(&start);
                for divergence in divergences {
                    let graph = Graph::new(&problems, log_q.len());
                    if Task::new(&problems, &graph, divergence, 1 << 20).is_err() {
                        continue;
                    }
                    let [exact, plain] = potentials(&problems, divergence, &log_q);
                    assert_close(plain, exact, 1e-11 * (1.0 + exact.abs()));
                }
            }
        }
    }
}

#[test]
fn without_valid_outputs_there_is_no_optimum() {
    let space = OutputSpace { symbols: 2, horizon: 3, ending: Ending::FixedLength };
    let nothing = ExplicitAutomaton { symbols: 2, next: vec![0, 0], accepts: vec![false] };
    let prompt =
        prompt(space, &[vec![0.5, 0.5], vec![0.5, 0.5], vec![0.5, 0.5]], 0, &nothing, Class::Bigram, 1.0);
    let divergences = [tilt(1.0), Divergence::KlFromFiltered, Divergence::InvalidityRate];
    let found = optima(&[prompt.problem()], &divergences, &[0.0; 6], &[], &thorough());
    assert_eq!(found, vec![Err(PopulationError::NoFiltered); 3]);
}
