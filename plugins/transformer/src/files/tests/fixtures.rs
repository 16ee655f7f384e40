//! The models that transformers made are read as what its configuration says, number by number.

use super::model::values;
use super::*;
use safetensors::Dtype;

const EVERYWHERE: Biases = Biases { attention: true, attention_output: true, mlp: true };
const NOWHERE: Biases = Biases { attention: false, attention_output: false, mlp: false };

fn gpt2() -> TransformerShape {
    TransformerShape {
        tokens: 23,
        context: None,
        choices: 21,
        width: 24,
        layers: 2,
        heads: 3,
        kv_heads: 3,
        head_size: 8,
        inner: 96,
        norm: Norm::Layer,
        epsilon: 1e-5,
        positions: Positions::Learned(16),
        mlp: Mlp::Gelu,
        biases: EVERYWHERE,
        tied: true,
    }
}

fn llama() -> TransformerShape {
    TransformerShape {
        heads: 6,
        kv_heads: 2,
        head_size: 4,
        inner: 40,
        norm: Norm::Rms,
        positions: Positions::Rotary(500.0),
        mlp: Mlp::SwiGlu,
        biases: NOWHERE,
        tied: false,
        ..gpt2()
    }
}

#[test]
fn shapes_are_those_of_the_configurations() {
    let shape = |name: &str| Model::of(name).load(&Restriction::default(), &task()).unwrap().0;
    assert_eq!(shape("gpt2"), gpt2());
    assert_eq!(shape("llama"), llama());
    let tied = TransformerShape {
        layers: 1,
        heads: 3,
        kv_heads: 3,
        head_size: 8,
        epsilon: 1e-6,
        positions: Positions::Rotary(10_000.0),
        tied: true,
        ..llama()
    };
    assert_eq!(shape("llama-tied"), tied);
}

/// The matrices of a layer are transposed, and the first of them is cut in three.
#[test]
fn every_matrix_of_gpt2_is_where_its_layout_says() {
    let model = Model::of("gpt2");
    let file = model.tensors();
    let (shape, parameters) = model.load(&Restriction::default(), &task()).unwrap();
    let read = |name: &str| tensor(&shape, &parameters, name);
    let check = |name: &str, source: &str, from: usize, columns: usize, sizes: [usize; 2]| {
        let (weight, bias) = (read(&format!("{name}.weight")), read(&format!("{name}.bias")));
        let (expected, expected_bias) = (
            values(&file, &format!("transformer.{source}.weight")),
            values(&file, &format!("transformer.{source}.bias")),
        );
        for output in 0..sizes[0] {
            assert_eq!(bias[output], expected_bias[from + output], "{name}");
            for input in 0..sizes[1] {
                assert_eq!(
                    weight[output * sizes[1] + input],
                    expected[input * columns + from + output],
                    "{name}"
                );
            }
        }
    };
    for layer in 0..2 {
        let (here, there) = (format!("model.layers.{layer}"), format!("h.{layer}"));
        for (part, from) in [("q_proj", 0), ("k_proj", 24), ("v_proj", 48)] {
            let name = format!("{here}.self_attn.{part}");
            check(&name, &format!("{there}.attn.c_attn"), from, 72, [24, 24]);
        }
        check(&format!("{here}.self_attn.o_proj"), &format!("{there}.attn.c_proj"), 0, 24, [24, 24]);
        check(&format!("{here}.mlp.up_proj"), &format!("{there}.mlp.c_fc"), 0, 96, [96, 24]);
        check(&format!("{here}.mlp.down_proj"), &format!("{there}.mlp.c_proj"), 0, 24, [24, 96]);
        for (norm, source) in [("input_layernorm", "ln_1"), ("post_attention_layernorm", "ln_2")] {
            for kind in ["weight", "bias"] {
                let expected = values(&file, &format!("transformer.{there}.{source}.{kind}"));
                assert_eq!(read(&format!("{here}.{norm}.{kind}")), expected);
            }
        }
    }
    assert_eq!(read("model.embed_tokens.weight"), values(&file, "transformer.wte.weight"));
    assert_eq!(read("model.embed_positions.weight"), values(&file, "transformer.wpe.weight"));
    assert_eq!(read("model.norm.bias"), values(&file, "transformer.ln_f.bias"));
}

/// Of the head the rows of symbols and end, which are the first 21.
#[test]
fn tensors_of_llama_are_taken_by_name() {
    let model = Model::of("llama");
    let file = model.tensors();
    let (shape, parameters) = model.load(&Restriction::default(), &task()).unwrap();
    assert_eq!(tensor(&shape, &parameters, "lm_head.weight"), &values(&file, "lm_head.weight")[..21 * 24]);
    for (name, _) in file.iter().filter(|(name, _)| *name != "lm_head.weight") {
        assert_eq!(tensor(&shape, &parameters, name), values(&file, name), "{name}");
    }
}

