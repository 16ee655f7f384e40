//! The power-filtered target p_α = a^α·v / Z_α along a product.
//!
//! One backward pass weighs the valid completions of every node by a^α; from a node, a choice then has p_α's probability
//! a(choice)^α · weight(behind) / weight(node), as in [`FilteredSampler`](super::FilteredSampler). Entropies and KLs are
//! sums over the choices on the way, by their expected numbers: no term is far larger than the result, however many
//! outputs there are or however small their probabilities. Checked against enumeration and closed forms.

use pstar_core::math;

use super::choices::{Behind, ModelChoices};
use super::completions::Completions;
use super::coverage::coverage_of;
use super::wide::Wide;
use crate::sum::{Accumulator, nonnegative};
use crate::targets::power::unless_infinite;
use crate::{ModelRows, OutputClass, PowerFigures, Role, Split, WeightedProduct};

/// The power-filtered target of a product's base.
#[derive(Clone, Debug)]
pub struct PowerChain<'a> {
    weighted: WeightedProduct<'a>,
    power: f64,
    rows: ModelRows,
    masses: Completions,
}

impl<'a> PowerChain<'a> {
    /// Of the power α ≥ 0; `None` if the base reaches no valid output.
    ///
    /// # Range and cost
    /// No weight underflows or overflows while α times a log-probability of a choice stays within 10¹². Time
    /// O(transitions), memory 16 bytes a position and node that can become valid.
    ///
    /// # Panics
    /// If α is negative or not finite.
    pub fn new(weighted: &WeightedProduct<'a>, power: f64) -> Option<Self> {
        assert!(power >= 0.0 && power.is_finite(), "α must be at least 0 and finite, found {power}");
        let rows = weighted.base.powered(power);
        let masses = Completions::of(ModelChoices::new(weighted.product, &rows, Role::Base), Wide::plus);
        let reaches = !masses.start().is_zero();
        reaches.then_some(Self { weighted: *weighted, power, rows, masses })
    }

    /// log Z_α, in nats.
    pub fn log_partition(&self) -> f64 {
        // Adding 0 keeps −0 out of the records.
        self.masses.start().ln() + 0.0
    }

    /// What is told of the target; `base` are the classes of the base.
    ///
    /// # Range and cost
    /// Seven passes over the transitions of nodes that can become valid.
    pub fn figures(&self, base: &Split) -> PowerFigures {
        let total = self.masses.start();
        let greatest = Completions::of(self.choices(), Wide::max).start();
        let squares = self.weighted.base.powered(2.0 * self.power);
        let squares = ModelChoices::new(self.weighted.product, &squares, Role::Base);
        let squares = Completions::of(squares, Wide::plus).start();
        let log_top1 = greatest.by(total).ln().min(0.0);
        let of_base = ModelChoices::of(&self.weighted, Role::Base);
        let filtered = Completions::of(of_base, Wide::plus);
        let filtered = Way { choices: of_base, given_valid: Some(&filtered) };
        let kl_to_filtered = nonnegative(self.way().expected(Some(&filtered)));
        PowerFigures {
            power: self.power,
            log_partition: self.log_partition(),
            valid: OutputClass {
                mass: 1.0,
                log_mass: 0.0,
                entropy: nonnegative(-self.way().expected(None)),
                log_collision: squares.by(total.times(total)).ln().min(0.0),
                top1: math::exp(log_top1),
                log_top1,
            },
            kl_to_base: kl_to_filtered - base.valid.log_mass,
            kl_to_filtered,
            kl_from_filtered: nonnegative(filtered.expected(Some(&self.way()))),
        }
    }

    /// coverage@k of the target, as [`coverage_at_k`](super::coverage_at_k).
    pub fn coverage_at(&self, k: &[u64], most_prefixes: usize) -> Vec<Option<f64>> {
        coverage_of(self.choices(), Wide::ONE.by(self.masses.start()), k, most_prefixes)
    }

    /// KL(q‖p_α) and KL(p_α‖q) of the product's policy q: infinite where that to p* or that from p* is, whose support is
    /// the same.
    ///
    /// # Range and cost
    /// Two passes over the transitions of nodes that can become valid.
    pub fn divergences(&self, [kl_to_filtered, kl_from_filtered]: [f64; 2]) -> [f64; 2] {
        let policy = Way { choices: ModelChoices::of(&self.weighted, Role::Policy), given_valid: None };
        let kl = |other: f64, p: &Way<'_>, q: &Way<'_>| {
            // Where it is infinite its terms are none.
            unless_infinite(other, if other == f64::INFINITY { other } else { p.expected(Some(q)) })
        };
        [kl(kl_to_filtered, &policy, &self.way()), kl(kl_from_filtered, &self.way(), &policy)]
    }

    fn choices(&self) -> ModelChoices<'_> {
        ModelChoices::new(self.weighted.product, &self.rows, Role::Base)
    }

    fn way(&self) -> Way<'_> {
        Way { choices: self.choices(), given_valid: Some(&self.masses) }
    }
}

/// A way of choosing along a product.
struct Way<'a> {
    choices: ModelChoices<'a>,
    /// What the valid completions weigh, of a way that only leads to such; `None` of one that chooses as it comes.
    given_valid: Option<&'a Completions>,
}

/// A choice: its probability given what came before, the logarithm of that, and what is behind.
type Chosen = (f64, f64, Behind);

impl Way<'_> {
    fn row(&self, position: usize, node: usize, row: &mut Vec<Chosen>) {
        row.clear();
        let steps = self.choices.steps(position, node);
        let Some(masses) = self.given_valid else {
            row.extend(steps.map(|step| (step.prob.value(), step.log_prob, step.behind)));
            return;
        };
        let here = masses.at(position, node);
        row.extend(steps.map(|step| {
            let weight = step.prob.times(masses.behind(position, step.behind));
            let prob = weight.over(here);
            let log_prob = if prob > f64::MIN_POSITIVE { math::ln(prob) } else { weight.by(here).ln() };
            (prob, log_prob, step.behind)
        }));
    }

    /// Σ over the choices on the way to valid outputs, by their expected numbers: of log p, or of log p/q where there is a q.
    fn expected(&self, other: Option<&Self>) -> f64 {
        let (mut sum, mut here) = (Accumulator::default(), vec![1.0]);
        let (mut row, mut of_other) = (Vec::new(), Vec::new());
        for position in 0..self.choices.horizon() {
            let mut next = vec![0.0; self.choices.alive(position + 1)];
            for (node, &occupancy) in here.iter().enumerate().filter(|(_, occupancy)| **occupancy > 0.0) {
                self.row(position, node, &mut row);
                if let Some(other) = other {
                    other.row(position, node, &mut of_other);
                }
                for (choice, &(prob, log_prob, behind)) in row.iter().enumerate() {
                    let expected = occupancy * prob;
                    if expected == 0.0 {
                        continue;
                    }
                    sum.add(expected * (log_prob - of_other.get(choice).map_or(0.0, |&(_, log, _)| log)));
                    if let Behind::Node(behind) = behind {
                        next[behind] += expected;
                    }
                }
            }
            here = next;
        }
        sum.total()
    }
}
