//! The products of all prompts laid out flat, for passes in plain numbers.
//!
//! A pass needs one exponential a parameter instead of one a transition, and is several times as fast as one in log
//! space. What it says of masses below e^−700 is worth nothing: it ranks policies, and the last steps are taken by
//! passes in log space.

use std::sync::Arc;

use crate::dynamic::occupancy::{Behind, PromptProblem, RowSet, mean_weights};

/// All prompts of a class.
#[derive(Debug)]
pub(super) struct Graph {
    /// Choices of a row.
    pub(super) choices: usize,
    /// Length of the flat vector that the rows lie in.
    pub(super) parameters: usize,
    pub(super) rows: RowSet,
    pub(super) prompts: Vec<Prompt>,
    /// Transitions over all prompts and positions.
    pub(super) transitions: usize,
}

/// One prompt.
#[derive(Debug)]
pub(super) struct Prompt {
    /// Layers that differ.
    pub(super) layers: Vec<Layer>,
    /// Position by position, the number of its layer.
    pub(super) positions: Vec<u32>,
    /// Its weight in what is minimised.
    pub(super) weight: f64,
    /// Its weight in means of figures.
    pub(super) mean_weight: f64,
    /// log A1 of the base.
    pub(super) log_valid: f64,
}

/// The nodes of a position.
///
/// Values behind choices stand in one array: those of the nodes of the next position, then those of a valid and of an
/// invalid end.
#[derive(Debug)]
pub(super) struct Layer {
    /// Nodes 0..alive can still become valid.
    pub(super) alive: usize,
    /// For each node its pair of a base's and a policy's state.
    pub(super) pair: Vec<u32>,
    /// For each pair the first parameter of its row.
    pub(super) row: Vec<usize>,
    /// Pairs × choices, of the base.
    pub(super) log_a: Vec<f64>,
    /// Nodes × choices, indices into the array of what is behind.
    pub(super) next: Vec<u32>,
    /// Nodes of the next position; 0 at the horizon.
    pub(super) next_nodes: usize,
}

impl Graph {
    /// Lays out the products; prompts of weight 0 are left out.
    pub(super) fn new(problems: &[PromptProblem<'_>], parameters: usize) -> Self {
        let rows = RowSet::of(problems);
        let weights = mean_weights(problems);
        let weighted = problems.iter().zip(weights).filter(|(problem, _)| problem.weight > 0.0);
        Self {
            choices: rows.choices,
            parameters,
            rows,
            transitions: problems.iter().map(|problem| problem.product.transitions()).sum(),
            prompts: weighted
                .map(|(problem, mean_weight)| Prompt::new(problem, mean_weight, parameters))
                .collect(),
        }
    }

    /// The most choices that an output makes.
    pub(super) fn horizon(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.positions.len()).max().unwrap_or(0)
    }
}

impl Prompt {
    fn new(problem: &PromptProblem<'_>, mean_weight: f64, parameters: usize) -> Self {
        let zeros = vec![0.0; parameters];
        let product = problem.product.layers();
        let mut layers: Vec<Layer> = Vec::new();
        let mut positions: Vec<u32> = Vec::with_capacity(product.len());
        for position in 0..product.len() {
            let same = position > 0
                && Arc::ptr_eq(&product[position], &product[position - 1])
                && Arc::ptr_eq(problem.base.table(position), problem.base.table(position - 1))
                && problem.same_rows(position, position - 1);
            if !same {
                layers.push(Layer::new(problem, position, &zeros));
            }
            positions.push(u32::try_from(layers.len() - 1).expect("fewer layers than 2^32"));
        }
        Self { layers, positions, weight: problem.weight, mean_weight, log_valid: problem.log_valid }
    }

    /// The layer of a position.
    #[inline]
    pub(super) fn layer(&self, position: usize) -> &Layer {
        &self.layers[self.positions[position] as usize]
    }

    /// Whether the base reaches a valid output.
    pub(super) fn has_filtered(&self) -> bool {
        self.log_valid > f64::NEG_INFINITY
    }

    /// Positions.
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }
}

impl Layer {
    fn new(problem: &PromptProblem<'_>, position: usize, zeros: &[f64]) -> Self {
        let choices = problem.product.space().choices();
        let product = &problem.product.layers()[position];
        let next_nodes = if position + 1 == problem.product.space().horizon { 0 } else { product.next_nodes };
        let pairs = product.pairs.len();
        let (mut row, mut log_a) = (vec![0; pairs], vec![0.0; pairs * choices]);
        let mut next = Vec::with_capacity(product.nodes() * choices);
        for node in 0..product.nodes() {
            let pair = product.pair[node] as usize;
            for (choice, step) in problem.steps(zeros, position, node).enumerate() {
                row[pair] = step.index - choice;
                log_a[pair * choices + choice] = step.log_a;
                let slot = match step.behind {
                    Behind::Node(node) => node,
                    Behind::End(true) => next_nodes,
                    Behind::End(false) => next_nodes + 1,
                };
                next.push(u32::try_from(slot).expect("fewer nodes than 2^32"));
            }
        }
        Self { alive: product.alive, pair: product.pair.clone(), row, log_a, next, next_nodes }
    }

    /// Number of nodes.
    #[inline]
    pub(super) fn nodes(&self) -> usize {
        self.pair.len()
    }

    /// A node's pair, and what is behind its choices.
    #[inline]
    pub(super) fn node(&self, node: usize, choices: usize) -> (usize, &[u32]) {
        (self.pair[node] as usize, &self.next[node * choices..][..choices])
    }
}
