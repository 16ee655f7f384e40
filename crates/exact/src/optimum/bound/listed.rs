//! The clipped pseudo-reward in boxes. Its potential adds up over outputs, not over choices, so that its nodes are those
//! of a tree: the beginnings of the outputs of p*.
//!
//! ψ is concave in q(y): its tangents at any policy bound it by a linear reward, for which both relaxations work. The
//! tangents are laid where the uncoupled potential is nearly greatest, found by counting within the box.

use pstar_core::math;

use super::super::clipped::{Clipped, Listed as Outputs};
use super::super::graph::Graph;
use super::super::scratch::Scratch;
use super::boxes::PolicyBox;
use super::rows::{Ends, Faces, divided, linear};
use super::sums::apart;
use super::{Look, Relaxation};

/// Rounds of counting for the point where tangents are laid.
const ROUNDS: usize = 8;

/// No child.
const NONE: u32 = u32::MAX;

/// Children from here on are outputs.
const LEAF: u32 = 1 << 31;

/// The potential of a clipped pseudo-reward over all prompts.
pub(in crate::optimum) struct Listed<'a> {
    graph: &'a Graph,
    clipped: &'a Clipped<'a>,
    trees: Vec<Tree>,
    /// What the sums may be off by, relative to their magnitude.
    slack: f64,
}

/// The beginnings of a prompt's outputs, parents before children.
struct Tree {
    mean_weight: f64,
    /// First parameter of the row of every node.
    rows: Vec<usize>,
    /// Nodes × choices.
    children: Vec<u32>,
    /// log p* of every output.
    log_p: Vec<f64>,
}

/// Figures of a tree's nodes and outputs under some choice at every node.
#[derive(Default)]
struct Figures {
    /// Nodes × choices.
    probs: Vec<f64>,
    /// Probability of every output, its ψ and the slope of ψ there.
    reached: Vec<f64>,
    psi: Vec<f64>,
    slopes: Vec<f64>,
    /// Sums behind every node.
    behind: Vec<f64>,
}

impl<'a> Listed<'a> {
    pub(in crate::optimum) fn new(graph: &'a Graph, clipped: &'a Clipped<'a>) -> Self {
        let trees: Vec<Tree> = clipped.prompts().iter().map(|outputs| Tree::new(graph, outputs)).collect();
        let nodes: usize = trees.iter().map(|tree| tree.rows.len() + tree.log_p.len()).sum();
        let operations = graph.horizon() * (4 * graph.choices + 16) + nodes;
        Self { graph, clipped, trees, slack: 2.0 * f64::EPSILON * operations as f64 }
    }
}

impl Tree {
    fn new(graph: &Graph, outputs: &Outputs) -> Self {
        let choices = graph.choices;
        let mut tree = Self {
            mean_weight: outputs.mean_weight,
            rows: Vec::new(),
            children: Vec::new(),
            log_p: Vec::new(),
        };
        let row_of = |choice: usize| {
            let after = graph.rows.starts.partition_point(|&start| start <= choice);
            graph.rows.starts[after.saturating_sub(1)]
        };
        let number = |len: usize| u32::try_from(len).unwrap_or(NONE);
        for output in &outputs.outputs {
            let mut node = 0;
            for (position, &choice) in output.choices.iter().enumerate() {
                if node == tree.rows.len() {
                    tree.rows.push(row_of(choice));
                    tree.children.resize(tree.children.len() + choices, NONE);
                }
                let slot = node * choices + choice - tree.rows[node];
                if position + 1 == output.choices.len() {
                    tree.children[slot] = LEAF | number(tree.log_p.len());
                    tree.log_p.push(output.log_p);
                } else {
                    if tree.children[slot] == NONE {
                        tree.children[slot] = number(tree.rows.len());
                    }
                    node = tree.children[slot] as usize;
                }
            }
        }
        tree
    }

    /// From the root down: the probabilities of the outputs.
    fn reach(&self, choices: usize, figures: &mut Figures) {
        let mut nodes = vec![0.0; self.rows.len()];
        Scratch::zeros(&mut figures.reached, self.log_p.len());
        nodes.first_mut().into_iter().for_each(|root| *root = 1.0);
        for node in 0..self.rows.len() {
            for k in node * choices..(node + 1) * choices {
                match self.children[k] {
                    NONE => {}
                    leaf if leaf >= LEAF => {
                        figures.reached[(leaf - LEAF) as usize] = nodes[node] * figures.probs[k];
                    }
                    child => nodes[child as usize] = nodes[node] * figures.probs[k],
                }
            }
        }
    }

