//! What the benches share: this workspace's plugins, and tasks to run them on.
#![allow(dead_code, reason = "no bench uses all of it")]

use criterion::Criterion;
use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};
use pstar_core::host::{self, Plugin, PolicyHandle};
use pstar_core::rng::{Purpose, StreamKey};
use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// Short measurements: all benches together stay below two minutes.
pub(crate) fn criterion() -> Criterion {
    let short = Criterion::default().warm_up_time(Duration::from_millis(300));
    short.measurement_time(Duration::from_millis(1500)).sample_size(20)
}

/// The library file of a plugin of this workspace, as built for the benches.
pub(crate) fn library(plugin: &str) -> PathBuf {
    let file = format!("{}pstar_plugin_{plugin}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    env::current_exe().unwrap().with_file_name(file)
}

/// A plugin of this workspace, opened as the host opens it.
pub(crate) fn plugin(name: &str) -> Plugin {
    host::open(&library(name)).unwrap()
}

/// A task over the first letters of the alphabet, with the empty prompt.
pub(crate) fn task(symbols: usize, horizon: usize, ending: Ending) -> Task {
    Task {
        alphabet: Alphabet::of_chars(&"abcdefghijklmnopqrstuvwxyz"[..symbols], "").unwrap(),
        horizon,
        ending,
        prompts: vec![Vec::new()],
        directory: PathBuf::new(),
    }
}

/// An n-gram policy of the plugin with random parameters.
pub(crate) fn ngram(order: usize, task: &Task) -> PolicyHandle {
    let mut policy = plugin("ngram").policies[0].create(&format!("(order: {order})"), task).unwrap();
    policy.randomise(StreamKey::new(1, Purpose::Initialise, 0)).unwrap();
    policy
}
