//! Base, policy and verifier of one prompt, walked together.
//!
//! A node is a state of each. Nodes from which no valid output can be reached any more are merged: of the verifier
//! they remember nothing. Layers of equal nodes with equal transitions, as nearly all of a long output's are, share
//! their memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use pstar_core::data::Ending;

use crate::automata::acceptor::DEAD;
use crate::automata::explore::{ExploreError, Explored};
use crate::{Acceptor, FiniteState, OutputSpace};

/// How many earlier layers are looked through for an equal one.
const LOOK_BACK: usize = 4;

/// Which of a product's models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The base model.
    Base = 0,
    /// The policy.
    Policy = 1,
}

/// A model and the state that it is in behind the prompt.
pub struct PromptedModel<'a, E> {
    /// The model.
    pub model: &'a dyn FiniteState<Error = E>,
    /// Its state behind the prompt.
    pub start: u64,
}

impl<E> Clone for PromptedModel<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for PromptedModel<'_, E> {}

impl<E> std::fmt::Debug for PromptedModel<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptedModel").field("start", &self.start).finish_non_exhaustive()
    }
}

/// The nodes at one position and where symbols lead from them.
///
/// Nodes are ordered: first those from which a valid output can be reached. At the horizon there are two nodes, 0 for
/// valid outputs and 1 for the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Nodes 0..alive can still become valid.
    pub(crate) alive: usize,
    /// For each node the number of its pair of model states.
    pub(crate) pair: Vec<u32>,
    /// For each pair the indices of its states in `states`.
    pub(crate) pairs: Vec<[u32; 2]>,
    /// The states that each model can be in here.
    pub(crate) states: [Vec<u64>; 2],
    /// For each node, whether an output that ends here is valid.
    pub(crate) ends_valid: Vec<bool>,
    /// Nodes × symbols, numbers of nodes at the next position.
    pub(crate) successors: Vec<u32>,
    /// Number of nodes at the next position.
    pub(crate) next_nodes: usize,
}

impl Layer {
    /// Number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.pair.len()
    }
}

/// The product of one or two models and a verifier for one prompt: structure only, no probabilities.
#[derive(Clone, Debug)]
pub struct Product {
    space: OutputSpace,
    roles: usize,
    layers: Vec<Arc<Layer>>,
    states: usize,
}

/// A node: the numbers of the verifier's, the base's and the policy's state. Dead ones sort last.
type Node = (u32, [u32; 2]);

/// A layer that was worked out, and what it depends on.
struct Met {
    nodes: Arc<[Node]>,
    /// The verifier's states that are alive at the next position.
    alive: Arc<[bool]>,
    layer: Arc<Layer>,
    /// The nodes at the next position.
    next: Arc<[Node]>,
}

