//! Exact samples of the filtered model p* = a·v / A1, however rare valid outputs are.
//!
//! From a node, a choice has p*'s probability a(choice) · A1(behind) / A1(node), where A1(node) is the base's mass of
//! the valid completions: one backward pass, then one inverse CDF a token. Checked against enumeration.

use pstar_core::rng::{cumulative, pick};

use crate::{ModelRows, Product, Role, WeightedProduct};

use super::choices::{Behind, ModelChoices};
use super::completions::Completions;
use super::wide::Wide;

/// Draws outputs of the filtered model of a base.
#[derive(Clone, Debug)]
pub struct FilteredSampler {
    product: Product,
    base: ModelRows,
    masses: Completions,
}

impl FilteredSampler {
    /// For the base of `weighted`; `None` if it reaches no valid output.
    ///
    /// # Range and cost
    /// No range: every mass has an exponent of its own. Time O(transitions), memory 16 bytes a position and node that
    /// can become valid.
    pub fn new(weighted: &WeightedProduct<'_>) -> Option<Self> {
        let masses = Completions::of(ModelChoices::of(weighted, Role::Base), Wide::plus);
        let reaches = !masses.start().is_zero();
        reaches.then(|| Self { product: weighted.product.clone(), base: weighted.base.clone(), masses })
    }

    /// log A1, the logarithm of the base's mass of valid outputs.
    pub fn log_validity_rate(&self) -> f64 {
        self.masses.start().ln()
    }

    /// Draws an output into `tokens` and returns log p* of it.
    ///
    /// `uniforms` gives the number in [0, 1) that decides the choice at a position: the first, in the order of the
    /// symbols with the end symbol last, whose cumulative probability exceeds it. An end symbol is written as token V.
    ///
    /// # Range and cost
    /// Time O(choices) a token.
    pub fn sample(&self, uniforms: impl FnMut(usize) -> f64, tokens: &mut Vec<u32>) -> f64 {
        let mut log_prob = 0.0;
        self.walk(uniforms, tokens, |of_base, _| log_prob += of_base);
        log_prob - self.log_validity_rate()
    }

    /// The same, with log p* of each token given those before it appended to `log_probs`.
    pub fn sample_with(
        &self,
        uniforms: impl FnMut(usize) -> f64,
        tokens: &mut Vec<u32>,
        log_probs: &mut Vec<f64>,
    ) {
        self.walk(uniforms, tokens, |of_base, [here, behind]| {
            log_probs.push(of_base + (behind.ln() - here.ln()));
        });
    }

    /// Draws an output, and tells of every token log a and the base's masses of valid completions before and behind it.
    fn walk(
        &self,
        mut uniforms: impl FnMut(usize) -> f64,
        tokens: &mut Vec<u32>,
        mut tell: impl FnMut(f64, [Wide; 2]),
    ) {
        let model = ModelChoices::new(&self.product, &self.base, Role::Base);
        let choices = self.product.space().choices();
        let (mut probs, mut sums) = (vec![0.0; choices], vec![0.0; choices]);
        let mut node = 0;
        tokens.clear();
        for position in 0..self.product.space().horizon {
            let here = self.masses.at(position, node);
            for (prob, step) in probs.iter_mut().zip(model.steps(position, node)) {
                *prob = step.prob.times(self.masses.behind(position, step.behind)).over(here);
            }
            cumulative(&probs, &mut sums);
            let choice = pick(&sums, uniforms(position)).min(choices - 1);
            tokens.push(u32::try_from(choice).unwrap_or(u32::MAX));
            let Some(step) = model.steps(position, node).nth(choice) else { break };
            tell(step.log_prob, [here, self.masses.behind(position, step.behind)]);
            let Behind::Node(next) = step.behind else { break };
            node = next;
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
