//! Blocks of arms that have all ended: of many workers each would look at every arm, to find that nothing is left of it.
//!
//! Notes are for workers alone and prove nothing: whoever puts the record together looks at every arm.

use crate::files::{Writer, make_folder};
use crate::train::RunArm;
use pstar_core::files::sha256;
use pstar_record::ArmStatus;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder, in a run's directory.
pub(crate) const BLOCKS: &str = "blocks";

/// Arms of a block.
pub(crate) const BLOCK: usize = 1024;

/// Digits of a block's name.
const DIGITS: usize = 16;

/// How an arm ended, in a note.
const ENDINGS: [(ArmStatus, u8); 2] = [(ArmStatus::Complete, b'c'), (ArmStatus::Failed, b'f')];

/// The notes of a run.
#[derive(Debug)]
pub(crate) struct Blocks {
    folder: PathBuf,
    writer: Writer,
}

impl Blocks {
    pub(crate) fn new(directory: &Path, writer: &Writer) -> Self {
        Self { folder: directory.join(BLOCKS), writer: writer.clone() }
    }

    /// How the arms of a block ended, if that is noted.
    pub(crate) fn noted(&self, block: &[RunArm]) -> Option<Vec<ArmStatus>> {
        let note = fs::read(self.path(block)).ok().filter(|note| note.len() == block.len())?;
        let ending = |byte: &u8| ENDINGS.iter().find(|(_, known)| known == byte).map(|(status, _)| *status);
        note.iter().map(ending).collect()
    }

    /// Notes how the arms of a block ended. What cannot be noted is looked at again.
    pub(crate) fn note(&self, block: &[RunArm], statuses: &[ArmStatus]) {
        let byte =
            |status: &ArmStatus| ENDINGS.iter().find(|(known, _)| known == status).map(|(_, byte)| *byte);
        let Some(note) = statuses.iter().map(byte).collect::<Option<Vec<u8>>>() else { return };
        if make_folder(&self.folder).is_ok() {
            let _ = self.writer.write_lightly(&self.path(block), &note);
        }
    }

    /// Forgets all: results were removed.
    pub(crate) fn forget(directory: &Path) {
        let _ = fs::remove_dir_all(directory.join(BLOCKS));
    }

    /// Named by its arms: those of another selection of learning rates are others.
    fn path(&self, block: &[RunArm]) -> PathBuf {
        let ids: Vec<&str> = block.iter().map(|arm| arm.id.as_str()).collect();
        self.folder.join(&sha256(ids.join("\n").as_bytes())[..DIGITS])
    }
}

/// The order in which a worker goes through `count` things: each worker has its own, so that they seldom meet.
pub(crate) fn order(count: usize, worker: u64) -> Vec<usize> {
    // Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
    let mixed = |i: &usize| {
        let mut x = (worker ^ *i as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(mixed);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_lab::plan::ArmKey;

    fn arms(from: usize, to: usize) -> Vec<RunArm> {
        let key = ArmKey { policy: 0, objective: 0, rate: 0, seed: 0 };
        (from..to).map(|i| RunArm { key, id: i.to_string() }).collect()
    }

    #[test]
    fn what_is_noted_is_of_these_arms_alone() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Blocks::new(folder.path(), &Writer::new("p"));
        let all = arms(0, 3);
        assert_eq!(blocks.noted(&all), None);
        let statuses = [ArmStatus::Complete, ArmStatus::Failed, ArmStatus::Complete];
        blocks.note(&all, &statuses);
        assert_eq!(blocks.noted(&all).unwrap(), statuses);
        assert_eq!(blocks.noted(&arms(1, 4)), None);
        // Half a note, or something else, is none.
        for text in ["cf", "cfx", ""] {
            fs::write(blocks.path(&all), text).unwrap();
            assert_eq!(blocks.noted(&all), None, "{text}");
        }
        blocks.note(&arms(3, 4), &[ArmStatus::Interrupted]);
        assert_eq!(blocks.noted(&arms(3, 4)), None);
        blocks.note(&all, &statuses);
        Blocks::forget(folder.path());
        assert_eq!(blocks.noted(&all), None);
    }

    #[test]
    fn every_worker_meets_everything_in_an_order_of_its_own() {
        let orders: Vec<Vec<usize>> = (0..50).map(|worker| order(1000, worker)).collect();
        for own in &orders {
            let mut sorted = own.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..1000));
        }
        // A place is that of another order once in a thousand: 50 of 49,950 places, give or take.
        let same = |other: &Vec<usize>| orders[0].iter().zip(other).filter(|(a, b)| a == b).count();
        assert!((10..130).contains(&orders[1..].iter().map(same).sum::<usize>()));
    }
}
