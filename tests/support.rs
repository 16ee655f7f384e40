//! What the tests share: the host with its plugins beside it, and experiments built from text.

pub(crate) use crate::libraries::{libraries, library};

use crate::libraries::built;
use pstar_lab::experiment::{Experiment, ExperimentFile, check};
use pstar_lab::run::{NoProgress, Prepared, add_optima, execute, prepare};
use pstar_loader::Registry;
use pstar_record::{RunRecord, Warning};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::{env, fs, thread};
use tempfile::TempDir;

/// The library file of a plugin that exists for these tests.
pub(crate) fn test_library(plugin: &str) -> PathBuf {
    built(&format!("pstar_test_{plugin}"))
}

/// A folder with the host and nothing but this workspace's plugins beside it.
pub(crate) fn installation() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let host = PathBuf::from(env!("CARGO_BIN_EXE_host"));
        for file in libraries().into_iter().chain([host]) {
            let link = folder.join(file.file_name().unwrap());
            fs::hard_link(&file, &link).or_else(|_| fs::copy(&file, &link).map(|_| ())).unwrap();
        }
        folder
    })
}

/// The host, quiet and colourless, in a folder of its own.
pub(crate) fn host(folder: &Path, arguments: &[&str]) -> Output {
    command(installation(), arguments).current_dir(folder).output().unwrap()
}

/// The host of a folder, quiet and colourless, with nothing but the plugins beside it.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder.join("host"));
    command.args(arguments).env("NO_COLOR", "1").env_remove("PSTAR_PLUGIN_PATH");
    command
}

/// What a command does with something on its standard input.
pub(crate) fn answer(command: &mut Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A faulty input may end the command before it has read everything.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// This workspace's plugins, loaded into this process.
pub(crate) fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::load(&libraries()).unwrap())
}

/// An experiment from its text, as if it stood in the folder of the experiments.
pub(crate) fn experiment(text: &str) -> Experiment {
    let path = experiments().join("test.ron");
    let file = ExperimentFile::parse(&path, text).unwrap_or_else(|error| panic!("{error:?}"));
    check(file, &path, text, registry()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The folder of the experiments.
pub(crate) fn experiments() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

/// Runs an experiment in this process.
pub(crate) fn run(text: &str) -> RunRecord {
    let experiment = experiment(text);
    run_prepared(&prepare(&experiment, registry()).unwrap_or_else(|error| panic!("{error:?}")))
}

/// Runs an experiment in this process, with one more plugin, unless it is of this workspace anyway.
pub(crate) fn run_with(plugin: PathBuf, text: &str) -> RunRecord {
    let mut plugins = libraries();
    if !plugins.contains(&plugin) {
        plugins.push(plugin);
    }
    let registry = Registry::load(&plugins).unwrap();
    let path = experiments().join("test.ron");
    let file = ExperimentFile::parse(&path, text).unwrap_or_else(|error| panic!("{error:?}"));
    let experiment = check(file, &path, text, &registry).unwrap_or_else(|error| panic!("{error:?}"));
    run_prepared(&prepare(&experiment, &registry).unwrap_or_else(|error| panic!("{error:?}")))
}

/// Trains all arms and looks for the optima, as `host run` does.
pub(crate) fn run_prepared(prepared: &Prepared<'_>) -> RunRecord {
    let mut record = execute(prepared, &NoProgress);
    add_optima(prepared, &mut record, &NoProgress);
    record
}

/// Warnings as people read them.
pub(crate) fn texts(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

/// The parity toy: base exactly bigram, valid is an even number of a's.
pub(crate) const PARITY_TASK: &str = r#"task: (
    alphabet: Chars("ab"),
    horizon: 5,
    ending: FixedLength,
    base: (plugin: "ngram", config: (order: 2, table: {"^": [0.3, 0.7], "a": [0.75, 0.25], "b": [0.25, 0.75]})),
    verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
),"#;

/// Sums of 1 and 2 that hit the number in the prompt, with an end symbol and prompts of different difficulty.
pub(crate) const PROMPTED_TASK: &str = r#"task: (
    alphabet: Chars("12+"),
    prompt_alphabet: Chars("345="),
    horizon: 5,
    ending: EndSymbol,
    prompts: List(["1=", "2=", "3=", "5="]),
    base: (plugin: "ngram", config: (order: 3, corpus: "../tests/data/sums.txt", add_k: 0.5)),
    verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
),"#;

/// A folder for one test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of cargo's for packages that are not of the workspace, kept between runs of the tests.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Builds the package in a folder, with the versions of this workspace, which are downloaded already.
pub(crate) fn build_out_of_tree(package: &Path, target: &Path) {
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--offline", "--quiet"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", package.display(), String::from_utf8_lossy(&output.stderr));
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &copy);
        } else {
            fs::copy(entry.path(), copy).unwrap();
        }
    }
}

/// What a command printed, with the folders of this machine and the digits that may differ elsewhere left out.
pub(crate) fn shown(output: &Output, folder: &Path) -> String {
    let text = format!(
        "exit code {}\n--- out\n{}--- err\n{}",
        output.status.code().map_or("none: a signal".into(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = text.replace(&installation().display().to_string(), "[host]");
    text.replace(&folder.display().to_string(), "[folder]").replace(env::consts::DLL_SUFFIX, ".so")
}
