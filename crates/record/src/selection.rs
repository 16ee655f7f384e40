//! At which learning rates a run trained, where it selected them.

use crate::{ArmStatus, Failure, number};
use serde::{Deserialize, Serialize};

/// How learning rates were selected: each policy and objective was trained at all of them with seeds of their own, and the
/// best rate is the one of its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The seeds of the arms that select, none of which is a row's.
    pub seeds: Vec<u64>,
    /// The figure, as in `curves.csv`, at the end of an arm.
    pub metric: String,
    /// Which mean of it is the best.
    pub best: Best,
    /// One a policy and objective that has several rates, in the file's order.
    pub choices: Vec<Choice>,
}

/// Which mean is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Best {
    /// The highest.
    Highest,
    /// The lowest.
    Lowest,
}

/// What was selected for a policy under an objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The policy's name in the experiment.
    pub policy: String,
    /// The objective's name in the experiment.
    pub objective: String,
    /// The selected rate; absent where an arm that selects has not ended, or no rate has a mean.
    #[serde(with = "number::optional")]
    pub learning_rate: Option<f64>,
    /// The rates, in the file's order.
    pub rates: Vec<Rate>,
}

impl Selection {
    /// The arms that select.
    pub fn arms(&self) -> impl Iterator<Item = &SelectionArm> {
        self.choices.iter().flat_map(Choice::arms)
    }
}

impl Choice {
    /// The arms that select.
    pub fn arms(&self) -> impl Iterator<Item = &SelectionArm> {
        self.rates.iter().flat_map(|rate| &rate.arms)
    }

    /// Whether arms that select have still to end.
    pub fn is_open(&self) -> bool {
        self.arms().any(|arm| arm.status == ArmStatus::Interrupted)
    }

    /// The best rate: of those whose mean exists the one with the best, and of equal ones the smallest.
    pub fn best_rate(&self, best: Best) -> Option<f64> {
        if self.is_open() {
            return None;
        }
        let candidates = self.rates.iter().filter_map(|rate| Some((rate.learning_rate, rate.mean?)));
        let better = |(rate, mean): (f64, f64), (other, known): (f64, f64)| {
            let is_better = if best == Best::Highest { mean > known } else { mean < known };
            is_better || (mean == known && rate < other)
        };
        let first = |known: (f64, f64), next| if better(next, known) { next } else { known };
        candidates.reduce(first).map(|(rate, _)| rate)
    }
}

/// A learning rate, and what it led to with the seeds of the selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The optimizer's step size.
    #[serde(with = "number")]
    pub learning_rate: f64,
    /// Mean of the figure over the seeds; absent where an arm did not complete or has no such figure.
    #[serde(with = "number::optional")]
    pub mean: Option<f64>,
    /// One a seed of the selection.
    pub arms: Vec<SelectionArm>,
}

/// An arm that selects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectionArm {
    /// What determines it, by content; empty where nothing is kept of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// How it ended.
    pub status: ArmStatus,
    /// Where and why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The figure at its end; absent where it has none.
    #[serde(with = "number::optional")]
    pub value: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(learning_rate: f64, mean: Option<f64>) -> Rate {
        Rate { learning_rate, mean, arms: Vec::new() }
    }

    fn best(rates: Vec<Rate>) -> [Option<f64>; 2] {
        let choice = Choice { policy: String::new(), objective: String::new(), learning_rate: None, rates };
        [Best::Highest, Best::Lowest].map(|best| choice.best_rate(best))
    }

    #[test]
    fn the_best_mean_is_selected_either_way() {
        let rates = vec![rate(0.1, Some(2.0)), rate(0.2, Some(3.0)), rate(0.3, Some(1.0)), rate(0.4, None)];
        assert_eq!(best(rates), [Some(0.2), Some(0.3)]);
        let infinite = vec![rate(0.1, Some(f64::INFINITY)), rate(0.2, Some(3.0))];
        assert_eq!(best(infinite), [Some(0.1), Some(0.2)]);
    }

    #[test]
    fn of_equal_means_the_smallest_rate_is_taken_in_any_order() {
        let (a, b, c) = (rate(0.3, Some(1.0)), rate(0.1, Some(1.0)), rate(0.2, Some(1.0)));
        for rates in [vec![a.clone(), b.clone(), c.clone()], vec![c, a, b]] {
            assert_eq!(best(rates), [Some(0.1), Some(0.1)]);
        }
    }

    #[test]
    fn nothing_is_selected_without_a_mean_or_before_all_have_ended() {
        assert_eq!(best(vec![rate(0.1, None), rate(0.2, None)]), [None, None]);
        let arm = |status| SelectionArm { id: "a".into(), status, failure: None, value: None };
        let mut open = rate(0.2, None);
        open.arms = vec![arm(ArmStatus::Complete), arm(ArmStatus::Interrupted)];
        assert_eq!(best(vec![rate(0.1, Some(1.0)), open.clone()]), [None, None]);
        open.arms[1].status = ArmStatus::Failed;
        assert_eq!(best(vec![rate(0.1, Some(1.0)), open]), [Some(0.1), Some(0.1)]);
    }
}
