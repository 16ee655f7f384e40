//! What the valid completions of a node weigh.

use super::choices::{Behind, ModelChoices};
use super::wide::Wide;

/// A sum, or the greatest, of the weights of the valid completions of every node that has any.
#[derive(Clone, Debug)]
pub(super) struct Completions {
    layers: Vec<Vec<Wide>>,
}

impl Completions {
    pub(super) fn of(choices: ModelChoices<'_>, combine: impl Fn(Wide, Wide) -> Wide) -> Self {
        let mut completions = Self { layers: vec![Vec::new(); choices.horizon()] };
        for position in (0..choices.horizon()).rev() {
            let layer = (0..choices.alive(position))
                .map(|node| {
                    let steps = choices.steps(position, node);
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