    /// ψ and its slope at every output.
    fn tangents(&self, clipped: &Clipped<'_>, figures: &mut Figures) {
        figures.psi.clear();
        figures.slopes.clear();
        for (&log_p, &reached) in self.log_p.iter().zip(&figures.reached) {
            let log_q = math::ln(reached);
            figures.psi.push(clipped.psi(log_p, log_q));
            figures.slopes.push(clipped.slope(log_p, log_q));
        }
    }

    /// The value behind a slot: an output's own or a node's.
    fn behind(&self, slot: usize, of_outputs: &[f64], of_nodes: &[f64]) -> f64 {
        match self.children[slot] {
            NONE => 0.0,
            leaf if leaf >= LEAF => of_outputs[(leaf - LEAF) as usize],
            child => of_nodes[child as usize],
        }
    }

    /// One round of counting: rows in proportion to what ψ' q goes through them, within the box. The mass of every node
    /// is left behind.
    fn count(&self, choices: usize, faces: &Faces<'_>, figures: &mut Figures) {
        let shares: Vec<f64> =
            figures.slopes.iter().zip(&figures.reached).map(|(slope, q)| slope * q).collect();
        Scratch::zeros(&mut figures.behind, self.rows.len());
        let mut share = vec![0.0; choices];
        for node in (0..self.rows.len()).rev() {
            for (k, share) in share.iter_mut().enumerate() {
                *share = self.behind(node * choices + k, &shares, &figures.behind);
            }
            figures.behind[node] = share.iter().sum();
            if figures.behind[node] > f64::MIN_POSITIVE {
                let row = &mut figures.probs[node * choices..][..choices];
                divided(&share, &faces.row(self.rows[node]..self.rows[node] + choices), row);
            }
        }
    }
}

impl Relaxation for Listed<'_> {
    fn look(&mut self, policies: &PolicyBox, bar: f64) -> Look {
        let choices = self.graph.choices;
        let faces = Faces::new(policies, self.graph.rows.ranges(), |prob| prob);
        let mut centre = vec![0.0; self.graph.parameters];
        let mut mass = vec![0.0; self.graph.parameters];
        let mut disagreement = vec![0.0; self.graph.parameters];
        let (mut uncoupled, mut magnitude) = (0.0, 0.0);
        let mut all = Vec::with_capacity(self.trees.len());
        for tree in &self.trees {
            let mut figures = Figures::default();
            for &row in &tree.rows {
                figures.probs.extend(policies.middle(row..row + choices));
            }
            for _ in 0..ROUNDS {
                tree.reach(choices, &mut figures);
                tree.tangents(self.clipped, &mut figures);
                tree.count(choices, &faces, &mut figures);
            }
            tree.reach(choices, &mut figures);
            tree.tangents(self.clipped, &mut figures);
            let (upper, size) = uncoupled_reward(tree, choices, &faces, &figures);
            uncoupled += tree.mean_weight * (1.0 - upper);
            magnitude += tree.mean_weight * (1.0 + size);
            for (node, &row) in tree.rows.iter().enumerate() {
                let flow = tree.mean_weight * figures.behind[node];
                mass[row] += flow;
                for (sum, prob) in centre[row..].iter_mut().zip(&figures.probs[node * choices..][..choices]) {
                    *sum += flow * prob;
                }
            }
            all.push(figures);
        }
        for row in self.graph.rows.ranges() {
            policies.average(row.clone(), mass[row.start], &mut centre);
        }
        let first = uncoupled - self.slack * magnitude;
        if first >= bar {
            return Look { least: first, centre, potential: f64::INFINITY, disagreement };
        }
        for (tree, figures) in self.trees.iter().zip(&all) {
            for (node, &row) in tree.rows.iter().enumerate() {
                let flow = tree.mean_weight * figures.behind[node];
                for (k, &prob) in figures.probs[node * choices..][..choices].iter().enumerate() {
                    disagreement[row + k] += flow * apart(prob, centre[row + k]);
                }
            }
        }
        let (potential, second) = self.centred(&faces, &centre);
        Look { least: first.max(second), potential, centre, disagreement }
    }
}

