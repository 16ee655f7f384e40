//! What the benches share: this workspace's plugins, and tasks to run them on.
#![allow(dead_code, reason = "no bench uses all of it")]

#[path = "../tests/libraries.rs"]
mod libraries;
pub(crate) mod peak;
pub(crate) mod trained;

use criterion::Criterion;
use libraries::{libraries, library};
use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_loader::Registry;
use pstar_loader::{Plugin, PolicyHandle};
use std::path::Path;
use std::time::{Duration, Instant};

/// Short measurements: all benches together stay below two minutes. Freed memory is kept, as the host keeps it.
pub(crate) fn criterion() -> Criterion {
    pstar_lab::memory::keep_freed();
    let short = Criterion::default().warm_up_time(Duration::from_millis(300));
    short.measurement_time(Duration::from_millis(1500)).sample_size(20)
}

/// Milliseconds of processor time that this thread has used, where Linux tells them; else of time. (Linux updates it every few
/// milliseconds: too seldom for a single step.)
pub(crate) fn processor_ms(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = told.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    used.map_or_else(|| start.elapsed().as_secs_f64() * 1e3, |nanoseconds| nanoseconds / 1e6)
}

/// A plugin of this workspace, opened as the host opens it.
pub(crate) fn plugin(name: &str) -> Plugin {
    pstar_loader::open(&library(name)).unwrap()
}

/// All plugins of this workspace.
pub(crate) fn registry() -> Registry {
    Registry::load(&libraries()).unwrap()
}

/// The experiment of a text.
pub(crate) fn experiment(text: &str, registry: &Registry) -> Experiment {
    let path = Path::new("bench.ron");
    check(ExperimentFile::parse(path, text).unwrap(), path, text, registry).unwrap()
}

/// A task over the first letters of the alphabet, with the empty prompt.
pub(crate) fn task(symbols: usize, horizon: usize, ending: Ending) -> Task {
    Task::new(Alphabet::of_chars(&"abcdefghijklmnopqrstuvwxyz"[..symbols], "").unwrap(), horizon, ending)
        .with_prompts(vec![Vec::new()])
        .in_directory("")
}

/// An n-gram policy of the plugin, with random parameters.
pub(crate) fn ngram(order: usize, task: &Task, seed: u64) -> PolicyHandle {
    let mut policy = plugin("ngram").policies[0].create(&format!("(order: {order})"), task).unwrap();
    policy.randomise(StreamKey::new(seed, Purpose::Initialise, 0)).unwrap();
    policy
}

/// V = T = 16; valid is an even number of `p`.
pub(crate) const EXPERIMENT: &str = r#"(
    name: "bench",
    task: (
        alphabet: Chars("abcdefghijklmnop"),
        horizon: 16,
        ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [
            0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625,
            0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625,
        ]})),
        verifier: (plugin: "regex", config: (pattern: "([a-o]*p[a-o]*p)*[a-o]*")),
    ),
    policies: { "trigram": (plugin: "ngram", config: (order: 3), start: Random) },
    objectives: { "kl-control": (plugin: "kl-control", config: (lambda: 1.0)) },
    training: (gradient: Sampled(prompts: 1, group: 256), steps: 1, optimizer: Adam(learning_rate: 0.01)),
    seeds: [1],
)"#;
