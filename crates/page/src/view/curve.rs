//! A figure over the steps of training: seed by seed, and as means with intervals.

use pstar_record::{ArmRecord, CurvePoint, Spread};
use pstar_stats::{Estimate, mean_interval};
use std::collections::HashMap;

/// Points of a drawn line at most; of longer ones every n-th is drawn, and the last.
const MOST_POINTS: usize = 120;

/// A figure over the steps of training.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve {
    /// Optimizer steps taken.
    pub(crate) steps: Vec<u32>,
    /// For each seed the figure at each step; absent where it does not exist.
    pub(crate) seeds: Vec<(u64, Vec<Option<f64>>)>,
}

impl Curve {
    /// Of arms that differ in their seeds.
    pub(crate) fn of<'a>(arms: impl Iterator<Item = &'a ArmRecord>, metric: &str) -> Self {
        let arms: Vec<&ArmRecord> = arms.collect();
        let longest = arms.iter().max_by_key(|arm| arm.curve.len());
        let all: Vec<u32> = longest.into_iter().flat_map(|arm| &arm.curve).map(|point| point.step).collect();
        let steps = thinned(&all, MOST_POINTS);
        let seeds = arms.iter().map(|arm| (arm.seed, figures(&arm.curve, &steps, metric))).collect();
        Self { steps, seeds }
    }

    /// Whether no seed has the figure at any step.
    pub(crate) fn is_empty(&self) -> bool {
        self.seeds.iter().all(|(_, figures)| figures.iter().all(Option::is_none))
    }

    /// Each seed's difference to the same seed of another.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let of_seed: HashMap<u64, &Vec<Option<f64>>> =
            other.seeds.iter().rev().map(|(seed, figures)| (*seed, figures)).collect();
        let of_other = |seed: u64, step: u32| of_seed.get(&seed)?[other.steps.binary_search(&step).ok()?];
        let difference = |(seed, figures): &(u64, Vec<Option<f64>>)| {
            let pairs = self.steps.iter().zip(figures);
            (*seed, pairs.map(|(step, figure)| Some((*figure)? - of_other(*seed, *step)?)).collect())
        };
        Self { steps: self.steps.clone(), seeds: self.seeds.iter().map(difference).collect() }
    }

    /// Means over the seeds that have the figure at a step, with 95 % intervals; absent where one is infinite.
    pub(crate) fn means(&self) -> Vec<Option<Spread>> {
        let at = |i: usize| {
            let figures: Vec<f64> = self.seeds.iter().filter_map(|(_, figures)| figures[i]).collect();
            let Estimate { value, interval } = mean_interval(&figures).ok()?;
            Some(Spread {
                mean: value,
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
            })
        };
        (0..self.steps.len()).map(at).collect()
    }

    /// Its last step that has a mean.
    pub(crate) fn end(&self) -> Option<(u32, Spread)> {
        let means = self.means();
        self.steps.iter().zip(means).rev().find_map(|(step, mean)| Some((*step, mean?)))
    }
}

/// The figure at each of the steps, both in rising order.
fn figures(curve: &[CurvePoint], steps: &[u32], metric: &str) -> Vec<Option<f64>> {
    let mut points = curve.iter().peekable();
    steps
        .iter()
        .map(|step| {
            while points.next_if(|point| point.step < *step).is_some() {}
            figure(points.peek().filter(|point| point.step == *step)?, metric)
        })
        .collect()
}

fn figure(point: &CurvePoint, metric: &str) -> Option<f64> {
    let signal = || point.signals.iter().find(|(name, _)| *name == metric).and_then(|(_, mean)| mean);
    point.measures.named(metric).or_else(signal).filter(|x| !x.is_nan())
}

/// At most so many of them, evenly, the first and the last among them.
pub(crate) fn thinned<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    let stride = (all.len() - 1).div_ceil(most - 1);
    let mut some: Vec<T> = all[..all.len() - 1].iter().step_by(stride).copied().collect();
    some.extend(all.last());
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_lists_keep_their_ends() {
        let all: Vec<u32> = (0..1001).collect();
        for most in 2..300 {
            let some = thinned(&all, most);
            assert!(some.len() <= most + 1 && some[0] == 0 && some.last() == Some(&1000), "{most}");
        }
        assert_eq!(thinned(&[1, 2, 3], 3), [1, 2, 3]);
    }

    #[test]
    fn pairs_are_of_one_seed_and_step() {
        let a = Curve {
            steps: vec![0, 10],
            seeds: vec![(1, vec![Some(1.0), Some(5.0)]), (2, vec![None, Some(7.0)])],
        };
        let b = Curve {
            steps: vec![0, 10],
            seeds: vec![(2, vec![Some(1.0), Some(3.0)]), (1, vec![Some(0.5), Some(4.0)])],
        };
        let difference = a.minus(&b);
        assert_eq!(difference.seeds, [(1, vec![Some(0.5), Some(1.0)]), (2, vec![None, Some(4.0)])]);
        let means: Vec<Option<f64>> =
            difference.means().iter().map(|mean| mean.map(|mean| mean.mean)).collect();
        assert_eq!(means, [Some(0.5), Some(2.5)]);
        assert!(Curve::default().means().is_empty() && Curve::default().is_empty());
    }
}
