//! Claims on arms.

use super::Owner;
use super::heartbeat::Signs;
use crate::files::{Unwritable, Writer, sweep};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many owners an arm may end, one after the other and without getting on, before it is left alone.
pub(crate) const MOST_DEATHS: u32 = 3;

/// What stands in a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ClaimFile {
    owner: Owner,
    /// Owners that died over the arm, one after the other, before this one, since it last got on.
    deaths: u32,
    /// What told how far the arm was when this owner claimed it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    mark: String,
    /// Whether the owner gave the arm back.
    released: bool,
}

impl ClaimFile {
    /// The deaths that still count once the arm is so far.
    fn deaths_at(&self, mark: &str) -> u32 {
        if self.mark == mark { self.deaths } else { 0 }
    }
}

/// A claim that this process has.
#[derive(Debug)]
pub(crate) struct Claim {
    folder: PathBuf,
    generation: u32,
    file: ClaimFile,
    /// The owner before, if it died over the arm.
    pub(crate) died: Option<Owner>,
}

/// What became of claiming an arm.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is this process's.
    Mine(Box<Claim>),
    /// Another one works on it.
    Busy,
    /// It has ended so many owners that it is left alone.
    Poison(u32),
}

/// Claims arms for this process.
#[derive(Debug)]
pub(crate) struct Claims {
    owner: Owner,
    writer: Writer,
    signs: Mutex<Signs>,
    /// Whether deaths count from now on: whoever starts anew tries anew.
    anew: bool,
}

impl Claims {
    /// Of this process. `workers` is the folder of the signs of life; with `anew` deaths before this process are no
    /// reason to leave an arm alone.
    pub(crate) fn new(owner: Owner, workers: &Path, anew: bool) -> Self {
        let writer = Writer::new(&owner.id);
        let signs = Mutex::new(Signs::new(workers.to_path_buf(), owner.clone()));
        Self { owner, writer, signs, anew }
    }

    /// Claims the arm of a folder, which exists; `mark`, asked for once nobody has it, changes whenever it gets on. The deaths
    /// of owners who brought it further are not held against it.
    pub(crate) fn take(&self, folder: &Path, mark: &dyn Fn() -> String) -> Result<Taken, Unwritable> {
        loop {
            let last = last_generation(folder).map_err(Unwritable::at(folder))?;
            // Damaged, by a disk or a hand, it is none: whoever it was, nothing is known of it.
            let before = last.and_then(|generation| read(&path_of(folder, generation)));
            let held = |before: &ClaimFile| {
                !before.released && (before.owner.is_sibling(&self.owner) || !self.is_dead(&before.owner))
            };
            if before.as_ref().is_some_and(held) {
                return Ok(Taken::Busy);
            }
            let owner = self.owner.clone();
            let mut file = ClaimFile { owner, deaths: 0, mark: mark(), released: false };
            let mut died = None;
            match before {
                Some(before) if before.released => file.deaths = before.deaths_at(&file.mark),
                Some(before) => {
                    // Whoever brought it further did not die of it.
                    file.deaths = if before.mark == file.mark { before.deaths + 1 } else { 0 };
                    died = Some(before.owner);
                }
                None => {}
            }
            if self.anew {
                file.deaths = 0;
            }
            if file.deaths >= MOST_DEATHS {
                return Ok(Taken::Poison(file.deaths));
            }
            let generation = last.unwrap_or(0) + 1;
            if self.writer.create(&path_of(folder, generation), &json(&file))? {
                if let Some(owner) = &died {
                    sweep(folder, &mut |process| process == owner.id);
                }
                let claim = Claim { folder: folder.to_path_buf(), generation, file, died };
                return Ok(Taken::Mine(Box::new(claim)));
            }
        }
    }

    /// Whether a claim still counts: a process that was held for dead finds that another has its arm, or has ended it and
    /// cleared the claims away.
    pub(crate) fn holds(claim: &Claim) -> bool {
        let own = read(&path_of(&claim.folder, claim.generation));
        own.is_some_and(|own| own.owner.id == claim.file.owner.id)
            && !path_of(&claim.folder, claim.generation + 1).exists()
    }

