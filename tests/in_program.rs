//! Components that come from no file of their own: this program's, beside those of plugin files.

use crate::support::{experiments, libraries, run_prepared};
use pstar_core::{PluginError, Verifier};
use pstar_lab::experiment::{ExperimentFile, check};
use pstar_lab::run::prepare;
use pstar_loader::{Plugin, Registry};
use pstar_record::RunRecord;
use serde::Deserialize;
use std::path::Path;

/// Strings with an even number of a's.
struct EvenAs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Verifier for EvenAs {
    const NAME: &'static str = "even-as";
    const DOC: &'static str = "an even number of a's";
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        response.matches('a').count().is_multiple_of(2)
    }
}

/// A verifier whose name a plugin file has taken.
struct Taken;

impl Verifier for Taken {
    const NAME: &'static str = "regex";
    const DOC: &'static str = "nothing is valid";
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, _response: &str) -> bool {
        false
    }
}

fn plugin<V: Verifier>() -> Plugin {
    let mut components = pstar_core::export::Components::default();
    components.verifiers::<V>();
    Plugin::of(components.into_root("1.2.3"))
}

fn run(registry: &Registry, verifier: &str) -> RunRecord {
    let text = format!(
        r#"(
        name: "even",
        task: (
            alphabet: Chars("ab"), horizon: 5, ending: FixedLength,
            base: (plugin: "ngram", config: (order: 2, table: {{"^": [0.3, 0.7], "a": [0.75, 0.25], "b": [0.25, 0.75]}})),
            verifier: {verifier},
        ),
        policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
        objectives: {{"reinforce": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl")}},
        training: (gradient: Sampled(prompts: 1, group: 8), steps: 20, optimizer: Adam(learning_rate: 0.05)),
        evaluation: (every: 10, k: [1, 4]),
        seeds: [1, 2],
    )"#
    );
    let path = experiments().join("even.ron");
    let file = ExperimentFile::parse(&path, &text).unwrap_or_else(|error| panic!("{error:?}"));
    let experiment = check(file, &path, &text, registry).unwrap_or_else(|error| panic!("{error:?}"));
    run_prepared(&prepare(&experiment, registry).unwrap_or_else(|error| panic!("{error:?}")))
}

#[test]
fn a_verifier_of_this_program_does_what_one_of_a_file_does() {
    let mut registry = Registry::load(&libraries()).unwrap();
    registry.add(plugin::<EvenAs>(), Path::new("this program"), "0".repeat(64)).unwrap();
    let listed = registry.plugin_of("verifier", "even-as").unwrap();
    assert_eq!((listed.version.as_str(), listed.path.as_path()), ("1.2.3", Path::new("this program")));
    let [ours, theirs] = [r#"(plugin: "even-as")"#, r#"(plugin: "regex", config: (pattern: "(b|ab*a)*"))"#]
        .map(|verifier| run(&registry, verifier));
    assert_eq!(ours.arms.len(), 4);
    // Optima are looked for on the verifier's states where it has some, and so in another order of sums.
    assert_eq!(ours.arms, theirs.arms);
    assert_eq!((ours.references, ours.comparisons), (theirs.references, theirs.comparisons));
}

#[test]
fn a_name_is_offered_once_wherever_it_comes_from() {
    let mut registry = Registry::load(&libraries()).unwrap();
    let failures = registry.add(plugin::<Taken>(), Path::new("this program"), String::new()).unwrap_err();
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert!(failure.message.contains("the verifier `regex`"), "{failure}");
}
