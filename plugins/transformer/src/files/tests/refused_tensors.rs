//! Files of tensors that are refused.

use super::*;
use safetensors::Dtype;

fn check(model: &Model, file: &str, expected: &str) {
    let (field, message) = refusal(model, &Restriction::default(), &task());
    assert_eq!(field, "load");
    assert_eq!(message.strip_prefix(&format!("file `m/{file}`: ")).unwrap(), expected);
}

fn check_retouched(fixture: &str, change: impl FnOnce(&mut model::Tensors), expected: &str) {
    check(&Model::of(fixture).retouched(change), "model.safetensors", expected);
}

#[test]
fn missing_and_unexpected_tensors_are_refused_by_name() {
    let (_, message) = refusal(
        &Model::of("llama").retouched(|tensors| {
            tensors.remove("model.norm.weight").unwrap();
        }),
        &Restriction::default(),
        &task(),
    );
    let expected = "file `m/model.safetensors`: expected a tensor `model.norm.weight`, found only `lm_head.weight`, \
                    `model.embed_tokens.weight`, `model.layers.0.input_layernorm.weight`, ";
    assert!(message.starts_with(expected) && message.ends_with("8 more"), "{message}");
    for (fixture, name, expected) in [
        ("llama", "model.layers.0.self_attn.q_proj.bias", 21),
        // The third layer's mask, where there are two.
        ("gpt2", "transformer.h.2.attn.bias", 28),
        ("gpt2", "transformer.h.0.attn.masked", 28),
    ] {
        let besides = |tensors: &mut model::Tensors| {
            tensors.insert(name.into(), (Dtype::F32, vec![1], vec![0; 4]));
        };
        let expected = format!("expected the {expected} tensors of the shape, found besides `{name}`");
        check_retouched(fixture, besides, &expected);
    }
}

#[test]
fn tensors_of_other_sizes_are_refused_with_both() {
    check_retouched(
        "gpt2",
        |tensors| tensors.get_mut("transformer.h.1.attn.c_attn.weight").unwrap().1.reverse(),
        "expected `transformer.h.1.attn.c_attn.weight` of sizes [24, 72], found [72, 24], its transpose",
    );
    check_retouched(
        "llama",
        |tensors| tensors.get_mut("model.norm.weight").unwrap().1 = vec![2, 12],
        "expected `model.norm.weight` of sizes [24], found [2, 12]",
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    let spoil = |tensors: &mut model::Tensors| {
        tensors.get_mut("model.norm.weight").unwrap().2[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
    };
    let expected = "expected numbers that are finite as F32 in `model.norm.weight`, found NaN at place 5";
    check_retouched("llama", spoil, expected);
    let spoil = |tensors: &mut model::Tensors| tensors.get_mut("model.norm.weight").unwrap().0 = Dtype::I32;
    let expected = "expected `model.norm.weight` as F64, F32, F16 or BF16, found I32";
    check_retouched("llama", spoil, expected);
}

#[test]
fn a_tied_head_must_be_the_embedding() {
    let spoil = |tensors: &mut model::Tensors| {
        let mut head = tensors["model.embed_tokens.weight"].clone();
        head.2[0] ^= 1;
        tensors.insert("lm_head.weight".into(), head);
    };
    let expected = "expected `lm_head.weight` equal to `model.embed_tokens.weight`, for `tie_word_embeddings` is `true`, \
                    found another one";
    check_retouched("llama-tied", spoil, expected);
}

#[test]
fn damaged_and_missing_files_and_shards_are_told() {
    let model = Model::of("gpt2");
    model.write("model.safetensors", [1, 2, 3]);
    let expected = "expected a safetensors file, found a damaged one: header too small";
    check(&model, "model.safetensors", expected);

    // More than other components may read; its table is empty, which is no JSON.
    let large = std::fs::File::create(model.path("model.safetensors")).unwrap();
    large.set_len(pstar_core::files::MOST_BYTES + 8).unwrap();
    let (_, message) = refusal(&model, &Restriction::default(), &task());
    assert!(message.contains("found a damaged one: invalid JSON in header"), "{message}");

    std::fs::remove_file(model.path("model.safetensors")).unwrap();
    let (field, message) = refusal(&model, &Restriction::default(), &task());
    let path = model.path("model.safetensors");
    assert_eq!(field, "load");
    assert!(message.starts_with(&format!("the file `{}` cannot be read: ", path.display())), "{message}");

    model.write("model.safetensors.index.json", "{}");
    let expected =
        "expected all tensors in one file, found them in several, which `model.safetensors.index.json` lists";
    check(&model, "model.safetensors", expected);

    let (field, message) = field_and_message(
        &Model::new().load_file("none.safetensors", &Restriction::default(), &task()).unwrap_err(),
    );
    assert!(field == "load" && message.contains("none.safetensors` cannot be read: "), "{message}");
}
