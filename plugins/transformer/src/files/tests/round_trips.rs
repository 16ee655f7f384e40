//! What is written is read as the same bits.

use super::model::tensors;
use super::*;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_neural::network::Shape;
use std::collections::BTreeSet;

/// Shapes of all combinations of switches.
pub(super) fn shapes() -> Vec<TransformerShape> {
    let flags = [false, true];
    let mut shapes = Vec::new();
    for positions in [Positions::Learned(9), Positions::Rotary(123.456), Positions::None] {
        for (norm, mlp) in [(Norm::Layer, Mlp::Gelu), (Norm::Rms, Mlp::SwiGlu), (Norm::Rms, Mlp::Gelu)] {
            for bits in 0..32 {
                let [tied, kv, attention, attention_output, mlp_bias] =
                    [0, 1, 2, 3, 4].map(|bit| flags[bits >> bit & 1]);
                shapes.push(TransformerShape {
                    tokens: 23,
                    context: None,
                    choices: 21,
                    width: 8,
                    layers: 2,
                    heads: 4,
                    kv_heads: if kv { 2 } else { 4 },
                    head_size: if bits % 3 == 0 { 6 } else { 2 },
                    inner: 5,
                    norm,
                    epsilon: 1.25e-6,
                    positions,
                    mlp,
                    biases: Biases { attention, attention_output, mlp: mlp_bias },
                    tied,
                });
            }
        }
    }
    shapes
}

/// Random parameters, biases too, that are F32 numbers.
pub(super) fn parameters(shape: &TransformerShape) -> Vec<f64> {
    let key = StreamKey::new(7, Purpose::Initialise, 0);
    let number = |place: usize| key.uniform(1, u32::try_from(place).unwrap(), 0) - 0.5;
    #[allow(clippy::cast_possible_truncation, reason = "files hold F32")]
    (0..shape.parameter_count()).map(|place| f64::from(number(place) as f32)).collect()
}

fn read_back(written: &super::super::Written) -> (TransformerShape, Vec<f64>) {
    let model = Model::new();
    model.write("model.safetensors", &written.tensors);
    match &written.config {
        Some(config) => {
            model.write("config.json", config);
            model.load(&Restriction::default(), &task()).unwrap()
        }
        None => model.load_file("model.safetensors", &Restriction::default(), &task()).unwrap(),
    }
}

#[test]
fn what_a_layout_can_say_is_read_as_it_was() {
    let mut said = [0; 3];
    for shape in shapes() {
        let parameters = parameters(&shape);
        for (layout, count) in [Layout::Own, Layout::Gpt2, Layout::Llama].into_iter().zip(&mut said) {
            let Ok(written) = write(layout, &shape, &parameters) else { continue };
            *count += 1;
            assert_eq!(read_back(&written), (shape.clone(), parameters.clone()), "{layout:?}");
        }
    }
    // All; tied or not, everything else being as GPT-2 has it; five of the eight sets of biases, tied or not, heads of keys
    // grouped or not.
    assert_eq!(said, [288, 2, 20]);
}

#[test]
fn the_rows_of_a_context_are_kept_in_the_own_layout() {
    let shape = TransformerShape { context: Some(3), ..shapes().remove(0) };
    let parameters = parameters(&shape);
    let written = write(Layout::Own, &shape, &parameters).unwrap();
    assert_eq!(read_back(&written), (shape, parameters));
}

/// The same tensors, to the bit, as transformers wrote.
#[test]
fn models_of_transformers_are_written_as_they_were() {
    for (name, layout) in [("gpt2", Layout::Gpt2), ("llama", Layout::Llama), ("llama-tied", Layout::Llama)] {
        let model = Model::of(name);
        let read = model.load(&Restriction::default(), &task()).unwrap();
        let written = write(layout, &read.0, &read.1).unwrap();
        let (mut found, mut expected) = (tensors(&written.tensors), model.tensors());
        if let (Some(found), Some(expected)) =
            (found.get_mut("lm_head.weight"), expected.get_mut("lm_head.weight"))
        {
            // The rows of the 21 choices; nobody chooses the others.
            assert!(found.2[4 * 21 * 24..].iter().all(|byte| *byte == 0));
            found.2.truncate(4 * 21 * 24);
            expected.2.truncate(4 * 21 * 24);
        }
        assert_eq!(found, expected, "{name}");
        assert_eq!(read_back(&written), read, "{name}");
        let own = write(Layout::Own, &read.0, &read.1).unwrap();
        assert_eq!(read_back(&own), read, "{name}");
        assert_eq!(own, write(Layout::Own, &read.0, &read.1).unwrap());
    }
}