impl Product {
    /// Explores the product from the prompt: of the base alone, or of base and policy.
    ///
    /// # Range and cost
    /// One look-up a transition of every layer that differs from those before it.
    ///
    /// # Errors
    /// A model's own, or more than `limit` nodes over all layers that differ.
    ///
    /// # Panics
    /// If there are not one or two models.
    pub fn explore<E>(
        models: &[PromptedModel<'_, E>],
        acceptor: &Acceptor,
        limit: usize,
    ) -> Result<Self, ExploreError<E>> {
        assert!((1..=2).contains(&models.len()), "a base, or a base and a policy");
        let space = acceptor.space();
        let mut moves: Vec<Moves> = models.iter().map(|model| Moves::new(model.start)).collect();
        let mut product = Self { space, roles: models.len(), layers: Vec::new(), states: 0 };
        let mut nodes: Arc<[Node]> = Arc::new([(acceptor.start_if_alive(), [0, 0])]);
        let mut recent: Vec<Met> = Vec::new();
        for position in 0..space.horizon {
            let last = position + 1 == space.horizon;
            let alive_next = acceptor.alive(position + 1);
            let known = recent.iter().rev().find(|known| {
                !last
                    && known.nodes == nodes
                    && (Arc::ptr_eq(&known.alive, alive_next) || known.alive == *alive_next)
            });
            if let Some(known) = known {
                product.layers.push(Arc::clone(&known.layer));
                nodes = Arc::clone(&known.next);
                continue;
            }
            for (model, moves) in models.iter().zip(&mut moves) {
                moves.expand(model.model, space, position)?;
            }
            let room = limit.saturating_sub(product.states + nodes.len());
            let (layer, next) = Self::layer(&nodes, &mut moves, acceptor, position, room);
            let (layer, next): (_, Arc<[Node]>) = (Arc::new(layer), next.into());
            product.states += nodes.len();
            if product.states + next.len() > limit {
                let states = product.states + next.len();
                let position = position + 1;
                return Err(ExploreError::TooManyStates {
                    explored: Explored::Product,
                    position,
                    states,
                    limit,
                });
            }
            product.layers.push(Arc::clone(&layer));
            if recent.len() == LOOK_BACK {
                recent.remove(0);
            }
            recent.push(Met { nodes, alive: Arc::clone(alive_next), layer, next: Arc::clone(&next) });
            nodes = next;
        }
        Ok(product)
    }

    /// The layer of some nodes, and the nodes behind it; cut short once these are more than `room`.
    fn layer(
        nodes: &[Node],
        moves: &mut [Moves],
        acceptor: &Acceptor,
        position: usize,
        room: usize,
    ) -> (Layer, Vec<Node>) {
        let space = acceptor.space();
        let last = position + 1 == space.horizon;
        let mut pairs = Vec::new();
        let mut number_of = HashMap::new();
        let pair: Vec<u32> = nodes
            .iter()
            .map(|&(_, models)| {
                *number_of.entry(models).or_insert_with(|| {
                    pairs.push(models);
                    to_u32(pairs.len() - 1)
                })
            })
            .collect();
        let mut successors = Vec::with_capacity(nodes.len() * space.symbols);
        let (mut arrivals, mut numbers) = (Vec::new(), HashMap::new());
        for &(verdict, models) in nodes {
            if arrivals.len() > room {
                break;
            }
            for symbol in 0..space.symbols {
                let verdict = acceptor.next(verdict, symbol, position + 1);
                if last {
                    successors.push(u32::from(verdict == DEAD));
                    continue;
                }
                let mut next = [0; 2];
                for (next, (moves, state)) in next.iter_mut().zip(moves.iter_mut().zip(models)) {
                    *next = moves.next(state, symbol, space.symbols);
                }
                successors.push(match numbers.entry((verdict, next)) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        arrivals.push((verdict, next));
                        *new.insert(to_u32(arrivals.len() - 1))
                    }
                });
            }
        }
        let next_nodes = if last { 2 } else { arrivals.len() };
        if !last {
            // A canonical order, so that equal layers compare equal.
            let mut order: Vec<u32> = (0..to_u32(arrivals.len())).collect();
            order.sort_unstable_by_key(|&i| arrivals[i as usize]);
            let mut rank = vec![0; order.len()];
            for (number, &i) in (0..).zip(&order) {
                rank[i as usize] = number;
            }
            for successor in &mut successors {
                *successor = rank[*successor as usize];
            }
            arrivals.sort_unstable();
        }
        let (states, pairs) = local(&pairs, moves);
        let layer = Layer {
            alive: nodes.iter().take_while(|(verdict, _)| *verdict != DEAD).count(),
            pair,
            pairs,
            states,
            ends_valid: nodes.iter().map(|&(verdict, _)| acceptor.accepts(verdict)).collect(),
            successors,
            next_nodes,
        };
        (layer, arrivals)
    }

    /// The outputs that it walks.
    pub fn space(&self) -> OutputSpace {
        self.space
    }

    /// The layer of each position; neighbours may be one and the same.
    pub(crate) fn layers(&self) -> &[Arc<Layer>] {
        &self.layers
    }

    /// Number of nodes, those of shared layers once.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Number of transitions over all positions, end symbols included.
    pub fn transitions(&self) -> usize {
        self.layers.iter().map(|layer| layer.nodes() * self.space.choices()).sum()
    }

    /// Whether it holds a policy besides the base.
    pub(crate) fn has_policy(&self) -> bool {
        self.roles == 2
    }

    /// Whether outputs may end before the horizon.
    pub(crate) fn ends_early(&self) -> bool {
        self.space.ending == Ending::EndSymbol
    }
}

/// Replaces the numbers of model states by indices into the lists of those that occur.
fn local(pairs: &[[u32; 2]], moves: &[Moves]) -> ([Vec<u64>; 2], Vec<[u32; 2]>) {
    let mut states = [Vec::new(), Vec::new()];
    let mut local = vec![[0; 2]; pairs.len()];
    for (role, moves) in moves.iter().enumerate() {
        let mut present: Vec<u32> = pairs.iter().map(|pair| pair[role]).collect();
        present.sort_unstable();
        present.dedup();
        for (local, pair) in local.iter_mut().zip(pairs) {
            local[role] = to_u32(present.binary_search(&pair[role]).unwrap_or(0));
        }
        states[role] = present.into_iter().map(|number| moves.states[number as usize]).collect();
    }
    (states, local)
}

/// A model's states, numbered in the order of arrival, and where symbols lead.
struct Moves {
    states: Vec<u64>,
    numbers: HashMap<u64, u32>,
    /// Expanded states × symbols.
    next: Vec<u64>,
}

impl Moves {
    fn new(start: u64) -> Self {
        Self { states: vec![start], numbers: HashMap::from([(start, 0)]), next: Vec::new() }
    }

    /// Asks the model about the states that it has not been asked about yet.
    fn expand<E>(
        &mut self,
        model: &dyn FiniteState<Error = E>,
        space: OutputSpace,
        position: usize,
    ) -> Result<(), ExploreError<E>> {
        let first = self.next.len() / space.symbols;
        let new = &self.states[first..];
        self.next.resize(self.states.len() * space.symbols, 0);
        let mut log_probs = vec![0.0; new.len() * space.choices()];
        let next = &mut self.next[first * space.symbols..];
        model.expand(position, new, &mut log_probs, next).map_err(ExploreError::Component)
    }

    /// The number of the state behind a symbol. States that it gives numbers to are expanded at the next position.
    fn next(&mut self, state: u32, symbol: usize, symbols: usize) -> u32 {
        let next = self.next[state as usize * symbols + symbol];
        let fresh = to_u32(self.states.len());
        *self.numbers.entry(next).or_insert_with(|| {
            self.states.push(next);
            fresh
        })
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 nodes a layer")
}
