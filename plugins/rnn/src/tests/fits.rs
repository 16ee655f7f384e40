//! Fits, their cache, and what is said of bad input.

use super::task;
use crate::config::ModelConfig;
use crate::network::Gru;
use crate::shape::GruShape;
use pstar_core::data::Ending;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{BaseModel, PluginError, SequenceModel, Task};
use pstar_neural::base_model::{cached, fit_corpus};
use pstar_neural::config::BaseSettings;
use pstar_neural::family::Family;
use pstar_neural::fit::FitPlan;
use pstar_neural::network::{Shape, Tensor};
use pstar_neural::neural::Neural;
use pstar_neural::{cache, corpus};
use std::cell::Cell;
use std::fs;
use tempfile::TempDir;

/// A folder with a file `file`, and a task over `ab` there.
fn with_file(contents: &[u8]) -> (TempDir, Task) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), contents).unwrap();
    let task = task("ab", "=", 8, Ending::EndSymbol).in_directory(folder.path());
    (folder, task)
}

fn config(text: &str) -> ModelConfig {
    pstar_core::config::parse(text).unwrap()
}

/// Made without a cache.
fn made(text: &str, task: &Task) -> Result<Neural<Gru>, PluginError> {
    let config = config(text);
    match &config.corpus {
        None => <Neural<Gru> as BaseModel>::new(config, task),
        Some(path) => {
            let path = path.clone();
            let settings = BaseSettings::from(config);
            let shape = Gru::shape_of(&settings.sizes, task)?;
            let plan = FitPlan::new(&settings.fit)?;
            fit_corpus(&shape, &plan, &corpus::read(&path, task)?, &path, task)
        }
    }
}

fn fault(text: &str, task: &Task) -> (String, String) {
    let error = made(text, task).unwrap_err();
    (error.field.unwrap_or_default(), error.message)
}

/// Strings of the language (ab)*b?: each symbol is the other one; it stops with probability 1/4 before each.
fn alternating(strings: u32) -> String {
    let key = StreamKey::new(1, Purpose::FitBase, 0);
    let line = |i: u32| {
        let mut uniforms = key.row(0, i);
        let length = (0..1000).find(|&t| uniforms.at(t) < 0.25).unwrap_or(0);
        (0..length).map(|t| if t % 2 == 0 { 'a' } else { 'b' }).chain(['\n']).collect::<String>()
    };
    (0..strings).map(line).collect()
}

