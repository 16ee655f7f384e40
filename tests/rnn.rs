//! Recurrent networks as base models and policies: copies, threads, the cache of fits, and what goes wrong.

use crate::support::{folder, installation, registry, shown, test_library};
use pstar_lab::experiment::{ExperimentFile, check};
use pstar_lab::run::{NoProgress, execute, prepare};
use pstar_record::RunRecord;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Two policies that start as the base. The corpus has too few strings to hold one out, of which every fit warns.
const SOUND: &str = r#"(
    name: "recurrent",
    task: (
        alphabet: Chars("ab"), prompt_alphabet: Chars("="), horizon: 4, ending: EndSymbol,
        prompts: List(["=", "b="]),
        base: (plugin: "rnn", config: (hidden: 4, embedding: 3, corpus: "corpus.txt", epochs: 20, seed: 1)),
        verifier: (plugin: "regex", config: (pattern: "(ab)*")),
    ),
    policies: {
        "gru": (plugin: "rnn", config: (hidden: 4, embedding: 3), start: CopyBase),
        "forgetful": (plugin: "rnn", config: (hidden: 4, embedding: 3, keep_activations: false), start: CopyBase),
    },
    objectives: {
        "reinforce": (plugin: "reinforce"),
        "kl": (plugin: "kl-control", config: (beta: 0.5)),
    },
    training: (gradient: Sampled(prompts: 2, group: 8), steps: 6, optimizer: Adam(learning_rate: 0.01)),
    evaluation: (every: 1, k: [1, 4], betas: [0.5]),
    seeds: [1, 2],
)
"#;

const BASE: &str = r#"(hidden: 4, embedding: 3, corpus: "corpus.txt", epochs: 20, seed: 1)"#;

const CORPUS: &str = "ab\nabab\nba\na\n\nbb\n";

