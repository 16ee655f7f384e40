//! What the valid completions of a node weigh.

use super::walk::{Behind, Walk};
use super::wide::Wide;

/// A sum, or the greatest, of the weights of the valid completions of every node that has any.
#[derive(Clone, Debug)]
pub(super) struct Completions {
    layers: Vec<Vec<Wide>>,
}

impl Completions {
    pub(super) fn of(walk: Walk<'_>, combine: impl Fn(Wide, Wide) -> Wide) -> Self {
        let mut completions = Self { layers: vec![Vec::new(); walk.horizon()] };
        for position in (0..walk.horizon()).rev() {
            let layer = (0..walk.alive(position))
                .map(|node| {
                    let steps = walk.steps(position, node);
                    let weights =
                        steps.map(|step| step.prob.times(completions.behind(position, step.behind)));
                    weights.fold(Wide::ZERO, &combine)
                })
                .collect();
            completions.layers[position] = layer;
        }
        completions
    }

    /// From the start.
    pub(super) fn start(&self) -> Wide {
        self.layers.first().and_then(|layer| layer.first()).copied().unwrap_or(Wide::ZERO)
    }

    pub(super) fn at(&self, position: usize, node: usize) -> Wide {
        self.layers[position][node]
    }

    /// From what lies behind a choice at `position`.
    pub(super) fn behind(&self, position: usize, behind: Behind) -> Wide {
        match behind {
            Behind::Node(node) => self.at(position + 1, node),
            Behind::Valid => Wide::ONE,
            Behind::Nothing => Wide::ZERO,
        }
    }
}