/// An upper bound of Σ ψ where every node has a row of its own, and the magnitudes that went into it.
fn uncoupled_reward(tree: &Tree, choices: usize, faces: &Faces<'_>, figures: &Figures) -> (f64, f64) {
    let (mut worth, mut terms, mut row) = (vec![0.0; choices], vec![0.0; choices], vec![0.0; choices]);
    let mut behind = vec![0.0; tree.rows.len()];
    for node in (0..tree.rows.len()).rev() {
        for (k, worth) in worth.iter_mut().enumerate() {
            *worth = tree.behind(node * choices + k, &figures.slopes, &behind);
        }
        let ends: Ends<'_> = faces.row(tree.rows[node]..tree.rows[node] + choices);
        behind[node] = linear(&worth, &ends, &mut terms, &mut row);
    }
    let (constant, size) = constants(figures);
    let reward = behind.first().copied().unwrap_or(0.0);
    (constant + reward, size + reward)
}

/// Σ ψ − ψ' q, and the magnitudes that went into it.
fn constants(figures: &Figures) -> (f64, f64) {
    let (mut sum, mut size) = (0.0, 0.0);
    for ((psi, slope), q) in figures.psi.iter().zip(&figures.slopes).zip(&figures.reached) {
        sum += psi - slope * q;
        size += psi.abs() + slope * q;
    }
    (sum, size)
}

impl Listed<'_> {
    /// The potential of the centre, and the second bound.
    fn centred(&self, faces: &Faces<'_>, centre: &[f64]) -> (f64, f64) {
        let choices = self.graph.choices;
        let (mut sums, mut constant) = (vec![0.0; self.graph.parameters], vec![0.0; self.graph.parameters]);
        let (mut potential, mut upper, mut magnitude) = (0.0, 0.0, 0.0);
        let (mut worth, mut terms, mut row) = (vec![0.0; choices], vec![0.0; choices], vec![0.0; choices]);
        for tree in &self.trees {
            let weight = tree.mean_weight;
            let mut figures = Figures::default();
            for &start in &tree.rows {
                figures.probs.extend_from_slice(&centre[start..start + choices]);
            }
            tree.reach(choices, &mut figures);
            tree.tangents(self.clipped, &mut figures);
            let psi: f64 = figures.psi.iter().sum();
            potential += weight * (1.0 - psi);
            upper += weight * psi;
            magnitude += weight * (1.0 + constants(&figures).1);
            let mut behind = vec![0.0; tree.rows.len()];
            for node in (0..tree.rows.len()).rev() {
                let slots = node * choices..(node + 1) * choices;
                behind[node] =
                    slots.map(|k| figures.probs[k] * tree.behind(k, &figures.slopes, &behind)).sum();
            }
            let mut reached = vec![[0.0; 3]; tree.rows.len()];
            reached.first_mut().into_iter().for_each(|root| *root = [weight; 3]);
            for node in 0..tree.rows.len() {
                let [own, least, most] = reached[node];
                let (start, value) = (tree.rows[node], behind[node]);
                let mut lowest = 0.0;
                for k in 0..choices {
                    let slot = node * choices + k;
                    let (low, high) = (faces.policies.low[start + k], faces.policies.high[start + k]);
                    worth[k] = tree.behind(slot, &figures.slopes, &behind);
                    sums[start + k] += own * worth[k];
                    lowest += ((worth[k] - value) * low).min((worth[k] - value) * high);
                    let child = tree.children[slot];
                    if child < LEAF {
                        reached[child as usize] = [own * centre[start + k], least * low, most * high];
                    }
                }
                constant[start] += own * value;
                let ends = faces.row(start..start + choices);
                let highest = linear(&worth, &ends, &mut terms, &mut row) - value;
                let rest = ((most - own).max(0.0) * highest.max(0.0))
                    .max((own - least).max(0.0) * (-lowest).max(0.0));
                upper += rest;
                magnitude += rest + most * (value + highest.abs() + lowest.abs());
            }
        }
        for range in self.graph.rows.ranges() {
            let best = linear(&sums[range.clone()], &faces.row(range.clone()), &mut terms, &mut row);
            upper += best - constant[range.start];
            magnitude += best + constant[range.start];
        }
        let all: f64 = self.trees.iter().map(|tree| tree.mean_weight).sum();
        (potential, all - upper - self.slack * magnitude)
    }
}