/// A folder with a corpus, files of parameters, and a plugin that the host does not have beside it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(folder());
        fs::create_dir(place.path("plugins")).unwrap();
        let file = test_library("faulty");
        let link = place.path("plugins").join(file.file_name().unwrap());
        fs::hard_link(&file, &link).or_else(|_| fs::copy(&file, &link).map(|_| ())).unwrap();
        write_inputs(&place);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The host on an experiment, with its cache in the folder `cache`.
    fn host(&self, command: &str, experiment: &str, more: &[&str]) -> Output {
        fs::write(self.path("experiment.ron"), experiment).unwrap();
        Command::new(installation().join("host"))
            .args([command, "experiment.ron", "--plugin-dir", "plugins"])
            .args(more)
            .current_dir(&self.0)
            .env("NO_COLOR", "1")
            .env("PSTAR_CACHE_DIR", self.path("cache"))
            .env_remove("PSTAR_PLUGIN_PATH")
            .output()
            .unwrap()
    }

    /// The exact values of an experiment's base and policies, and how many models were fitted for them.
    fn exact(&self, experiment: &str) -> (Value, usize) {
        let output = self.host("exact", experiment, &["--json"]);
        assert!(output.status.success(), "{}", shown(&output, self.0.path()));
        (serde_json::from_slice(&output.stdout).unwrap(), fits(&output))
    }

    /// Runs an experiment in this process.
    fn run(&self, experiment: &str) -> RunRecord {
        let registry = registry();
        let path = self.path("experiment.ron");
        let file = ExperimentFile::parse(&path, experiment).unwrap();
        let experiment = check(file, &path, experiment, registry).unwrap_or_else(|error| panic!("{error:?}"));
        let prepared = prepare(&experiment, registry).unwrap_or_else(|error| panic!("{error:?}"));
        execute(&prepared, &NoProgress)
    }

    fn cached(&self) -> Vec<PathBuf> {
        fs::read_dir(self.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// How many models were fitted.
fn fits(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stderr).matches("none is held out").count()
}

/// The experiment with another configuration of the base.
fn with_base(configuration: &str) -> String {
    assert!(SOUND.contains(BASE));
    SOUND.replace(BASE, configuration)
}

#[test]
fn a_copy_of_the_base_has_the_figures_of_the_base() {
    let place = Place::new();
    let record = place.run(&with_base(r#"(load: "sound.safetensors")"#));
    // As text of full precision: the same text is the same bits.
    let summary = serde_json::to_value(&record).unwrap();
    let base = summary["references"]["base"].as_object().unwrap();
    assert!(base.len() > 8);
    let arms = summary["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 8);
    for arm in arms {
        for (name, figure) in base {
            // Two formulas: −log A1, and Σ p* (log p* − log q).
            if name == "kl_from_filtered" {
                let [found, expected] =
                    [&arm["initial"][name], figure].map(|figure| figure.as_f64().unwrap());
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            } else {
                assert_eq!(arm["initial"][name], *figure, "{name}");
            }
        }
        for divergence in ["kl_to_base", "kl_from_base"] {
            assert_eq!(arm["initial"][divergence], json!(0.0));
            assert!(arm["final"][divergence].as_f64().unwrap() > 1e-6, "it does not stay a copy");
        }
    }
    // Whether samples are remembered for the gradient changes nothing.
    let (kept, forgotten) = record.arms.split_at(4);
    for (kept, forgotten) in kept.iter().zip(forgotten) {
        assert_eq!((&kept.objective, &kept.parameters), (&forgotten.objective, &forgotten.parameters));
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let place = Place::new();
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let record = pool.install(|| place.run(&with_base(r#"(load: "sound.safetensors")"#)));
        assert_eq!(record.failures(), 0);
        let parameters: Vec<Vec<u64>> =
            record.arms.iter().map(|arm| arm.parameters.iter().map(|x| x.to_bits()).collect()).collect();
        (serde_json::to_string(&record).unwrap(), parameters)
    };
    assert_eq!(bits(1), bits(2));
}

#[test]
fn a_model_is_fitted_once_for_all_arms_and_runs() {
    let place = Place::new();
    let output = place.host("run", SOUND, &["--json"]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["arms"].as_array().unwrap().len(), fits(&output)), (8, 1));
    assert!(summary["arms"].as_array().unwrap().iter().all(|arm| arm["initial"]["kl_to_base"] == json!(0.0)));
    let [file] = &place.cached()[..] else { panic!("one fit, one file") };
    let (first, fits) = place.exact(SOUND);
    assert_eq!(fits, 0);
    // What counts is the content of the corpus, not its name.
    assert_eq!(place.exact(&SOUND.replace("corpus.txt", "renamed.txt")), (first.clone(), 0));
    let (second, fits) = place.exact(&SOUND.replace("corpus.txt", "another.txt"));
    assert_eq!(fits, 1);
    assert_ne!(second, first);
    // The parameters are those in the file: with those of another fit there, the figures are that fit's.
    let mut files = place.cached();
    files.retain(|path| path != file);
    let whole = fs::read(file).unwrap();
    fs::copy(&files[0], file).unwrap();
    assert_eq!(place.exact(SOUND), (second, 0));
    fs::write(file, whole).unwrap();
    assert_eq!(place.exact(SOUND), (first.clone(), 0));
    // And a fit again gives the same.
    fs::remove_dir_all(place.path("cache")).unwrap();
    assert_eq!(place.exact(SOUND), (first, 1));
}

#[test]
fn a_damaged_cache_file_is_fitted_again_with_a_warning() {
    let place = Place::new();
    let (first, _) = place.exact(SOUND);
    let file = &place.cached()[0];
    let whole = fs::read(file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut all = Vec::new();
    let mut again = |damage: &str| {
        let output = place.host("exact", SOUND, &["--json"]);
        assert_eq!((output.status.code(), fits(&output)), (Some(0), 1), "{damage}");
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), first, "{damage}");
        let folder = place.0.path().display().to_string();
        all.push(format!(
            "=== {damage}\n{}",
            String::from_utf8_lossy(&output.stderr).replace(&folder, "[folder]")
        ));
    };
    for (damage, bytes) in [("cut short", &whole[..whole.len() / 2]), ("empty", &[]), ("one bit", &flipped)] {
        fs::write(file, bytes).unwrap();
        again(damage);
        assert_eq!(fs::read(file).unwrap(), whole, "written again");
    }
    // A cache that is no folder costs the cache and nothing else.
    fs::remove_dir_all(place.path("cache")).unwrap();
    fs::write(place.path("cache"), "no folder").unwrap();
    again("no folder");
    insta::with_settings!({filters => vec![("rnn-[0-9a-f]{64}", "rnn-[key]")]}, {
        insta::assert_snapshot!(all.concat());
    });
}

/// The first step under one objective is small, as a copy of the base costs nothing; the second is beyond all numbers
/// that a network can have. A test objective gives NaN.
#[test]
fn an_arm_that_diverges_stops_and_the_others_go_on() {
    let place = Place::new();
    let text = SOUND.replace("Adam(learning_rate: 0.01)", "Sgd(learning_rate: 0.1)").replace(
        "\"kl\": (plugin: \"kl-control\", config: (beta: 0.5)),",
        "\"diverges\": (plugin: \"kl-control\", config: (beta: 1e300)),
        \"is not a number\": (plugin: \"misbehaving\", config: (step: 3, how: NotANumber)),",
    );
    let output = place.host("run", &text, &["--json"]);
    assert_eq!(output.status.code(), Some(4), "{}", shown(&output, place.0.path()));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let curves = fs::read_to_string(place.path("runs/recurrent/curves.csv")).unwrap();
    let mut all = Vec::new();
    for arm in summary["arms"].as_array().unwrap() {
        let [policy, objective, status] =
            ["policy", "objective", "status"].map(|name| arm[name].as_str().unwrap());
        let point = |step: u64| {
            let start = format!("{policy},{objective},{},{step},validity_rate,", arm["seed"]);
            curves.lines().any(|line| line.starts_with(&start))
        };
        // The curve ends with the policy before the step that failed.
        let last = arm["failure"]["step"].as_u64().unwrap_or(6);
        assert!((0..=last).all(point) && !(last + 1..=6).any(point), "{policy} {objective} {last}");
        assert_eq!(arm["budget"]["optimizer_steps"], last);
        let told = arm["failure"]["message"].as_str().unwrap_or("no failure");
        all.push(format!("{policy} · {objective} · seed {}: {status} at step {last}: {told}\n", arm["seed"]));
    }
    let numbers =
        vec![(r"found -?\d\.\d{3}e\d+", "found [number]"), (r"norm of \d\.\de\d+", "norm of [number]")];
    insta::with_settings!({filters => numbers}, {
        insta::assert_snapshot!(all.concat());
    });
}

/// Name, and what replaces the configuration of the base.
const BASES: &[(&str, &str)] = &[
    ("no units", r#"(hidden: 0, corpus: "corpus.txt")"#),
    ("no layers", r#"(hidden: 8, layers: 0, corpus: "corpus.txt")"#),
    ("no embedding", r#"(hidden: 8, embedding: 0, corpus: "corpus.txt")"#),
    ("a text as a number", r#"(hidden: "eight", corpus: "corpus.txt")"#),
    ("more units than memory", r#"(hidden: 100000000, corpus: "corpus.txt")"#),
    ("unknown field", r#"(hiden: 8, corpus: "corpus.txt")"#),
    ("field twice", r#"(hidden: 8, hidden: 9, corpus: "corpus.txt")"#),
    ("no sizes", r#"(corpus: "corpus.txt")"#),
    ("nothing to fit to", "(hidden: 8)"),
    ("fitted and loaded", r#"(hidden: 8, corpus: "corpus.txt", load: "sound.safetensors")"#),
    ("settings of a fit, and loaded", r#"(load: "sound.safetensors", epochs: 3)"#),
    ("no passes", r#"(hidden: 8, corpus: "corpus.txt", epochs: 0)"#),
    ("no learning rate", r#"(hidden: 8, corpus: "corpus.txt", learning_rate: 0.0)"#),
    ("everything held out", r#"(hidden: 8, corpus: "corpus.txt", held_out: 1.0)"#),
    ("too great a learning rate", r#"(hidden: 8, corpus: "corpus.txt", learning_rate: 1e30)"#),
    ("missing corpus", r#"(hidden: 8, corpus: "nowhere.txt")"#),
    ("empty corpus", r#"(hidden: 8, corpus: "empty.txt")"#),
    ("foreign symbol in a corpus", r#"(hidden: 8, corpus: "foreign.txt")"#),
    ("malformed line of a corpus", r#"(hidden: 8, corpus: "malformed.jsonl")"#),
    ("bytes that are no text", r#"(hidden: 8, corpus: "bytes.txt")"#),
    ("missing file", r#"(load: "nowhere.safetensors")"#),
    ("file of something else", r#"(load: "corpus.txt")"#),
    ("file cut short", r#"(load: "short.safetensors")"#),
    ("missing tensor", r#"(load: "missing.safetensors")"#),
    ("extra tensor", r#"(load: "extra.safetensors")"#),
    ("half of a second layer", r#"(load: "half.safetensors")"#),
    ("transposed tensor", r#"(load: "transposed.safetensors")"#),
    ("vector as a matrix", r#"(load: "vector.safetensors")"#),
    ("tokens of another task", r#"(load: "tokens.safetensors")"#),
    ("not a number", r#"(load: "nan.safetensors")"#),
    ("too large for a network", r#"(load: "large.safetensors")"#),
    ("whole numbers", r#"(load: "whole.safetensors")"#),
    ("sizes that are not the file's", r#"(load: "sound.safetensors", hidden: 5)"#),
];

/// Name, and what replaces the policies.
const POLICIES: &[(&str, &str)] = &[
    ("policy without units", r#"(plugin: "rnn", config: (hidden: 0), start: Random)"#),
    ("policy without sizes", r#"(plugin: "rnn", config: (), start: Random)"#),
    ("policy with a corpus", r#"(plugin: "rnn", config: (hidden: 8, corpus: "corpus.txt"), start: Random)"#),
    (
        "policy from a damaged file",
        r#"(plugin: "rnn", config: (load: "nan.safetensors"), start: AsConfigured)"#,
    ),
    ("copy of another shape", r#"(plugin: "rnn", config: (hidden: 9), start: CopyBase)"#),
    ("copy of a network as an n-gram", r#"(plugin: "ngram", config: (order: 2), start: CopyBase)"#),
];

#[test]
fn bad_input_is_explained() {
    let place = Place::new();
    let policies = &SOUND[SOUND.find("\"gru\"").unwrap()..SOUND.find("    },\n    objectives").unwrap()];
    let of_base = BASES.iter().map(|(name, base)| (name, with_base(base)));
    let of_policy = POLICIES.iter().map(|(name, policy)| {
        let sound = with_base(r#"(load: "sound.safetensors")"#);
        (name, sound.replace(policies, &format!("\"gru\": {policy},\n")))
    });
    let mut all = Vec::new();
    for (name, text) in of_base.chain(of_policy) {
        let output = place.host("validate", &text, &[]);
        let shown = shown(&output, place.0.path());
        assert_eq!(output.status.code(), Some(2), "{name}: {shown}");
        all.push(format!("=== {name}\n{shown}\n"));
        if ["not a number", "empty corpus", "policy without units"].contains(name) {
            let run = place.host("run", &text, &[]);
            assert_eq!((run.status.code(), run.stderr), (Some(2), output.stderr), "{name}");
        }
    }
    assert!(!place.path("runs").exists(), "nothing is left behind");
    insta::assert_snapshot!(all.concat());
}

/// What the cases above break in one place each.
#[test]
fn sound_input_is_accepted() {
    let place = Place::new();
    for base in [
        r#"(load: "sound.safetensors")"#,
        r#"(load: "sound.safetensors", hidden: 4, layers: 1, embedding: 3)"#,
        r#"(load: "double.safetensors")"#,
        r#"(hidden: 4, embedding: 3, corpus: "one.txt", epochs: 5)"#,
        BASE,
    ] {
        let output = place.host("validate", &with_base(base), &[]);
        assert!(output.status.success(), "{base}: {}", shown(&output, place.0.path()));
    }
}

fn write_inputs(place: &Place) {
    let write = |name: &str, bytes: &[u8]| fs::write(place.path(name), bytes).unwrap();
    write("corpus.txt", CORPUS.as_bytes());
    write("renamed.txt", CORPUS.as_bytes());
    write("another.txt", format!("{CORPUS}ba\n").as_bytes());
    write("empty.txt", b"");
    write("one.txt", b"abab\n");
    write("foreign.txt", b"ab\nabc\n");
    write("malformed.jsonl", b"{\"prompt\": \"=\", \"response\": \"a\"}\n{\"response\": a}\n");
    write("bytes.txt", b"ab\n\xff\xfe\n");
    let changed = |name: &str, kind: &str, change: &dyn Fn(&mut Vec<Tensor>)| {
        let mut tensors = tensors();
        change(&mut tensors);
        write(name, &safetensors(kind, &tensors));
    };
    changed("sound.safetensors", "F32", &|_| {});
    changed("double.safetensors", "F64", &|_| {});
    changed("whole.safetensors", "I32", &|_| {});
    changed("missing.safetensors", "F32", &|tensors| drop(tensors.remove(4)));
    changed("extra.safetensors", "F32", &|tensors| {
        tensors.push(("gru.weight_ih_l0_reverse", vec![12, 3], vec![0.1; 36]));
    });
    changed("half.safetensors", "F32", &|tensors| {
        tensors.push(("gru.weight_hh_l1", vec![12, 4], vec![0.1; 48]));
    });
    changed("transposed.safetensors", "F32", &|tensors| tensors[1].1 = vec![3, 12]);
    changed("vector.safetensors", "F32", &|tensors| tensors[0].1 = vec![12]);
    changed("tokens.safetensors", "F32", &|tensors| {
        tensors[0] = ("embedding.weight", vec![5, 3], vec![0.1; 15]);
    });
    changed("nan.safetensors", "F32", &|tensors| tensors[2].2[17] = f64::NAN);
    changed("large.safetensors", "F64", &|tensors| tensors[5].2[7] = -1e300);
    let sound = fs::read(place.path("sound.safetensors")).unwrap();
    write("short.safetensors", &sound[..sound.len() - 10]);
}

/// Name, sizes and values.
type Tensor = (&'static str, Vec<usize>, Vec<f64>);

/// A network with 4 hidden units and embedding 3 over `a`, `b`, the boundary and `=`.
fn tensors() -> Vec<Tensor> {
    let sizes: [(&str, &[usize]); 7] = [
        ("embedding.weight", &[4, 3]),
        ("gru.weight_ih_l0", &[12, 3]),
        ("gru.weight_hh_l0", &[12, 4]),
        ("gru.bias_ih_l0", &[12]),
        ("gru.bias_hh_l0", &[12]),
        ("output.weight", &[3, 4]),
        ("output.bias", &[3]),
    ];
    let values = |count: usize| (0..count).map(|i| (i as f64 * 1.3).sin()).collect();
    sizes.map(|(name, sizes)| (name, sizes.to_vec(), values(sizes.iter().product()))).into()
}

/// The safetensors format: length of the header, header, values in little-endian order.
#[allow(clippy::cast_possible_truncation, reason = "the format's number types")]
fn safetensors(kind: &str, tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, sizes, values) in tensors {
        let start = data.len();
        for &x in values {
            match kind {
                "F32" => data.extend((x as f32).to_le_bytes()),
                "F64" => data.extend(x.to_le_bytes()),
                _ => data.extend((x as i32).to_le_bytes()),
            }
        }
        let entry = json!({"dtype": kind, "shape": sizes, "data_offsets": [start, data.len()]});
        header.insert((*name).to_string(), entry);
    }
    let header = Value::from(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

/// Machines with and without fused operations find other bits of recurrent models, and the same of n-grams.
#[test]
fn arms_of_another_machine_are_marked() {
    let place = Place::new();
    let (start, end) = (SOUND.find("base: ").unwrap(), SOUND.find("        verifier").unwrap());
    let base = "base: (plugin: \"ngram\", config: (order: 1, table: {\"\": [0.4, 0.4, 0.2]})),\n";
    let text = format!("{}{base}{}", &SOUND[..start], &SOUND[end..]);
    let (start, end) = (text.find("        \"gru\"").unwrap(), text.find("    objectives").unwrap());
    let policies = r#"
        "gru": (plugin: "rnn", config: (hidden: 4, embedding: 3), start: AsConfigured),
        "unigram": (plugin: "ngram", config: (order: 1), start: FitBase),
    },
"#;
    let text = format!("{}{policies}{}", &text[..start], &text[end..]);
    let begun = place.host("run", &text, &["--out", "out", "--prepare"]);
    assert!(begun.status.success(), "{}", shown(&begun, place.0.path()));
    let path = place.path("out/provenance.json");
    let mut provenance: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    provenance["platform"] = json!("another machine");
    fs::write(&path, provenance.to_string()).unwrap();
    let worked = Command::new(installation().join("host"))
        .args(["worker", "out", "--plugin-dir", "plugins", "--linger", "1"])
        .current_dir(&place.0)
        .env("PSTAR_CACHE_DIR", place.path("cache"))
        .output()
        .unwrap();
    let said = shown(&worked, place.0.path());
    assert!(worked.status.success() && said.contains("whose arithmetic is not that"), "{said}");
    let record = RunRecord::read(&fs::read(place.path("out/summary.json")).unwrap()).unwrap();
    for arm in &record.arms {
        let told = arm.warnings.iter().any(|warning| warning.to_string().contains("another machine"));
        assert_eq!(told, arm.policy == "gru", "{}", arm.policy);
    }
}
