//! Random policies in random boxes, none of which is below its box's bound.

use pstar_core::data::Ending;
use pstar_core::objective::Divergence;
use pstar_core::rng::{Purpose, StreamKey};

use super::super::descend::Point;
use super::super::scratch::Scratch;
use super::super::tasks::Task;
use super::*;
use crate::dynamic::occupancy::PromptProblem;
use crate::dynamic::occupancy::tests::{Class, Prompt, random};

/// Uniform numbers in a fixed order.
pub(super) struct Draws(StreamKey, u32, usize);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(StreamKey::new(seed, Purpose::Objective, 1), 0, 0)
    }

    pub(super) fn uniform(&mut self) -> f64 {
        self.2 += 1;
        if self.2 == StreamKey::MAX_POSITIONS {
            (self.1, self.2) = (self.1 + 1, 0);
        }
        self.0.uniform(0, self.1, self.2)
    }

    /// A whole number below `limit`.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounds down what is not negative"
    )]
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.uniform() * limit as f64) as usize
    }

    /// A row of exponential numbers to a random power: from nearly uniform to nearly one choice.
    fn row(&mut self, choices: usize) -> Vec<f64> {
        let power = 0.3 + 6.0 * self.uniform();
        let row: Vec<f64> = (0..choices).map(|_| (-self.uniform().max(1e-12).ln()).powf(power)).collect();
        let total: f64 = row.iter().sum();
        row.into_iter().map(|share| share / total).collect()
    }
}

/// A box around a policy, some of its ends at 0 and 1.
fn around(graph: &Graph, policy: &[f64], draws: &mut Draws) -> PolicyBox {
    let mut policies = PolicyBox::all(graph.parameters);
    let width = draws.uniform().powi(3);
    for k in graph.rows.ranges().flatten() {
        policies.low[k] = (policy[k] - width * draws.uniform()).max(0.0);
        policies.high[k] = (policy[k] + width * draws.uniform()).min(1.0);
    }
    policies
}

/// A policy of the box: the one inside, moved within its rows.
fn inside(graph: &Graph, policy: &[f64], policies: &PolicyBox, draws: &mut Draws) -> Vec<f64> {
    let mut moved = policy.to_vec();
    for range in graph.rows.ranges() {
        for _ in 0..3 {
            let (from, to) =
                (range.start + draws.below(graph.choices), range.start + draws.below(graph.choices));
            if from != to {
                let room = (moved[from] - policies.low[from]).min(policies.high[to] - moved[to]);
                let step = room * if draws.uniform() < 0.3 { 1.0 } else { draws.uniform() };
                moved[from] -= step;
                moved[to] += step;
            }
        }
    }
    moved
}

/// The relaxation of a divergence, and whatever gives its potential.
fn check(problems: &[PromptProblem<'_>], divergence: Divergence, rounds: usize, draws: &mut Draws) -> usize {
    let parameters = 1 + problems.iter().flat_map(PromptProblem::row_starts).max().unwrap();
    let graph = Graph::new(problems, parameters + problems[0].product.space().choices() - 1);
    let Ok(task) = Task::new(problems, &graph, divergence, 1 << 16) else { return 0 };
    let mut relaxation = task.relaxation(&graph).expect("a divergence that can be bounded");
    let mut tested = 0;
    for _ in 0..rounds {
        let mut policy = vec![0.0; graph.parameters];
        for range in graph.rows.ranges() {
            policy[range].copy_from_slice(&draws.row(graph.choices));
        }
        let policies = around(&graph, &policy, draws);
        let look = relaxation.look(&policies, f64::INFINITY);
        for k in graph.rows.ranges().flatten() {
            let (low, high) = (policies.low[k], policies.high[k]);
            assert!(
                look.centre[k] >= low && look.centre[k] <= high,
                "{divergence:?} {low} {} {high}",
                look.centre[k]
            );
        }
        for _ in 0..20 {
            let policy = inside(&graph, &policy, &policies, draws);
            let log_q: Vec<f64> = policy.iter().map(|prob| prob.max(0.0).ln()).collect();
            let potential = Point::new(&*task.exact, log_q, &mut Scratch::default()).potential;
            // Rows sum to 1 up to rounding.
            let slack = 1e-12 * (1.0 + potential.abs());
            assert!(potential >= look.least - slack, "{divergence:?}: {potential} below {}", look.least);
            tested += 1;
        }
    }
    tested
}

fn divergences() -> Vec<Divergence> {
    vec![
        Divergence::KlToTilted { beta: 1.0 },
        Divergence::KlToTilted { beta: 0.2 },
        Divergence::KlToTilted { beta: 0.05 },
        Divergence::KlToTiltedAtRate { mu: 0.97 },
        Divergence::Alpha { alpha: 0.25 },
        Divergence::Alpha { alpha: 0.5 },
        Divergence::Alpha { alpha: 0.9 },
        Divergence::InvalidityRate,
        Divergence::ClippedAlpha { alpha: 0.5, clip: 3.0 },
        Divergence::ClippedAlpha { alpha: 0.0, clip: 10.0 },
    ]
}

fn no_policy_is_below(seeds: std::ops::Range<u64>, rounds: usize) -> usize {
    let mut tested = 0;
    for seed in seeds {
        let mut draws = Draws::new(seed);
        for class in [Class::Bigram, Class::Positions] {
            for ending in [Ending::FixedLength, Ending::EndSymbol] {
                // Zeros of the base, weights, and prompts that share rows.
                let (prompts, _) = random(seed, class, ending, seed % 2 == 0);
                let problems: Vec<_> = prompts.iter().map(Prompt::problem).collect();
                if problems.iter().any(PromptProblem::has_filtered) {
                    for divergence in divergences() {
                        tested += check(&problems, divergence, rounds, &mut draws);
                        if problems[0].has_filtered() {
                            tested += check(&problems[..1], divergence, rounds, &mut draws);
                        }
                    }
                }
            }
        }
    }
    tested
}

#[test]
fn no_policy_of_a_box_is_below_its_bound() {
    assert!(no_policy_is_below(0..6, 2) > 5_000);
}

#[test]
#[ignore = "a million policies take minutes"]
fn no_policy_of_many_boxes_is_below_its_bound() {
    let tested = no_policy_is_below(100..200, 8);
    assert!(tested > 1_000_000, "{tested}");
}
