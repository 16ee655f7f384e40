//! What is known of arms that have ended: of those that are kept no more than how, since of many their records are much.

use crate::blocks::{BLOCK, Blocks};
use crate::phases::Phases;
use crate::store::{Found, Store};
use crate::train::{RunArm, name};
use crate::work::Worked;
use pstar_lab::run::{Ended, Prepared, arm_record, unbegun};
use pstar_record::{ArmRecord, ArmStatus};
use rayon::prelude::*;
use std::rc::Rc;

/// What is known of an arm that has ended.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// Its result is in the store.
    Kept(ArmStatus),
    /// Its record, which is nowhere else.
    Record(Box<ArmRecord>),
}

impl Known {
    pub(crate) fn status(&self) -> ArmStatus {
        match self {
            Self::Kept(status) => *status,
            Self::Record(record) => record.status,
        }
    }
}

/// How carefully results are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look<'a> {
    /// What is noted, and of what is not the result alone, which is one file: whoever puts the record together looks at
    /// the others.
    Light(&'a Blocks),
    /// All files of it.
    Thorough,
    /// Likewise, and the record is kept in memory: whoever puts records together reads each once.
    Records,
}

/// What is known of arms before their turn comes, when damaged results are told. Of many arms that are not noted a light look
/// sees nothing: of many workers each would look at each.
pub(crate) fn known(
    store: &Store,
    arms: &[RunArm],
    look: Look<'_>,
    prepared: &Prepared<'_>,
) -> Vec<Option<Known>> {
    let kept = |status: Option<ArmStatus>| status.map(Known::Kept);
    match look {
        Look::Records => records(store, arms, prepared)
            .into_iter()
            .map(|record| record.map(Box::new).map(Known::Record))
            .collect(),
        Look::Thorough => {
            let status = |arm: &RunArm| store.arm(&arm.id).record().map(|record| record.status);
            arms.par_iter().map(|arm| kept(status(arm))).collect()
        }
        Look::Light(_) if arms.len() <= BLOCK => {
            let status = |arm: &RunArm| store.arm(&arm.id).status().ok().flatten();
            arms.par_iter().map(|arm| kept(status(arm))).collect()
        }
        Look::Light(blocks) => {
            let noted = |block: &[RunArm]| match blocks.noted(block) {
                Some(statuses) => statuses.into_iter().map(Some).map(kept).collect(),
                None => vec![None; block.len()],
            };
            arms.par_chunks(BLOCK).flat_map_iter(noted).collect()
        }
    }
}

/// The records that are there, with the names of this run; those that are damaged are told when their arm's turn comes.
pub(crate) fn records(store: &Store, arms: &[RunArm], prepared: &Prepared<'_>) -> Vec<Option<ArmRecord>> {
    let found = |arm: &RunArm| match store.arm(&arm.id).result() {
        Found::Whole(mut record) => {
            name(prepared, arm, &mut record);
            Some(*record)
        }
        Found::Nothing | Found::Damaged(_) => None,
    };
    arms.par_iter().map(found).collect()
}

/// What training left.
pub(crate) struct Trained {
    /// The arms that select learning rates.
    pub(crate) tried: Vec<Option<ArmRecord>>,
    /// The rows whose learning rate is known.
    pub(crate) rows: Rc<Vec<RunArm>>,
    /// What is known of them; nothing of those that have not ended.
    pub(crate) found: Vec<Option<Known>>,
}

impl Trained {
    /// How the arms of a run of so many ended.
    pub(crate) fn worked(&self, phases: &Phases<'_>, arms: u64) -> Worked {
        let tried = self.tried.iter().flatten().map(|record| record.status);
        let found = self.found.iter().flatten().map(Known::status);
        let statuses: Vec<ArmStatus> = tried.chain(found).collect();
        let count = |status| statuses.iter().filter(|&&other| other == status).count() as u64;
        let without_rate = phases.rates(&self.tried).failed().len() as u64;
        Worked { arms, complete: count(ArmStatus::Complete), failed: count(ArmStatus::Failed) + without_rate }
    }

    /// The records of all arms, in the order of the plan: those that have not ended are interrupted, and so are those whose
    /// result is damaged. The second is whether there are such.
    pub(crate) fn records(
        self,
        phases: &Phases<'_>,
        prepared: &Prepared<'_>,
        store: &Store,
    ) -> (Ended, bool) {
        let Self { tried, rows, found } = self;
        let read = |(arm, known): (&RunArm, Option<Known>)| match known {
            Some(Known::Record(record)) => (Some(*record), false),
            Some(Known::Kept(_)) => {
                let record = store.arm(&arm.id).record().map(|mut record| {
                    name(prepared, arm, &mut record);
                    record
                });
                let damaged = record.is_none();
                (record, damaged)
            }
            None => (None, false),
        };
        let interrupted =
            |arm: &RunArm| ArmRecord { id: arm.id.clone(), ..arm_record(prepared, arm.key, unbegun()) };
        let records: Vec<(ArmRecord, bool)> = rows
            .par_iter()
            .zip(found)
            .map(|(arm, known)| {
                let (record, damaged) = read((arm, known));
                (record.unwrap_or_else(|| interrupted(arm)), damaged)
            })
            .collect();
        let damaged = records.iter().any(|(_, damaged)| *damaged);
        let records = records.into_iter().map(|(record, _)| record).collect();
        let tried = phases.tried(tried, &interrupted);
        (phases.rates(&tried).into_ended(prepared, records), damaged)
    }
}