    /// Gives an arm back, for others to go on with.
    pub(crate) fn release(&self, claim: Claim) -> Result<(), Unwritable> {
        let file = ClaimFile { released: true, ..claim.file };
        self.writer.write_lightly(&path_of(&claim.folder, claim.generation), &json(&file))
    }

    /// Clears the claims on an arm that has a result: whoever claims it from now on finds the result.
    pub(crate) fn clear(claim: &Claim) {
        for generation in (1..=claim.generation).rev() {
            let _ = fs::remove_file(path_of(&claim.folder, generation));
        }
    }

    /// Forgets who had an arm that has a result.
    pub(crate) fn forget(folder: &Path) {
        if let Ok(Some(last)) = last_generation(folder) {
            for generation in (1..=last).rev() {
                let _ = fs::remove_file(path_of(folder, generation));
            }
        }
    }

    /// Removes the signs and temporary files of the dead.
    pub(crate) fn sweep(&self, folders: &[&Path]) {
        let mut signs = self.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let dead: Vec<String> =
            signs.names().into_iter().filter(|id| signs.is_dead_by_name(id, now)).collect();
        for folder in folders {
            sweep(folder, &mut |process| dead.iter().any(|id| id == process));
        }
        for id in &dead {
            signs.forget(id);
        }
    }

    fn is_dead(&self, owner: &Owner) -> bool {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner).is_dead(owner, Instant::now())
    }
}

/// Who has the arm of a folder, if anybody has; an error where it was never begun.
pub(crate) fn claimed(folder: &Path) -> std::io::Result<Option<Owner>> {
    let last = last_generation(folder)?;
    let file = last.and_then(|generation| read(&path_of(folder, generation)));
    Ok(file.filter(|file| !file.released).map(|file| file.owner))
}

fn json(file: &ClaimFile) -> Vec<u8> {
    serde_json::to_vec(file).unwrap_or_else(|error| unreachable!("claims serialise: {error}"))
}

fn path_of(folder: &Path, generation: u32) -> PathBuf {
    folder.join(format!("claim.{generation}"))
}

fn read(path: &Path) -> Option<ClaimFile> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether a file of this name is a claim.
pub(crate) fn is_claim(name: &str) -> bool {
    generation_of(name).is_some()
}

fn generation_of(name: &str) -> Option<u32> {
    name.strip_prefix("claim.")?.parse().ok()
}

