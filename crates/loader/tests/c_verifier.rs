//! Verifiers in C, sound ones and those that break each rule of the header. The linker that Rust needs compiles them.
#![allow(unsafe_code, reason = "asks a library how many of its states there are")]
#![allow(clippy::unwrap_used, reason = "a test may end in a panic")]

use libloading::Library;
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBuffer};
use pstar_core::{ErrorKind, Task};
use pstar_loader::{Registry, VerifierHandle};
use std::env::consts::DLL_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A library of `tests/c/broken.c` with a fault, in a folder of its own.
fn library(fault: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("broken{DLL_SUFFIX}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/c/broken.c");
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"])
        .arg(format!("-DFAULT={fault}"))
        .arg("-o")
        .args([&path, &source])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, path)
}

fn loaded(fault: &str) -> Result<(TempDir, Registry), String> {
    let (folder, path) = library(fault);
    match Registry::load(&[path]) {
        Ok(registry) => Ok((folder, registry)),
        Err(failures) => Err(failures[0].message.clone()),
    }
}

fn task() -> Task {
    let symbols = ["a", "é", "\0", "?"].map(String::from);
    Task::new(Alphabet::new(symbols.into(), vec!["p".into()]).unwrap(), 8, Ending::EndSymbol)
}

fn made(registry: &Registry) -> VerifierHandle {
    registry.verifier("c-test").unwrap().create("(anything: 1)", &task()).unwrap()
}

/// The responses as tokens, to the prompt `p`; the end symbol is part of them, and no part of the text.
fn batch(responses: &[&str]) -> SequenceBuffer {
    let alphabet = task().alphabet;
    let mut prompts = RaggedBuffer::default();
    prompts.push(&alphabet.encode("p").unwrap());
    let mut buffer = SequenceBuffer::new(prompts);
    for response in responses {
        buffer.push(0, alphabet.encode(response).unwrap().into_iter().chain([alphabet.end()]));
    }
    buffer
}

#[test]
fn a_sound_one_is_a_component_like_any_other() {
    let (_folder, registry) = loaded("NONE").unwrap();
    let listing = registry.listing_of("verifier", "c-test").unwrap();
    assert_eq!((&*listing.plugin.version, &*listing.plugin.interface), ("1.2.3", "C 1"));
    assert_eq!(listing.doc, "valid is what has an even number of bytes");
    let verifier = made(&registry);
    assert_eq!(verifier.files().unwrap().map(|files| files.len()), Some(0));
    // A NUL is part of a text, and é has two bytes.
    let responses = ["", "a", "aa", "é", "aé", "\0", "a\0a", "?"];
    let judged = verifier.judge(&batch(&responses).view()).unwrap();
    let expected = [true, false, true, true, false, true, true].map(Some);
    assert_eq!(judged.valid, [&expected[..], &[None]].concat());
    assert_eq!(judged.reasons, ["the verifier does not say why"]);
    // The function would end the process if it were asked of no pair.
    assert_eq!(verifier.judge(&batch(&[]).view()).unwrap().valid, []);
}

#[test]
fn threads_share_one() {
    let (_folder, registry) = loaded("NONE").unwrap();
    let verifier = made(&registry);
    let buffer = batch(&["a", "aa", "\0"].repeat(300));
    let alone = verifier.judge(&buffer.view()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(verifier.judge(&buffer.view()).unwrap(), alone));
        }
    });
}

#[test]
fn every_state_is_destroyed_once() {
    let (_folder, path) = library("NONE");
    let registry = Registry::load(std::slice::from_ref(&path)).unwrap();
    // SAFETY: the same library once more, which is loaded already; the function counts.
    let library = unsafe { Library::new(&path) }.unwrap();
    // SAFETY: of this type in the source.
    let live = || unsafe { library.get::<unsafe extern "C" fn() -> i32>(b"live_states\0").unwrap()() };
    assert_eq!(live(), 0);
    let handles = [made(&registry), made(&registry)];
    assert_eq!(live(), 2);
    drop(handles);
    assert_eq!(live(), 0);
    // What was not made is not destroyed.
    let refused = registry.verifier("c-test").unwrap().create("refuse", &task()).unwrap_err();
    assert_eq!(refused.to_string(), "verifier `c-test`: error 3, and nothing more");
    assert_eq!((refused.kind, live()), (ErrorKind::Config, 0));
}

/// What is wrong with a table is told when the file is opened.
#[test]
fn tables_that_are_none_are_refused() {
    for (fault, expected) in [
        ("NO_TABLE", "`pstar_verifier_table` gave no table: the pointer 0x0"),
        ("UNALIGNED", "`pstar_verifier_table` gave no table: the pointer 0x"),
        ("NO_CREATE", "its table of a verifier has no function `create`"),
        ("NO_VERIFY", "its table of a verifier has no function `verify`"),
        ("NO_DESTROY", "its table of a verifier has no function `destroy`"),
        ("OTHER_ABI", "its verifier is of interface 2, this host has 1"),
        ("SMALL_TABLE", "its table of a verifier says that it has 8 bytes, expected at least "),
        ("EMPTY_NAME", "the `name` in its table of a verifier must be a word, found ``"),
        ("NAME_NO_UTF8", "the `name` in its table of a verifier is no UTF-8: "),
        ("NULL_NAME", "the `name` in its table of a verifier is a null pointer with a length of 6"),
    ] {
        let message = loaded(fault).err().unwrap_or_else(|| panic!("{fault} was loaded"));
        assert!(message.starts_with(expected), "{fault}: {message}");
    }
    // A later header may have added something behind.
    assert!(loaded("LARGE_TABLE").is_ok());
}

/// What a call breaks is an error that names the verifier and, where it is of a pair, the pair.
#[test]
fn answers_that_are_none_are_refused() {
    for (fault, expected) in [
        ("SEVEN", "`verify` wrote the verdict 7 on the response `aa` to the prompt `p`, expected 0, 1 or 2"),
        ("UNWRITTEN", "`verify` wrote no verdict on the response `a` to the prompt `p`"),
        ("TOO_MANY", "`verify` wrote more than the 2 verdicts that it was asked for"),
        ("ERROR", "error -5: the judge is asleep"),
    ] {
        let (_folder, registry) = loaded(fault).unwrap();
        let error = made(&registry).judge(&batch(&["a", "aa"]).view()).unwrap_err();
        assert_eq!(error.to_string(), format!("verifier `c-test`: {expected}"));
    }
}

/// A message that fills its room is cut for the reader; one that runs over is a fault of its own.
#[test]
fn messages_are_read_as_far_as_there_is_room() {
    let refusal = |fault: &str| {
        let (_folder, registry) = loaded(fault).unwrap();
        registry.verifier("c-test").unwrap().create("()", &task()).unwrap_err().to_string()
    };
    let long = refusal("LONG_REFUSAL");
    assert!(long.starts_with("verifier `c-test`: xxx") && long.len() < 1100, "{long}");
    assert_eq!(
        refusal("OVERRUN"),
        "verifier `c-test`: `create` wrote a message of more than the 1024 bytes that there is room for"
    );
}
