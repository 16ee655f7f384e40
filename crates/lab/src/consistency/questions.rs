//! What components are asked about.

use crate::evaluation::space_of;
use crate::world::World;
use pstar_core::data::SequenceBuffer;

/// Responses that a component is asked about, over all prompts.
pub(super) const MOST: usize = 1 << 10;

/// Prompts that a component is asked about.
const MOST_PROMPTS: usize = 32;

/// Symbols that are read, times choices.
const MOST_STEPS: usize = 1 << 20;

/// Fewest responses, however long they are.
const FEWEST: usize = 16;

/// Evenly spread prompts, all of them where they are few.
pub(super) fn prompts(world: &World) -> Vec<usize> {
    let all = world.prompts.view().len() as u64;
    spread(all, MOST_PROMPTS).map(|prompt| usize::try_from(prompt).unwrap_or(usize::MAX)).collect()
}

/// How many of `most` responses are asked about: fewer where they are long.
pub(super) fn share(world: &World, most: usize) -> usize {
    let steps = world.task.horizon.saturating_mul(world.task.choices());
    (MOST_STEPS.saturating_mul(most / MOST) / steps.max(1)).clamp(FEWEST, most)
}

/// At most `most` of the numbers below `count`, evenly spread.
pub(super) fn spread(count: u64, most: usize) -> impl Iterator<Item = u64> {
    let most = count.min(most as u64);
    (0..most).map(move |i| {
        let place = u128::from(i) * u128::from(count) / u128::from(most);
        u64::try_from(place).unwrap_or(u64::MAX)
    })
}

/// Outputs that are asked about whatever samples there are: all where they are few, else the first and some of the rest.
pub(super) fn listed(world: &World, most: usize) -> Vec<u64> {
    let space = space_of(world);
    match space.count() {
        Some(count) if count <= most as u64 => (0..count).collect(),
        Some(count) => {
            let first = most as u64 / 2;
            (0..first).chain(spread(count - first, most / 2).map(|index| first + index)).collect()
        }
        None => (0..most as u64).collect(),
    }
}

/// Adds outputs of the task as responses to a prompt.
pub(super) fn push_listed(world: &World, prompt: usize, most: usize, asked: &mut SequenceBuffer) {
    let (space, mut tokens) = (space_of(world), Vec::new());
    for index in listed(world, most) {
        space.tokens(index, &mut tokens);
        asked.push(number(prompt), tokens.iter().copied());
    }
}

/// The number of a prompt or a sample as batches hold it.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The same questions from the last to the first.
pub(super) fn reversed(asked: &SequenceBuffer) -> SequenceBuffer {
    let view = asked.view();
    let mut reversed = SequenceBuffer::new(view.prompts().rows().collect());
    for row in (0..view.len()).rev() {
        reversed.push(view.prompt_of()[row], view.tokens().row(row).iter().copied());
    }
    reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_over_all() {
        assert_eq!(spread(3, 10).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread(u64::MAX, 2).collect::<Vec<_>>(), [0, u64::MAX / 2]);
        assert_eq!(spread(0, 4).count(), 0);
    }
}