/// The published file of GPT-2 has no prefix, but masks; some files have the head of a tied model too.
#[test]
fn prefixes_masks_and_tied_heads_are_optional() {
    let expected = Model::of("gpt2").load(&Restriction::default(), &task()).unwrap();
    let published = Model::of("gpt2").retouched(|tensors| {
        let mask = tensors["transformer.ln_f.bias"].clone();
        let named = std::mem::take(tensors).into_iter();
        tensors.extend(named.map(|(name, data)| (name.replace("transformer.", ""), data)));
        tensors.insert("h.0.attn.bias".into(), mask.clone());
        tensors.insert("h.1.attn.masked_bias".into(), mask);
        let embedding = tensors["wte.weight"].clone();
        tensors.insert("lm_head.weight".into(), embedding);
    });
    assert_eq!(published.load(&Restriction::default(), &task()).unwrap(), expected);
    let old = Model::of("llama").retouched(|tensors| {
        let speeds = tensors["model.norm.weight"].clone();
        tensors.insert("model.layers.1.self_attn.rotary_emb.inv_freq".into(), speeds);
    });
    assert!(old.load(&Restriction::default(), &task()).is_ok());
}

/// A file of BF16 is read as the upper halves of the numbers; one of F64 as the numbers.
#[test]
fn types_of_numbers_are_converted_exactly() {
    let expected = Model::of("llama").load(&Restriction::default(), &task()).unwrap().1;
    let convert = |to: Dtype, number: fn([u8; 4]) -> Vec<u8>| {
        let model = Model::of("llama").retouched(|tensors| {
            for (dtype, _, data) in tensors.values_mut() {
                *dtype = to;
                *data = data.as_chunks().0.iter().flat_map(|&bytes| number(bytes)).collect();
            }
        });
        model.load(&Restriction::default(), &task()).unwrap().1
    };
    let wide = |bytes| f64::from(f32::from_le_bytes(bytes)).to_le_bytes().to_vec();
    assert_eq!(convert(Dtype::F64, wide), expected);
    #[allow(clippy::cast_possible_truncation, reason = "they are F32 numbers")]
    let halves = expected.iter().map(|&x| f64::from(f32::from_bits((x as f32).to_bits() & 0xffff_0000)));
    assert_eq!(convert(Dtype::BF16, |bytes| bytes[2..].to_vec()), halves.collect::<Vec<f64>>());
}

#[test]
fn the_speed_of_rotary_positions_has_two_places() {
    let theta = |model: Model| model.load(&Restriction::default(), &task()).unwrap().0.positions;
    let top = Model::of("llama").without("rope_parameters").with("rope_theta", 700.0.into());
    assert_eq!(theta(top), Positions::Rotary(700.0));
    let none = Model::of("llama").without("rope_parameters").with("rope_scaling", serde_json::Value::Null);
    assert_eq!(theta(none), Positions::Rotary(10_000.0));
}

/// What transformers takes for what is left out.
#[test]
fn missing_fields_are_the_defaults_of_the_model_type() {
    let shape = |text: &str| super::super::config::read(text.as_bytes()).unwrap().shape;
    let gpt2 = shape(r#"{"model_type": "gpt2"}"#);
    assert_eq!((gpt2.tokens, gpt2.width, gpt2.layers, gpt2.heads), (50_257, 768, 12, 12));
    assert_eq!((gpt2.inner, gpt2.epsilon, gpt2.positions), (3072, 1e-5, Positions::Learned(1024)));
    assert!(gpt2.tied);
    let llama = shape(r#"{"model_type": "llama", "attention_bias": true}"#);
    assert_eq!((llama.tokens, llama.width, llama.inner, llama.kv_heads), (32_000, 4096, 11_008, 32));
    assert_eq!((llama.epsilon, llama.head_size, llama.tied), (1e-6, 128, false));
    assert_eq!(llama.biases, Biases { mlp: false, ..EVERYWHERE });
    let mistral = shape(r#"{"model_type": "mistral", "sliding_window": null, "num_attention_heads": 16}"#);
    assert_eq!((mistral.inner, mistral.kv_heads, mistral.head_size), (14_336, 8, 256));
    assert_eq!(mistral.biases, NOWHERE);
    let qwen2 = shape(r#"{"model_type": "qwen2", "num_key_value_heads": null, "num_attention_heads": 16}"#);
    assert_eq!((qwen2.tokens, qwen2.inner, qwen2.kv_heads), (151_936, 22_016, 16));
    assert_eq!(qwen2.biases, Biases { attention: true, ..NOWHERE });
}
