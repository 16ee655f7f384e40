//! What becomes of a policy has the same bits in any lane, beside any others, and alone.

use pstar_core::data::Ending;
use pstar_core::objective::Divergence;

use super::super::graph::Graph;
use super::super::tasks::Task;
use super::*;
use crate::dynamic::occupancy::PromptProblem;
use crate::dynamic::occupancy::tests::{Class, random};

const DIVERGENCES: [Divergence; 4] = [
    Divergence::KlToTilted { beta: 0.3 },
    Divergence::Alpha { alpha: 0.4 },
    Divergence::InvalidityRate,
    Divergence::ClippedAlpha { alpha: 0.5, clip: 3.0 },
];

/// Policies about a start, in which some choices have no probability.
fn policies(graph: &Graph, start: &[f64], count: usize) -> Vec<Vec<f64>> {
    let of = |number: usize| {
        let moved = start.iter().enumerate().map(|(k, log)| {
            let never = number % 3 == 2 && k % graph.choices == number % graph.choices;
            if never { f64::NEG_INFINITY } else { log + ((k + 7 * number) as f64).sin() }
        });
        graph.rows.log_softmax(&moved.collect::<Vec<_>>())
    };
    (0..count).map(of).collect()
}

fn bits(point: &Point) -> (u64, u64, usize, Vec<u64>, Vec<u64>) {
    let of = |logs: &[f64]| logs.iter().map(|log| log.to_bits()).collect();
    let (log_q, wish) = (of(&point.log_q), of(&point.wish));
    (point.potential.to_bits(), point.residual.to_bits(), point.steps, log_q, wish)
}

#[test]
fn a_policy_is_the_same_in_every_lane() {
    let mut scratch = Scratch::default();
    for seed in 0..20 {
        for (class, ending) in [(Class::Bigram, Ending::EndSymbol), (Class::Positions, Ending::FixedLength)] {
            let (prompts, start) = random(seed, class, ending, true);
            let problems: Vec<PromptProblem<'_>> = prompts.iter().map(|prompt| prompt.problem()).collect();
            let graph = Graph::new(&problems, start.len());
            for divergence in DIVERGENCES {
                let task = Task::new(&problems, &graph, divergence, 1 << 20).unwrap();
                let policies = policies(&graph, &start, LANES);
                let alone: Vec<_> = policies
                    .iter()
                    .map(|policy| bits(&Point::new(&*task.plain, policy.clone(), &mut scratch)))
                    .collect();
                for count in 1..=LANES {
                    let together = Point::several(&*task.plain, &policies[..count], &mut scratch);
                    let together: Vec<_> = together.iter().map(bits).collect();
                    assert_eq!(together, alone[..count], "{seed} {divergence:?} {count}");
                }
            }
        }
    }
}

/// More points than lanes, which come to rest at different times.
#[test]
fn points_descend_as_each_would_alone() {
    let mut scratch = Scratch::default();
    for seed in 0..6 {
        let (prompts, start) = random(seed, Class::Bigram, Ending::EndSymbol, true);
        let problems: Vec<PromptProblem<'_>> = prompts.iter().map(|prompt| prompt.problem()).collect();
        let graph = Graph::new(&problems, start.len());
        for divergence in DIVERGENCES {
            let task = Task::new(&problems, &graph, divergence, 1 << 20).unwrap();
            let policies = policies(&graph, &start, 2 * LANES + 3).into_iter();
            let mut together: Vec<Point> =
                policies.map(|policy| Point::new(&*task.plain, policy, &mut scratch)).collect();
            let mut alone = together.clone();
            for limit in [0, 3, 400] {
                let (rows, tolerance) = (&graph.rows, 1e-6);
                Point::descend_all(&mut together, &*task.plain, rows, limit, tolerance, &mut scratch);
                for point in &mut alone {
                    point.descend(&*task.plain, rows, limit, tolerance, &mut scratch);
                }
                let [together, alone] =
                    [&together, &alone].map(|points| points.iter().map(bits).collect::<Vec<_>>());
                assert_eq!(together, alone, "{seed} {divergence:?} {limit}");
            }
            let steps: Vec<usize> = alone.iter().map(|point| point.steps).collect();
            assert!(steps.iter().any(|&own| own != steps[0]), "{seed} {divergence:?} {steps:?}");
        }
    }
}
