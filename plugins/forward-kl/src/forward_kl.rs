//! `forward-kl`: KL(p*‖q), sampled from the policy.

use pstar_core::objective::{
    Baseline, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, Partition, PartitionEstimator,
    PartitionUsed, PopulationForm,
};
use pstar_core::{Field, Objective, PluginError, math};
use serde::Deserialize;

/// Minimises KL(p*‖q): c_i = R_i (p*(y_i)/q(y_i) − baseline) with p* = a v / Z, which is 0 for what the base cannot
/// produce.
///
/// Go et al. 2023 (arXiv 2302.08215), table 1; the constant baseline 1 is E_q\[p*/q\].
pub(crate) struct ForwardKl {
    baseline: Control,
    partition: Partition,
    estimator: PartitionEstimator,
}

/// `()` or `(partition: Running, baseline: LeaveOneOut)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Which value of Z to use.
    #[serde(default)]
    partition: Partition,
    /// What is subtracted from p*/q.
    #[serde(default)]
    baseline: Control,
}

/// What is subtracted from p*/q.
#[derive(Clone, Copy, Default, Deserialize)]
enum Control {
    /// Its expectation, 1.
    #[default]
    One,
    /// The mean of the other sequences of the group.
    LeaveOneOut,
    /// Nothing.
    None,
}

impl Control {
    /// What of it is taken from the group.
    fn of_group(self) -> Baseline {
        if matches!(self, Self::LeaveOneOut) { Baseline::LeaveOneOut } else { Baseline::None }
    }
}

impl Objective for ForwardKl {
    const NAME: &'static str = "forward-kl";
    const DOC: &'static str = "minimises KL(filtered model || policy)";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Partition::FIELD,
        Field::optional("baseline", "One | LeaveOneOut | None", "", "One", "what is subtracted from p*/q"),
    ];

    fn new(Config { partition, baseline }: Config) -> Result<Self, PluginError> {
        Ok(Self { baseline, partition, estimator: PartitionEstimator::new(partition) })
    }

    fn declaration(&self) -> Declaration {
        Declaration::default()
            .base_log_probs()
            .partition(self.partition.need())
            .minimum_group(self.baseline.of_group().minimum_group().max(self.partition.minimum_group()))
            .population(PopulationForm::PerSequence)
            .divergence(Divergence::KlFromFiltered)
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        self.estimator.observe(batch)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        self.baseline.of_group().check_groups(batch)?;
        let partitions = self.estimator.estimate(batch)?;
        // log p*/q until exponentiated.
        let mut c = vec![f64::NEG_INFINITY; batch.len()];
        for (g, used) in partitions.iter().enumerate() {
            for i in batch.group(g).filter(|&i| batch.reward(i) > 0.0) {
                c[i] = used.log_ratio(batch, i)?;
            }
        }
        if batch.is_population() {
            // Without a baseline R p*/q is one ratio, p*/b, and a number even where p*/q is none.
            c.iter_mut().enumerate().for_each(|(i, c)| *c = math::exp(*c + batch.log_importance_weight(i)));
        } else {
            for c in &mut c {
                *c = math::exp(*c);
            }
            match self.baseline {
                Control::One => c.iter_mut().for_each(|c| *c -= 1.0),
                control => control.of_group().subtract(batch, &mut c),
            }
            c.iter_mut().enumerate().for_each(|(i, c)| *c *= batch.importance_weight(i));
        }
        PartitionUsed::silence_missing_targets(&partitions, batch, &mut c);
        Ok(ObjectiveStep::per_sequence(batch, &c).with_partitions(partitions))
    }

    fn save(&self) -> Result<String, PluginError> {
        self.estimator.save()
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.estimator.restore(state)
    }
}
