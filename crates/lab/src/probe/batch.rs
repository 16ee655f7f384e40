//! A batch of columns, of which an objective is asked for coefficients: what every way of asking shares.

use crate::objective_rows::{PackedRows, RowFault, SequenceColumns};
use pstar_core::math;
use pstar_core::objective::{Moment, ObjectiveAnswer, PromptFacts};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{ErrorKind, PluginError};
use pstar_loader::ObjectiveHandle;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Why a batch is no batch.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// The sequences do not fit together.
    #[error(transparent)]
    Rows(#[from] RowFault),
    /// A group is smaller than the objective takes.
    #[error("the objective needs groups of at least {expected} sequences, found a group of {found}")]
    SmallGroup {
        /// Least number of sequences.
        expected: usize,
        /// Number of sequences of the smallest group.
        found: usize,
    },
    /// The objective failed.
    #[error(transparent)]
    Objective(#[from] PluginError),
}

/// A batch, and all that is told of it.
#[derive(Clone, Debug)]
pub struct BatchQuestion<'a> {
    /// Its sequences.
    pub columns: SequenceColumns<'a>,
    /// log Z of groups where it is known.
    pub log_partition: BTreeMap<u32, f64>,
    /// log Z_α of groups where it is known, for objectives whose target is a power of the base.
    pub log_power_partition: BTreeMap<u32, f64>,
    /// The most tokens that a sequence can have; 0 where nobody knows.
    pub horizon: u64,
    /// Number of the batch, from 0.
    pub step: u64,
    /// Number of the pass over the batch, from 0.
    pub epoch: u32,
    /// Of the objective's own random numbers.
    pub seed: u64,
    /// The groups whose coefficients are applied now; all where it is absent.
    pub updated: Option<BTreeSet<u32>>,
}

impl<'a> BatchQuestion<'a> {
    /// The first pass over a batch of which nothing else is told.
    pub fn new(columns: SequenceColumns<'a>, step: u64) -> Self {
        let (log_partition, log_power_partition) = (BTreeMap::new(), BTreeMap::new());
        let (horizon, epoch, seed, updated) = (0, 0, 0, None);
        Self { columns, log_partition, log_power_partition, horizon, step, epoch, seed, updated }
    }

    /// The batch as an objective sees it.
    ///
    /// # Errors
    /// If the sequences do not fit together.
    pub fn pack(&self) -> Result<PackedRows<'a>, RowFault> {
        Ok(PackedRows::new(&self.columns, |group| self.facts(group))?.within(self.horizon))
    }

    /// The objective's answer to the batch, packed: it is told of a batch in the first pass, and asked in every one.
    ///
    /// # Errors
    /// If the objective fails, or a group is smaller than `minimum_group`, which the objective declared, and it gave no finite
    /// coefficients for it.
    pub fn ask(
        &self,
        packed: &PackedRows<'_>,
        objective: &mut ObjectiveHandle,
        minimum_group: usize,
    ) -> Result<ObjectiveAnswer, BatchFault> {
        let updated = self.updated.as_ref().map(|updated| {
            packed.groups().iter().map(|group| updated.contains(group).into()).collect::<Vec<u8>>()
        });
        let batch = packed.view(self.moment())?.with_updated(updated.as_deref().unwrap_or_default())?;
        let observed = if self.epoch == 0 { objective.observe(&batch) } else { Ok(()) };
        let (expected, found) = (minimum_group, batch.smallest_group());
        match observed.and_then(|()| objective.step(&batch)) {
            // An objective that says why it refuses the group says it better, and one that does not refuse it is asked.
            Err(error) if error.kind == ErrorKind::Config => Err(error.into()),
            Ok(answer) if math::all_finite(&answer.coefficients) => Ok(answer),
            _ if found < expected => Err(BatchFault::SmallGroup { expected, found }),
            answer => Ok(answer?),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "there are at most 255 passes in runs")]
    fn moment(&self) -> Moment {
        let step = u32::try_from(self.step).unwrap_or(u32::MAX);
        let key =
            StreamKey { epoch: self.epoch as u8, ..StreamKey::new(self.seed, Purpose::Objective, step) };
        Moment::new(self.step, key).in_epoch(self.epoch)
    }

    /// What is known of a group's prompt.
    fn facts(&self, group: u32) -> PromptFacts {
        let of_z = |&z: &f64| PromptFacts::new(z, math::ln(-math::exp_m1(z)));
        let facts = self.log_partition.get(&group).map(of_z).unwrap_or_default();
        let of_power = self.log_power_partition.get(&group);
        of_power.map_or(facts, |&z| facts.with_log_power_partition(z))
    }
}
