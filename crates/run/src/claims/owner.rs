//! A process that works on arms, told apart from every other one.

use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::{env, fs, process};

/// Overrides the name of the machine: for machines that share one, and for tests that play several.
const MACHINE_VARIABLE: &str = "PSTAR_MACHINE";

/// Seconds between two beats of a process's heart.
const BEAT: f64 = 10.0;

/// Names the process that watches this one.
pub(crate) const SUPERVISOR_VARIABLE: &str = "PSTAR_SUPERVISOR";

/// Overrides the seconds between beats.
const BEAT_VARIABLE: &str = "PSTAR_HEARTBEAT";

/// A process that works on arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owner {
    /// Its name among all that ever were.
    pub id: String,
    /// The machine's name.
    pub machine: String,
    /// What changes with every start of the machine; empty where that is not known.
    #[serde(default)]
    boot: String,
    /// Within which processes have their numbers; empty where that is not known.
    #[serde(default)]
    namespace: String,
    /// The process's number there.
    pub process: u32,
    /// When it began, in ticks since the machine's start, so that a number that is used again is another process.
    #[serde(default)]
    began: u64,
    /// Seconds between two beats of its heart.
    pub beat: f64,
    /// The process that watches it, by its name; empty where none does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    supervisor: String,
}

impl Owner {
    /// This process.
    pub fn of_this_process() -> Self {
        let process = process::id();
        let read =
            |path: &str| fs::read_to_string(path).map(|text| text.trim().to_string()).unwrap_or_default();
        let machine = env::var(MACHINE_VARIABLE).unwrap_or_else(|_| read("/proc/sys/kernel/hostname"));
        let namespace = fs::read_link("/proc/self/ns/pid");
        let beat = env::var(BEAT_VARIABLE).ok().and_then(|text| text.parse().ok());
        Self {
            // The state of a hasher is random, which no result is made of.
            id: format!("{:016x}", RandomState::new().build_hasher().finish()),
            machine,
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: namespace.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            process,
            began: began(process).unwrap_or(0),
            beat: beat.filter(|beat: &f64| beat.is_finite() && *beat > 0.0).unwrap_or(BEAT),
            supervisor: env::var(SUPERVISOR_VARIABLE).unwrap_or_default(),
        }
    }

    /// A number that few share.
    pub(crate) fn number(&self) -> u64 {
        let digits = self.id.get(..16).unwrap_or(&self.id);
        u64::from_str_radix(digits, 16).unwrap_or(self.process.into())
    }

    /// Whether one process watches both: that one sees to it that what either leaves is not lost.
    pub(super) fn is_sibling(&self, other: &Self) -> bool {
        !self.supervisor.is_empty() && self.supervisor == other.supervisor
    }

    /// Whether it lives, where this process can tell at once: on the same machine, in the same start of it.
    pub(super) fn lives(&self, observer: &Self) -> Option<bool> {
        let known = !self.boot.is_empty() && !self.namespace.is_empty() && self.began > 0;
        let same = (&self.machine, &self.boot, &self.namespace)
            == (&observer.machine, &observer.boot, &observer.namespace);
        // A process that began again as another program under the same number is not what it was.
        let gone = self.process == observer.process && self.id != observer.id;
        (known && same).then(|| !gone && began(self.process) == Some(self.began))
    }
}

/// When a process began; nothing where there is none, or one that has ended and was not yet missed.
fn began(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_dead_are_told_at_once_on_one_machine() {
        let me = Owner::of_this_process();
        assert_eq!(me.lives(&me), Some(true));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let other = Owner { process: child.id(), began: began(child.id()).unwrap(), ..me.clone() };
        assert_eq!(other.lives(&me), Some(true));
        // A number that is used again is another process.
        assert_eq!(Owner { began: other.began + 1, ..other.clone() }.lives(&me), Some(false));
        child.kill().unwrap();
        // Killed, and not yet waited for.
        while other.lives(&me) == Some(true) {
            std::thread::yield_now();
        }
        assert_eq!(other.lives(&me), Some(false));
        child.wait().unwrap();
        assert_eq!(other.lives(&me), Some(false));
        let elsewhere = Owner { machine: "elsewhere".into(), ..other };
        assert_eq!(elsewhere.lives(&me), None);
    }

    #[test]
    fn no_two_processes_have_one_name() {
        let names: std::collections::HashSet<String> =
            (0..100).map(|_| Owner::of_this_process().id).collect();
        assert_eq!(names.len(), 100);
    }
}