#[test]
fn what_a_layout_cannot_say_is_told() {
    let (gpt2, gpt2_parameters) = Model::of("gpt2").load(&Restriction::default(), &task()).unwrap();
    let (llama, _) = Model::of("llama").load(&Restriction::default(), &task()).unwrap();
    let bare = Biases { attention: false, attention_output: false, mlp: false };
    let cases = [
        (Layout::Llama, gpt2.clone(), "Llama", "expected rotary positions, found Learned(16)"),
        (Layout::Gpt2, llama.clone(), "GPT-2", "expected learned positions, found Rotary(500.0)"),
        (
            Layout::Gpt2,
            TransformerShape { norm: Norm::Rms, ..gpt2.clone() },
            "GPT-2",
            "expected LayerNorm and GELU, found Rms and Gelu",
        ),
        (
            Layout::Gpt2,
            TransformerShape { kv_heads: 1, ..gpt2.clone() },
            "GPT-2",
            "expected 3 heads of keys, which make up the width 24, found 1, of 8 each",
        ),
        (
            Layout::Gpt2,
            TransformerShape { context: Some(2), ..gpt2.clone() },
            "GPT-2",
            "expected a start of its own, found 2 tokens of context",
        ),
        (
            Layout::Gpt2,
            TransformerShape { biases: bare, ..gpt2.clone() },
            "GPT-2",
            "expected biases everywhere, found Biases { attention: false, attention_output: false, mlp: false }",
        ),
        (
            Layout::Llama,
            TransformerShape { mlp: Mlp::Gelu, ..llama.clone() },
            "Llama",
            "expected RMSNorm and SwiGLU, found Rms and Gelu",
        ),
        (
            Layout::Llama,
            TransformerShape { biases: Biases { attention_output: true, ..bare }, ..llama.clone() },
            "Llama",
            "expected biases in attention everywhere, or nowhere, or at queries, keys and values alone and then nowhere \
             else, found Biases { attention: false, attention_output: true, mlp: false }",
        ),
    ];
    for (layout, shape, name, fault) in cases {
        let expected = format!(
            "the layout of {name} cannot hold the model: {fault}; write it in the plugin's own layout"
        );
        assert_eq!(write(layout, &shape, &parameters(&shape)).unwrap_err(), expected);
    }
    assert_eq!(
        write(Layout::Own, &gpt2, &gpt2_parameters[1..]).unwrap_err(),
        format!("expected {} parameters, found {}", gpt2_parameters.len(), gpt2_parameters.len() - 1)
    );
    let mut spoiled = gpt2_parameters;
    spoiled[23 * 24 + 1] = f64::INFINITY;
    assert_eq!(
        write(Layout::Own, &gpt2, &spoiled).unwrap_err(),
        "expected numbers that are finite as F32 in `model.embed_positions.weight`, found inf"
    );
}

/// All faults of a file in the plugin's own layout.
#[test]
fn files_without_a_proper_shape_are_refused() {
    let shape = shapes().remove(0);
    let bytes = write(Layout::Own, &shape, &parameters(&shape)).unwrap().tensors;
    let check = |bytes: Vec<u8>, task: &Task, expected: &str| {
        let model = Model::new();
        model.write("own.safetensors", bytes);
        let error = model.load_file("own.safetensors", &Restriction::default(), task).unwrap_err();
        let (field, message) = field_and_message(&error);
        assert_eq!(field, "load");
        let message = message.strip_prefix("file `m/own.safetensors`: ").unwrap();
        assert!(message.starts_with(expected), "{message}");
    };
    // Replaced by as many bytes, so that the file stays whole.
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let fixture = std::fs::read(Model::of("gpt2").path("model.safetensors")).unwrap();
    check(fixture, &task(), "expected the shape in a metadata entry `config`, found none");
    let entry = "expected the shape in the metadata entry `config`, found a fault: ";
    check(replaced("inner", "outer"), &task(), &format!("{entry}unknown field `outer`"));
    check(
        replaced("\\\"kv_heads\\\":4", "\\\"kv_heads\\\":3"),
        &task(),
        "expected a number of key-value heads",
    );
    let expected = "expected `layers` in [1, 1048576], found 0";
    check(replaced("\\\"layers\\\":2", "\\\"layers\\\":0"), &task(), expected);
    let expected = "expected `epsilon` as a finite number above 0, found -0.0000025";
    check(replaced(":1.25e-6", ":-2.5e-6"), &task(), expected);
    check(
        bytes.clone(),
        &task_of(4, Ending::FixedLength),
        "expected 23 tokens and 20 choices, as the experiment has, found 23 and 21",
    );
    check(bytes.clone(), &task_of(10, Ending::EndSymbol), "expected places for 12 tokens");
    let found: BTreeSet<String> = tensors(&bytes).into_keys().collect();
    assert_eq!(found, shape.tensors().into_iter().map(|tensor| tensor.name).collect());

    let model = Model::new();
    model.write("own.safetensors", bytes);
    let restriction = Restriction { context: None, end: Some("\n".into()) };
    let error = model.load_file("own.safetensors", &restriction, &task()).unwrap_err();
    let expected = "file `m/own.safetensors`: expected a folder with `tokenizer.json`, which `end` is read by, found a file";
    assert_eq!(field_and_message(&error), ("end".into(), expected.into()));
}
