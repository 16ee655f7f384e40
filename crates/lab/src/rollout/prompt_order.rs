//! Which prompts a step trains on.

use pstar_core::rng::{Purpose, StreamKey};

/// The prompts of the groups of a step, as numbers among those that are trained on: passes over all of these, each in an order of its own, cut into steps.
///
/// A function of the seed, so that all arms of a seed meet the same prompts.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "prompts are below 2^24, and a uniform number times a length is an index"
)]
pub(crate) fn prompts_of_step(seed: u64, step: u32, groups: usize, prompts: usize) -> Vec<u32> {
    let mut order: Option<(u64, Vec<u32>)> = None;
    (0..groups)
        .map(|group| {
            let place = u64::from(step) * groups as u64 + group as u64;
            let (pass, within) = (place / prompts as u64, (place % prompts as u64) as usize);
            let known = order.take().filter(|(known, _)| *known == pass);
            let (_, order) =
                order.insert(known.unwrap_or_else(|| (pass, shuffled(seed, pass as u32, prompts))));
            order[within]
        })
        .collect()
}

/// The prompts in the order of one pass.
fn shuffled(seed: u64, pass: u32, prompts: usize) -> Vec<u32> {
    permutation(StreamKey::new(seed, Purpose::PromptOrder, pass), prompts)
}

/// The numbers below `count` in an order that is a function of the key (Fisher and Yates).
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are below 2^24, and a uniform number times a length is an index"
)]
pub(super) fn permutation(key: StreamKey, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    for i in (1..count).rev() {
        let j = (key.uniform(0, i as u32, 0) * (i + 1) as f64) as usize;
        order.swap(i, j);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_meets_every_prompt_once() {
        let met: Vec<u32> = (0..6).flat_map(|step| prompts_of_step(7, step, 5, 10)).collect();
        for pass in met.chunks(10) {
            let mut pass = pass.to_vec();
            pass.sort_unstable();
            assert_eq!(pass, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(met[..10], met[10..20]);
    }

    #[test]
    fn a_step_may_hold_a_prompt_several_times() {
        let mut met = prompts_of_step(7, 0, 6, 2);
        met.sort_unstable();
        assert_eq!(met, [0, 0, 0, 1, 1, 1]);
    }
}
