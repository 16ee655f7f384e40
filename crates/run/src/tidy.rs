//! Clearing away what dead processes left of a run whose arms have all ended.

use crate::blocks::Blocks;
use crate::claims::{Owner, WORKERS, is_claim, living, sign_of};
use crate::directory::PARTIAL;
use crate::files::{owner_of, sweep};
use crate::summary::SUMMARY;
use pstar_record::{ArmRecord, ArmStatus};
use rayon::prelude::*;
use std::fs;
use std::path::Path;

/// Removes claims and checkpoints beside results that are whole, and temporary files and signs of the dead. A process that
/// lives may still hold a claim on such an arm: it finds the result, or that its claim no longer counts. What cannot be
/// removed stays: it is in nobody's way.
pub(crate) fn tidy(directory: &Path, store: &Path, arms: &[ArmRecord], me: &Owner) {
    let workers = store.join(WORKERS);
    let living = living(&workers, me);
    // Whoever works has left a sign.
    let is_dead = |id: &str| id != me.id && living.iter().all(|owner| owner.id != id);
    let folder = store.join("arms");
    let complete = arms.par_iter().filter(|arm| arm.status == ArmStatus::Complete);
    complete.for_each(|arm| of_arm(&folder.join(&arm.id), &is_dead));
    let mut is_dead = is_dead;
    for folder in [directory, store, &folder, &workers] {
        sweep(folder, &mut is_dead);
    }
    sweep_below(&directory.join("inputs"), &mut is_dead);
    for entry in fs::read_dir(&workers).into_iter().flatten().flatten() {
        if entry.file_name().to_str().and_then(sign_of).is_some_and(&mut is_dead) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let _ = fs::remove_dir(&workers);
    Blocks::forget(directory);
    let _ = fs::remove_dir_all(directory.join(PARTIAL));
    if living.iter().all(|owner| owner.id == me.id) {
        let _ = fs::remove_dir_all(directory.join(SUMMARY));
    }
}

fn of_arm(folder: &Path, is_dead: &dyn Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name == "checkpoint" || is_claim(name) || owner_of(name).is_some_and(is_dead) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn sweep_below(folder: &Path, is_dead: &mut dyn FnMut(&str) -> bool) {
    sweep(folder, is_dead);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_below(&entry.path(), is_dead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::Failure;

    fn arm(id: &str, status: ArmStatus) -> ArmRecord {
        let failure = Failure { step: 0, message: String::new() };
        ArmRecord { status, ..ArmRecord::of_failure(id.into(), failure) }
    }

    #[test]
    fn only_what_the_living_and_the_unfinished_need_stays() {
        let folder = tempfile::tempdir().unwrap();
        let me = Owner::of_this_process();
        // Of another machine, whose silence is not long enough yet.
        let mut other = serde_json::to_value(Owner::of_this_process()).unwrap();
        other["machine"] = "elsewhere".into();
        let other: Owner = serde_json::from_value(other).unwrap();
        let mut dead = serde_json::to_value(Owner::of_this_process()).unwrap();
        dead["began"] = 1.into();
        let sign = |id: &str, owner: &serde_json::Value| {
            let mut sign = owner.clone();
            sign["count"] = 1.into();
            write(&folder.path().join(format!("workers/{id}.json")), &sign.to_string());
        };
        sign("dead", &dead);
        sign(&other.id, &serde_json::to_value(&other).unwrap());
        let living = format!(".{}.abc.tmp", other.id);
        let names = ["result.json", "checkpoint", "claim.1", "claim.12", ".dead.abc.tmp", &living];
        for place in ["", "arms", "arms/whole", "arms/open", "inputs/_", "workers"] {
            for name in names {
                write(&folder.path().join(place).join(name), "");
            }
        }
        write(&folder.path().join("summary/claim.1"), "");
        let arms = [arm("whole", ArmStatus::Complete), arm("open", ArmStatus::Failed)];
        tidy(folder.path(), folder.path(), &arms, &me);
        let left = |place: &str| {
            let entries = fs::read_dir(folder.path().join(place)).unwrap().flatten();
            let mut names: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
            names.retain(|name| !name.ends_with(&living));
            names.sort();
            names
        };
        assert_eq!(left("arms/whole"), ["result.json"]);
        assert_eq!(left("arms/open"), [".dead.abc.tmp", "checkpoint", "claim.1", "claim.12", "result.json"]);
        assert_eq!(left("inputs/_"), ["checkpoint", "claim.1", "claim.12", "result.json"]);
        assert_eq!(left("workers").len(), 4, "the living one's sign, and what is nobody's");
        assert_eq!(left("summary"), ["claim.1"]);
        // Once nobody else lives.
        sign(&other.id, &dead);
        tidy(folder.path(), folder.path(), &arms, &me);
        assert!(!folder.path().join("summary").exists());
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