/// The number of the claim that counts, if the arm was ever claimed.
fn last_generation(folder: &Path) -> std::io::Result<Option<u32>> {
    let number = |entry: fs::DirEntry| generation_of(entry.file_name().to_str()?);
    Ok(fs::read_dir(folder)?.flatten().filter_map(number).max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Heartbeat;
    use std::process::Command;
    use tempfile::TempDir;

    /// A process of this machine, as a claim knows it.
    fn owner(process: u32) -> Owner {
        let text = serde_json::to_value(Owner::of_this_process()).unwrap();
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let began = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap().to_string();
        let mut other = text;
        other["process"] = process.into();
        other["began"] = began.parse::<u64>().unwrap().into();
        serde_json::from_value(other).unwrap()
    }

    fn claims(owner: Owner, folder: &TempDir, anew: bool) -> Claims {
        Claims::new(owner, &folder.path().join("workers"), anew)
    }

    /// A process of another machine.
    fn elsewhere(machine: usize) -> Owner {
        let mut text = serde_json::to_value(Owner::of_this_process()).unwrap();
        text["machine"] = format!("machine {machine}").into();
        serde_json::from_value(text).unwrap()
    }

    /// Its sign of life.
    fn sign(claims: &Claims, folder: &TempDir) -> Heartbeat {
        Heartbeat::begin(&folder.path().join("workers"), &claims.owner, &claims.writer).unwrap()
    }

    fn mine(taken: Taken) -> Claim {
        match taken {
            Taken::Mine(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_of_many_has_the_arm() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<Claims> = (0..16).map(|i| claims(elsewhere(i), &folder, false)).collect();
        let _signs: Vec<Heartbeat> = all.iter().map(|claims| sign(claims, &folder)).collect();
        let taken: Vec<bool> = std::thread::scope(|scope| {
            let tries: Vec<_> = all
                .iter()
                .map(|claims| {
                    scope
                        .spawn(|| matches!(claims.take(folder.path(), &String::new).unwrap(), Taken::Mine(_)))
                })
                .collect();
            tries.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().filter(|mine| **mine).count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_arm_of_a_dead_owner_goes_to_the_next_until_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let me = claims(Owner::of_this_process(), &folder, false);
        for deaths in 0..MOST_DEATHS {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            let other = claims(owner(child.id()), &folder, false);
            let sign = sign(&other, &folder);
            let claim = mine(other.take(folder.path(), &String::new).unwrap());
            assert_eq!(claim.file.deaths, deaths);
            fs::write(folder.path().join(format!(".{}.abc.tmp", other.owner.id)), "half").unwrap();
            assert!(matches!(me.take(folder.path(), &String::new).unwrap(), Taken::Busy));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(Claims::holds(&claim));
            drop(sign);
        }
        assert!(matches!(me.take(folder.path(), &String::new).unwrap(), Taken::Poison(3)));
        // Whoever starts anew tries anew.
        let anew = claims(Owner::of_this_process(), &folder, true);
        let claim = mine(anew.take(folder.path(), &String::new).unwrap());
        assert_eq!((claim.file.deaths, claim.generation, claim.died.is_some()), (0, 4, true));
        Claims::clear(&claim);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["workers"]);
    }

    #[test]
    fn deaths_of_owners_who_got_on_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let me = claims(Owner::of_this_process(), &folder, false);
        // How far the arm is when each takes it, and the deaths before that count; then it dies.
        for (mark, deaths) in [("", 0), ("", 1), ("a", 0), ("b", 0), ("b", 1), ("b", 2)] {
            let other = claims(Owner::of_this_process(), &folder, false);
            let claim = mine(other.take(folder.path(), &|| mark.into()).unwrap());
            assert_eq!(claim.file.deaths, deaths, "from {mark:?}");
        }
        assert!(matches!(me.take(folder.path(), &|| "b".into()).unwrap(), Taken::Poison(3)));
        // It was brought further by one that was held for dead.
        let claim = mine(me.take(folder.path(), &|| "c".into()).unwrap());
        assert_eq!(claim.file.deaths, 0);
    }

    #[test]
    fn what_is_given_back_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (claims(elsewhere(1), &folder, false), claims(elsewhere(2), &folder, false));
        let _sign = sign(&first, &folder);
        let claim = mine(first.take(folder.path(), &String::new).unwrap());
        assert!(matches!(second.take(folder.path(), &String::new).unwrap(), Taken::Busy));
        first.release(claim).unwrap();
        let claim = mine(second.take(folder.path(), &String::new).unwrap());
        assert_eq!((claim.generation, claim.died.is_none()), (2, true));
    }

    #[test]
    fn a_claim_that_another_has_taken_over_no_longer_holds() {
        let folder = tempfile::tempdir().unwrap();
        let first = claims(Owner::of_this_process(), &folder, false);
        let claim = mine(first.take(folder.path(), &String::new).unwrap());
        assert!(Claims::holds(&claim));
        fs::write(path_of(folder.path(), 2), "damaged").unwrap();
        assert!(!Claims::holds(&claim));
        // A damaged claim is nobody's.
        let last = mine(first.take(folder.path(), &String::new).unwrap());
        assert_eq!(last.generation, 3);
        // The arm has ended, and is claimed once more because its result was damaged.
        Claims::clear(&last);
        assert!(!Claims::holds(&claim) && !Claims::holds(&last));
        let second = claims(Owner::of_this_process(), &folder, false);
        let anew = mine(second.take(folder.path(), &String::new).unwrap());
        assert_eq!(anew.generation, claim.generation);
        assert!(Claims::holds(&anew) && !Claims::holds(&claim));
    }
}
