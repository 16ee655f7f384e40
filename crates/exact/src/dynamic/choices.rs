//! The choices of one model along a product, from the nodes that can still become valid.

use super::wide::Wide;
use crate::{ModelRows, Product, Role, WeightedProduct};

/// The choices of one model along a product, from the nodes that can still become valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelChoices<'a> {
    product: &'a Product,
    rows: &'a ModelRows,
    /// Which of a pair's states is the model's.
    role: usize,
}

/// What lies behind a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A node that can still become valid.
    Node(usize),
    /// The end of a valid output.
    Valid,
    /// Nothing valid.
    Nothing,
}

/// A choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) log_prob: f64,
    pub(super) prob: Wide,
    pub(super) behind: Behind,
}

impl<'a> ModelChoices<'a> {
    pub(super) fn new(product: &'a Product, rows: &'a ModelRows, role: Role) -> Self {
        Self { product, rows, role: role as usize }
    }

    pub(super) fn of(weighted: &WeightedProduct<'a>, role: Role) -> Self {
        let rows = if role == Role::Policy { weighted.policy } else { weighted.base };
        let role = if weighted.product.has_policy() { role } else { Role::Base } as usize;
        Self { product: weighted.product, rows, role }
    }

    /// Number of positions.
    pub(super) fn horizon(self) -> usize {
        self.product.layers().len()
    }

    /// Number of nodes at a position that can still become valid; 0 at the horizon.
    pub(super) fn alive(self, position: usize) -> usize {
        self.product.layers().get(position).map_or(0, |layer| layer.alive)
    }

    /// The choices at a node: symbols, then the end symbol if there is one.
    pub(super) fn steps(self, position: usize, node: usize) -> impl Iterator<Item = Step> {
        let space = self.product.space();
        let (layer, table) = (&self.product.layers()[position], self.rows.table(position));
        let last = position + 1 == space.horizon;
        let alive = if last { 1 } else { self.alive(position + 1) };
        let first = layer.pairs[layer.pair[node] as usize][self.role] as usize * space.choices();
        let successors = layer.successors[node * space.symbols..][..space.symbols].iter();
        let symbols = successors.map(move |&successor| match successor as usize {
            dead if dead >= alive => Behind::Nothing,
            _ if last => Behind::Valid,
            node => Behind::Node(node),
        });
        let end = if layer.ends_valid[node] { Behind::Valid } else { Behind::Nothing };
        let choices = first..first + space.choices();
        let row = table.log_probs[choices.clone()].iter().zip(&table.probs[choices]);
        // The row of a space without an end symbol stops before it.
        row.zip(symbols.chain([end])).map(|((&log_prob, &prob), behind)| Step {
            log_prob,
            prob: Wide::of_prob(prob, log_prob),
            behind,
        })
    }
}
