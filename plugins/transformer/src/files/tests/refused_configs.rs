//! Configurations that are refused, each with what was expected and what was found.

use super::*;
use serde_json::{Value, json};

fn check(model: &Model, expected: &str) {
    let (field, message) = refusal(model, &Restriction::default(), &task());
    assert_eq!(field, "load");
    assert_eq!(message.strip_prefix("file `m/config.json`: ").unwrap(), expected);
}

#[test]
fn fields_of_other_computations_are_refused_by_name() {
    let cases: [(&str, &str, Value, &str); 21] = [
        (
            "gpt2",
            "model_type",
            json!("bloom"),
            "expected a `model_type` among `gpt2`, `llama`, `mistral`, `qwen2`, found `bloom`",
        ),
        (
            "gpt2",
            "activation_function",
            json!("gelu"),
            "expected `activation_function` `gelu_new` or `gelu_pytorch_tanh`, found `gelu`",
        ),
        ("gpt2", "scale_attn_weights", json!(false), "expected `scale_attn_weights` `true`, found `false`"),
        (
            "gpt2",
            "scale_attn_by_inverse_layer_idx",
            json!(true),
            "expected `scale_attn_by_inverse_layer_idx` `false`, found `true`",
        ),
        ("gpt2", "add_cross_attention", json!(true), "expected `add_cross_attention` `false`, found `true`"),
        ("gpt2", "n_head", json!(5), "expected `n_embd` as a multiple of `n_head` 5, found 24"),
        ("gpt2", "n_layer", json!(0), "expected `n_layer` as a whole number in [1, 1048576], found `0`"),
        (
            "gpt2",
            "n_layer",
            json!("2"),
            "expected `n_layer` as a whole number in [1, 1048576], found `\"2\"`",
        ),
        (
            "gpt2",
            "layer_norm_epsilon",
            json!(0.0),
            "expected `layer_norm_epsilon` as a finite number above 0, found `0.0`",
        ),
        (
            "gpt2",
            "tie_word_embeddings",
            json!(1),
            "expected `tie_word_embeddings` as `true` or `false`, found `1`",
        ),
        ("llama", "hidden_act", json!("gelu"), "expected `hidden_act` `silu`, found `gelu`"),
        (
            "llama",
            "rope_scaling",
            json!({"type": "linear", "factor": 2.0}),
            "expected `rope_scaling` of type `default`, found `linear`",
        ),
        (
            "llama",
            "rope_parameters",
            json!({"rope_type": "llama3", "rope_theta": 500.0}),
            "expected `rope_parameters` of type `default`, found `llama3`",
        ),
        (
            "llama",
            "rope_parameters",
            json!({"factor": 2.0}),
            "expected `rope_parameters` of type `default`, found a `factor` without a type",
        ),
        (
            "llama",
            "rope_parameters",
            json!({"full_attention": {"rope_theta": 1.0}}),
            "expected `rope_parameters` as one set of fields, found sets of its own in `full_attention`",
        ),
        (
            "llama",
            "rope_theta",
            json!(700.0),
            "expected `rope_theta` once, found `700` and in `rope_parameters` `500`",
        ),
        ("llama", "partial_rotary_factor", json!(0.5), "expected `partial_rotary_factor` `1`, found `0.5`"),
        ("llama", "sliding_window", json!(8), "expected `sliding_window` `null`, found `8`"),
        (
            "llama",
            "model_type",
            json!("mistral"),
            "expected `sliding_window` `null`, found none, for which `mistral` takes `4096`",
        ),
        (
            "llama",
            "num_key_value_heads",
            json!(4),
            "expected a number of key-value heads that divides the 6 attention heads, found 4",
        ),
        (
            "llama",
            "head_dim",
            json!(5),
            "expected heads of an even size, as rotary positions turn pairs, found 5",
        ),
    ];
    for (fixture, field, value, expected) in cases {
        check(&Model::of(fixture).with(field, value), expected);
    }
}

#[test]
fn windows_that_are_used_are_refused() {
    let qwen2 = || Model::of("llama").with("model_type", "qwen2".into()).with("sliding_window", 8.into());
    check(&qwen2().with("use_sliding_window", true.into()), "expected `sliding_window` `null`, found `8`");
    let layers = json!(["full_attention", "sliding_attention"]);
    check(
        &qwen2().with("layer_types", layers),
        "expected `layer_types` of `full_attention` alone, found `\"sliding_attention\"`",
    );
    // Not used, so the file is read, and what it lacks is what Qwen2 has.
    let (_, message) = refusal(&qwen2(), &Restriction::default(), &task());
    assert!(message.contains("expected a tensor `model.layers.0.self_attn.q_proj.bias`"), "{message}");
}

#[test]
fn damaged_json_is_told_with_its_place() {
    let model = Model::of("gpt2");
    model.write("config.json", "{\n  \"n_embd\": 24,\n  n_head: 3\n}");
    check(&model, "expected JSON, found a fault: key must be a string at line 3 column 3");
    model.write("config.json", "[1]");
    check(&model, "expected an object, found `[1]`");
    model.write("config.json", "{}");
    check(&model, "expected a `model_type` among `gpt2`, `llama`, `mistral`, `qwen2`, found none");
}

#[test]
fn models_of_other_alphabets_and_too_large_ones_are_refused() {
    check(
        &Model::of("gpt2").with("vocab_size", 24.into()),
        "expected a `vocab_size` of 23, as many as there are symbols, boundary and symbols of prompts, found 24",
    );
    let large = Model::of("llama").with("intermediate_size", 1_000_000.into());
    check(&large, "expected at most 134217728 parameters, found 144004224");
}

/// 1 of the start, 9 of the prompt, and all but the last of 8.
#[test]
fn there_must_be_a_place_for_every_token() {
    let long = |horizon| task_of(horizon, Ending::EndSymbol).with_prompts(vec![vec![0; 8], vec![0; 9]]);
    let (field, message) = refusal(&Model::of("gpt2"), &Restriction::default(), &long(8));
    let expected = "file `m/config.json`: expected places for 17 tokens (1 before the prompt, 9 of the longest prompt, 7 \
                    of the horizon but its last), found 16";
    assert_eq!((field.as_str(), message.as_str()), ("load", expected));
    assert!(Model::of("gpt2").load(&Restriction::default(), &long(7)).is_ok());
    assert!(Model::of("llama").load(&Restriction::default(), &long(99)).is_ok());
}
