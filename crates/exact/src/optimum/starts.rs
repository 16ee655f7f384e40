//! Where to start: everywhere that a good optimum has been seen to be reached from.

use pstar_core::math;
use pstar_core::rng::{Purpose, StreamKey};

use crate::occupancy::{PromptProblem, RowSet};

use super::Search;
use super::likeliest::likeliest;

/// How much of the initial policy is mixed into a start near one output.
const MIXED_IN: f64 = 1e-3;

/// The given policies, uniform rows, rows near the likeliest valid outputs, and pseudo-random ones.
pub(super) fn all(
    problems: &[PromptProblem<'_>],
    rows: &RowSet,
    given: [&[f64]; 2],
    search: &Search,
) -> Vec<Vec<f64>> {
    let mut starts: Vec<Vec<f64>> = given.map(<[f64]>::to_vec).into();
    let mut uniform = given[0].to_vec();
    for range in rows.ranges() {
        uniform[range].fill(0.0);
    }
    starts.push(rows.log_softmax(&uniform));
    let outputs: Vec<Vec<Vec<usize>>> =
        problems.iter().map(|problem| likeliest(problem, given[0], search.likeliest)).collect();
    for rank in 0..search.likeliest {
        let mut counts = vec![0.0; given[0].len()];
        let of_rank = outputs.iter().filter_map(|outputs| outputs.get(rank));
        of_rank.flatten().for_each(|&choice| counts[choice] += 1.0);
        if counts.iter().any(|&count| count > 0.0) {
            let mix = |(count, &log_q): (f64, &f64)| math::ln(count + MIXED_IN * math::exp(log_q));
            let logits: Vec<f64> = counts.into_iter().zip(given[0]).map(mix).collect();
            starts.push(rows.log_softmax(&logits));
        }
    }
    for number in 0..search.random {
        let mut logits = given[0].to_vec();
        for range in rows.ranges() {
            for index in range {
                logits[index] = math::ln(-math::ln_1p(-uniform_at(number, index)));
            }
        }
        starts.push(rows.log_softmax(&logits));
    }
    starts
}

/// A number in (0, 1), the same for ever.
fn uniform_at(start: usize, index: usize) -> f64 {
    const BLOCK: usize = 1 << 16;
    let [start, block] = [start, index / BLOCK].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let key = StreamKey::new(0, Purpose::Initialise, 0);
    key.uniform(block % StreamKey::MAX_PROMPTS, start, index % BLOCK).max(f64::EPSILON)
}