/// The steps of a string are kept for the way back: ten million would take a hundred gigabytes.
#[test]
fn a_string_that_is_too_long_to_fit_is_refused() {
    let (_folder, task) = with_file("a".repeat(10_000_000).as_bytes());
    let (field, message) = fault(r#"(hidden: 64, corpus: "file")"#, &task);
    assert!(field == "corpus" && message.contains("has 10000001 symbols"), "{message}");
}

#[test]
fn a_regular_language_is_learned_to_near_its_entropy() {
    let (_folder, task) = with_file(alternating(1200).as_bytes());
    let model = made(r#"(hidden: 16, corpus: "file", learning_rate: 0.01, epochs: 40)"#, &task).unwrap();
    let mut log_probs = vec![0.0; 511];
    assert!(model.score_outputs(&[], &mut log_probs).unwrap());
    // Output (ab)…: length t has probability (3/4)^t / 4; the longest (3/4)^8.
    let (mut kl, mut start, mut rank) = (0.0, 0, 0);
    for length in 0..=8usize {
        let p = 0.75f64.powi(i32::try_from(length).unwrap()) * if length < 8 { 0.25 } else { 1.0 };
        kl += p * (p.ln() - log_probs[start + rank]);
        start += 1 << length;
        rank = 2 * rank + length % 2;
    }
    // Of an entropy of 2 nats or so. The corpus itself is that far from the language by chance.
    assert!(kl < 0.02, "{kl}");
}

#[test]
fn fits_repeat_to_the_bit_and_depend_on_the_seed() {
    let (_folder, task) = with_file(alternating(100).as_bytes());
    let fit = |text: &str| made(text, &task).unwrap().values().to_vec();
    let first = fit(r#"(hidden: 8, layers: 2, corpus: "file", epochs: 2)"#);
    assert_eq!(first, fit(r#"(hidden: 8, layers: 2, corpus: "file", epochs: 2)"#));
    assert_ne!(first, fit(r#"(hidden: 8, layers: 2, corpus: "file", epochs: 2, seed: 2)"#));
    #[allow(clippy::cast_possible_truncation, reason = "rounds to f32")]
    let rounded = |x: f64| f64::from(x as f32);
    assert!(first.iter().all(|&x| rounded(x) == x));
}

#[test]
fn a_corpus_of_one_string_is_fitted_without_early_stopping() {
    let (_folder, task) = with_file(b"abba\n");
    let model = made(r#"(hidden: 8, corpus: "file", epochs: 300, learning_rate: 0.02)"#, &task).unwrap();
    let mut log_probs = vec![0.0; 511];
    model.score_outputs(&[], &mut log_probs).unwrap();
    assert!(log_probs[15 + 6] > -0.1, "{}", log_probs[15 + 6]);
}

/// Steps that are too large, with a held-out part and without: not the random parameters that the fit began with.
#[test]
fn a_fit_that_diverges_is_told() {
    for strings in [9, 60] {
        let (_folder, task) = with_file("abab\nba\nb\n".repeat(strings / 3).as_bytes());
        for rate in ["1e30", "1e300"] {
            let text = format!(r#"(hidden: 8, corpus: "file", epochs: 10, learning_rate: {rate})"#);
            let error = made(&text, &task).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("learning_rate"));
            assert!(error.message.starts_with("the fit to `file` diverged: expected finite"), "{error}");
            assert_eq!(error.hint, Some(format!("use a `learning_rate` below {rate}")));
        }
    }
}

#[test]
fn a_fit_is_made_once_and_again_where_the_cache_is_damaged() {
    let (folder, task) = with_file(alternating(30).as_bytes());
    let text = r#"(hidden: 4, corpus: "file", epochs: 1)"#;
    let shape = GruShape::new(&task, 4, 4, 1);
    let fits = Cell::new(0);
    let file = folder.path().join("cache/of/fits.safetensors");
    let ask = || {
        let fit = || {
            fits.set(fits.get() + 1);
            made(text, &task)
        };
        cached(Some(file.clone()), &shape, &task, fit).unwrap().values().to_vec()
    };
    let first = ask();
    assert_eq!((ask(), fits.get()), (first.clone(), 1));
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() / 2], &[], &flipped] {
        fs::write(&file, damaged).unwrap();
        let before = fits.get();
        assert_eq!((ask(), fits.get()), (first.clone(), before + 1));
        assert_eq!(fs::read(&file).unwrap(), whole, "written again");
    }
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    // A folder that cannot be made costs the cache and nothing else.
    let nowhere = folder.path().join("file/cache.safetensors");
    assert_eq!(cached(Some(nowhere), &shape, &task, || made(text, &task)).unwrap().values().to_vec(), first);
}

#[test]
fn a_cache_key_depends_on_all_that_a_fit_depends_on() {
    let base = task("ab", "=", 8, Ending::EndSymbol);
    let shape = GruShape::new(&base, 4, 4, 1);
    let key = |task: &Task| cache::key::<Gru>(b"corpus", "plan", &shape, task, "fused");
    let keys = [
        key(&base),
        key(&task("ba", "=", 8, Ending::EndSymbol)),
        key(&task("ab", "+", 8, Ending::EndSymbol)),
        key(&task("ab", "=", 9, Ending::EndSymbol)),
        key(&task("ab", "=", 8, Ending::FixedLength)),
        cache::key::<Gru>(b"Corpus", "plan", &shape, &base, "fused"),
        cache::key::<Gru>(b"corpus", "Plan", &shape, &base, "fused"),
        cache::key::<Gru>(b"corpus", "plan", &GruShape { layers: 2, ..shape }, &base, "fused"),
        cache::key::<Gru>(b"corpus", "plan", &shape, &base, "two roundings"),
    ];
    let distinct: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn bad_settings_are_named() {
    let (_folder, task) = with_file(b"ab\nx\n");
    let at_field = |text: &str, field: &str, message: &str| {
        assert_eq!(fault(text, &task), (field.to_string(), message.to_string()));
    };
    at_field(r#"(hidden: 0, corpus: "file")"#, "hidden", "`hidden` must be at least 1, found `0`");
    at_field(r#"(hidden: 4, layers: 0, corpus: "file")"#, "layers", "`layers` must be at least 1, found `0`");
    at_field(
        r#"(hidden: 4, embedding: 0, corpus: "file")"#,
        "embedding",
        "`embedding` must be at least 1, found `0`",
    );
    at_field(r#"(corpus: "file")"#, "", "expected `hidden` or `load`, found neither");
    at_field("(hidden: 4)", "", "expected `corpus` or `load`, found neither");
    at_field(r#"(hidden: 4, epochs: 0, corpus: "file")"#, "epochs", "`epochs` must be at least 1, found `0`");
    at_field(
        r#"(hidden: 4, held_out: 1.0, corpus: "file")"#,
        "held_out",
        "`held_out` must be in [0, 1), found `1`",
    );
    at_field(
        r#"(hidden: 4, learning_rate: -1.0, corpus: "file")"#,
        "learning_rate",
        "`learning_rate` must be a number above 0, found `-1`",
    );
    at_field(
        r#"(hidden: 4, corpus: "file")"#,
        "corpus",
        "corpus `file`, line 2, character 1: the response holds `x`, which is no symbol of the alphabet",
    );
    at_field(
        r#"(load: "file", seed: 2)"#,
        "seed",
        "`seed` is for a fit to a corpus, but the parameters are loaded",
    );
    let (field, message) = fault(r#"(hidden: 1000000, corpus: "file")"#, &task);
    assert!(field == "hidden" && message.starts_with("expected at most 134217728 parameters"), "{message}");
    let (_folder, task) = with_file(b"");
    let expected = "expected a corpus of at least one string, found `file` empty".to_string();
    assert_eq!(fault(r#"(hidden: 4, corpus: "file")"#, &task), ("corpus".into(), expected));
    let (_folder, task) = with_file(b"ab\na\xff\n");
    let expected = "corpus `file`, line 2, character 2: expected UTF-8 text, found the byte 0xff";
    assert_eq!(fault(r#"(hidden: 4, corpus: "file")"#, &task), ("corpus".into(), expected.into()));
    assert!(fault(r#"(hidden: 4, corpus: "none")"#, &task).1.contains("cannot be read"));
    assert!(fault(r#"(load: "none")"#, &task).1.contains("cannot be read"));
}

/// The file of tensors of the right names for hidden 4, changed.
fn tensors(change: impl FnOnce(&mut Vec<(String, Vec<usize>, Vec<f32>)>)) -> Vec<u8> {
    let shape = GruShape::new(&task("ab", "=", 8, Ending::EndSymbol), 4, 4, 1);
    let value = |tensor: Tensor| {
        let values = vec![0.5; tensor.len()];
        (tensor.name, tensor.sizes, values)
    };
    let mut tensors: Vec<_> = shape.tensors().into_iter().map(value).collect();
    change(&mut tensors);
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, sizes, _), bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, sizes.clone(), bytes);
        (name.clone(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn files_that_do_not_fit_are_explained() {
    let explained = |bytes: &[u8], text: &str, expected: &str| {
        let (_folder, task) = with_file(bytes);
        let (_, message) = fault(text, &task);
        assert!(message.contains(expected), "{message}");
    };
    let load = r#"(load: "file")"#;
    let whole = tensors(|_| {});
    let (_folder, task) = with_file(&whole);
    assert_eq!(made(load, &task).unwrap().values().len(), GruShape::new(&task, 4, 4, 1).parameter_count());
    explained(&whole[..100], load, "file `file`: expected a safetensors file, found a damaged one");
    explained(&whole[..whole.len() - 4], load, "expected a safetensors file, found a damaged one");
    explained(b"", load, "expected a safetensors file, found a damaged one");
    let missing = tensors(|tensors| tensors.retain(|(name, _, _)| name != "gru.bias_hh_l0"));
    explained(
        &missing,
        load,
        "expected a tensor `gru.bias_hh_l0`, found only `embedding.weight`, `gru.bias_ih_l0`, `gru.weight_hh_l0`, \
         `gru.weight_ih_l0`, `output.bias`, `output.weight`",
    );
    explained(&tensors(Vec::clear), load, "expected a tensor `embedding.weight`, found none at all");
    let other =
        |tensors: &mut Vec<_>| *tensors = (0..20).map(|i| (format!("t{i}"), vec![1], vec![0.0])).collect();
    explained(&tensors(other), load, "`t18`, `t19`, 8 more");
    let extra = tensors(|tensors| tensors.push(("gru.weight_ih_l0_reverse".into(), vec![1], vec![0.0])));
    explained(&extra, load, "found `gru.weight_ih_l0_reverse` besides");
    let misshaped = tensors(|tensors| tensors[1].1 = vec![4, 12]);
    explained(&misshaped, load, "expected `gru.weight_ih_l0` of sizes [12, 4], found [4, 12]");
    let narrow = tensors(|tensors| tensors[0] = ("embedding.weight".into(), vec![3, 4], vec![0.0; 12]));
    explained(&narrow, load, "expected `embedding.weight` of sizes [4, 4], found [3, 4]");
    let nan = tensors(|tensors| tensors[2].2[5] = f32::NAN);
    explained(
        &nan,
        load,
        "expected numbers that are finite as F32 in `gru.weight_hh_l0`, found NaN at place 5",
    );
    explained(&whole, r#"(load: "file", hidden: 5)"#, "`hidden` is `5`, but the file of `load` has `4`");
}
