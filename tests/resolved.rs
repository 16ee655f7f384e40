//! The experiment as it was run says all that the experiment file said.

use crate::support::{folder, registry};
use pstar_core::Task;
use pstar_lab::experiment::{Experiment, ExperimentFile, TaskFile, check, override_fields};
use pstar_lab::plan::{ObjectiveSpec, Plan, PolicySpec};
use pstar_lab::run::resolved;
use pstar_lab::world::World;
use pstar_run::RunDirectory;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Every field that an experiment file may have, each other than its default.
const EVERY_FIELD: &str = r#"(
    name: "every-field",
    directory: "data",
    task: (
        alphabet: Chars("1+"),
        prompt_alphabet: Chars("2="),
        horizon: 3,
        ending: EndSymbol,
        truncated_is_invalid: true,
        no_verdict_limit: 0.25,
        prompts: File("prompts.txt"),
        weights: [0.1, 2],
        base: (plugin: "ngram", config: (order: 2, // as
            corpus: r"corpus.txt", add_k: 1e-1)),
        verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
    ),
    policies: {
        "λ \"2\"": (plugin: "ngram", config: (order : 2), start: Random),
        "b": (plugin: "ngram", config: (order: 1), start: FitBase),
    },
    objectives: {"kl": (plugin: "kl-control", config: (lambda: 2.50), learning_rate: 0.3), "a": (plugin: "alpha", config: (alpha: 0.5), learning_rate: 1.0), "b": (plugin: "reinforce", config: (), learning_rate: 2.0)},
    training: (
        gradient: Sampled(
            prompts: 2, group: 4, epochs: 3, minibatches: 2, source: Buffer(age: 2), redraw: (limit: 5),
        ),
        steps: 7,
        optimizer: Adam(learning_rate: 0.1, beta1: 0.8, beta2: 0.95, epsilon: 1e-300),
        learning_rates: [1e-1, 0.20],
        select_on: (seeds: 2, metric: "pass@2", best: Lowest),
        prompts: ["1="],
        clip_norm: 0.30000000000000004,
        match: Kappa,
    ),
    evaluation: (
        every: 3,
        k: [2, 0x10],
        betas: [0.10],
        powers: [2.50],
        alphas: [-5e-1],
        power_sums: [1.50],
        enumerate_up_to: 1000,
        samples: 64,
        optima: false,
    ),
    exact: (max_states: 1000),
    seeds: [18446744073709551615, 3],
    plugins: {"arithmetic-sum": "sha256:of the plugin"},
)"#;

/// Values of the same fields that exclude those above.
const OTHERS: [&str; 3] = [
    "training.gradient=Population",
    "training.optimizer=Sgd(learning_rate: 0.25)",
    "task.alphabet=Symbols([\"1\", \"+\"])",
];

#[test]
fn a_resolved_experiment_is_the_same_experiment() {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/prompts.txt"), "2=\n1=\n").unwrap();
    fs::write(folder.path().join("data/corpus.txt"), "1+1\n1\n").unwrap();
    let one_by_one = OTHERS.iter().map(|change| vec![change.to_string()]);
    for (index, changes) in [vec![]].into_iter().chain(one_by_one).enumerate() {
        let pin = &registry().plugin_of("verifier", "arithmetic-sum").unwrap().sha256;
        let text = override_fields(&EVERY_FIELD.replace("of the plugin", pin), &changes).unwrap();
        let first = checked(&folder.path().join("first.ron"), &text);
        let run = RunDirectory::at(&folder.path().join(format!("runs/{index}")));
        fs::create_dir_all(run.path()).unwrap();
        run.copy_inputs(&first.inputs, &first.world.task.directory).unwrap();
        let again = resolved(&first, run.path());
        assert_the_same(&first, &checked(&run.path().join("experiment.ron"), &again));
    }
}

fn checked(path: &Path, text: &str) -> Experiment {
    let file = ExperimentFile::parse(path, text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    check(file, path, text, registry()).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// All of an experiment but places and handles of components, which the file determines.
fn assert_the_same(first: &Experiment, second: &Experiment) {
    let Experiment { file, path: _, text: _, inputs, world, plan } = first;
    let as_run = ExperimentFile {
        directory: second.file.directory.clone(),
        task: TaskFile { prompts: second.file.task.prompts.clone(), ..file.task.clone() },
        ..file.clone()
    };
    assert_eq!(as_run, second.file);
    assert_eq!(inputs.of_components, second.inputs.of_components);
    assert_the_same_world(world, &second.world);
    assert_the_same_plan(plan, &second.plan);
}

fn assert_the_same_world(first: &World, second: &World) {
    let World {
        task: Task { alphabet, horizon, ending, prompts: tokens, directory: _, .. },
        truncated_is_invalid,
        no_verdict_limit,
        prompt_texts,
        prompts,
        weights,
        trained,
        base_plugin,
        base: _,
        verifier_plugin,
        verifier: _,
        evaluation,
    } = first;
    assert_eq!(alphabet, &second.task.alphabet);
    assert_eq!((horizon, ending, tokens), (&second.task.horizon, &second.task.ending, &second.task.prompts));
    assert_eq!((prompt_texts, prompts, weights), (&second.prompt_texts, &second.prompts, &second.weights));
    assert_eq!(trained, &second.trained);
    assert_eq!((base_plugin, verifier_plugin), (&second.base_plugin, &second.verifier_plugin));
    assert_eq!((truncated_is_invalid, evaluation), (&second.truncated_is_invalid, &second.evaluation));
    assert_eq!(no_verdict_limit, &second.no_verdict_limit);
}

fn assert_the_same_plan(first: &Plan, second: &Plan) {
    let Plan { policies, objectives, training, learning_rates, select_on, seeds } = first;
    let policy = |spec: &PolicySpec| PolicySpec { place: NOWHERE, start_place: NOWHERE, ..spec.clone() };
    let without_places = |specs: &[PolicySpec]| specs.iter().map(policy).collect::<Vec<_>>();
    assert_eq!(without_places(policies), without_places(&second.policies));
    let objective = |spec: &ObjectiveSpec| ObjectiveSpec { place: NOWHERE, ..spec.clone() };
    let without_places = |specs: &[ObjectiveSpec]| specs.iter().map(objective).collect::<Vec<_>>();
    assert_eq!(without_places(objectives), without_places(&second.objectives));
    assert_eq!((training, learning_rates), (&second.training, &second.learning_rates));
    assert_eq!((select_on, seeds), (&second.select_on, &second.seeds));
}

const NOWHERE: Range<usize> = 0..0;

/// A field that is new in the file has to stand above, with a value that is not its default.
#[test]
fn the_experiment_of_every_field_has_every_field() {
    let read = |text: &str| ExperimentFile::parse(Path::new("every.ron"), text);
    let file = read(EVERY_FIELD).unwrap();
    let mut structs = 0;
    for (opening, _) in EVERY_FIELD.match_indices('(') {
        let with =
            |field: &str| format!("{}{field}{}", &EVERY_FIELD[..=opening], &EVERY_FIELD[opening + 1..]);
        // A struct that does not know a field says which it knows; configurations and lists say nothing of the kind.
        let Err(error) = read(&with("no_such_field: 0, ")) else { continue };
        let Some((_, known)) = error.problems[0].hint.as_ref().and_then(|hint| hint.split_once("one of "))
        else {
            continue;
        };
        structs += 1;
        let fields = fields(&EVERY_FIELD[opening + 1..]);
        let names: Vec<&str> = fields.iter().map(|field| field.split_once(':').unwrap().0.trim()).collect();
        for known in known.split(", ").map(|name| name.trim_matches('`')) {
            let at = names.iter().position(|&name| name == known);
            let field = fields[at.unwrap_or_else(|| panic!("`{known}` is missing beside {names:?}"))];
            let start = field.as_ptr() as usize - EVERY_FIELD.as_ptr() as usize;
            let behind = EVERY_FIELD[start + field.len()..].strip_prefix(',');
            let without =
                format!("{}{}", &EVERY_FIELD[..start], behind.unwrap_or(&EVERY_FIELD[start + field.len()..]));
            // It is left out: either it must be there, or something else is read.
            assert!(
                read(&without).map_or(true, |file_without| file_without != file),
                "`{known}` has its default"
            );
        }
    }
    // The file, its task, training, gradient with its buffer and limit, optimizer, selection, evaluation, bounds; two policies,
    // five components.
    assert_eq!(structs, 10 + 2 + 5);
}

/// The fields of a struct whose opening bracket is before `text`.
fn fields(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let mut fields = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            '"' if !text[..at].ends_with('\\') => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                fields.push(&text[start..at]);
                start = at + 1;
                if character == ')' {
                    break;
                }
            }
            _ => {}
        }
    }
    fields.retain(|field| !field.trim().is_empty());
    fields
}
