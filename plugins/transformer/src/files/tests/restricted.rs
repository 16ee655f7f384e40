//! Published models of texts, restricted to the symbols of an experiment.

use super::super::tokenizer::tests::tokenizer;
use super::model::values;
use super::*;
use serde_json::{Value, json};

/// Symbols `a`, `bc`, `1`, `2`; prompts have `+` too.
fn task(ending: Ending) -> Task {
    let symbols = ["a", "bc", "1", "2"].map(String::from).to_vec();
    let alphabet = Alphabet::new(symbols, vec!["+".into()]).unwrap();
    Task::new(alphabet, 3, ending).with_prompts(vec![vec![0, 5]])
}

fn restriction(context: Option<&str>, end: Option<&str>) -> Restriction {
    Restriction { context: context.map(String::from), end: end.map(String::from) }
}

fn model(fixture: &str, tokenizer: &Value) -> Model {
    let model = Model::of(fixture);
    model.write("tokenizer.json", tokenizer.to_string());
    model
}

/// The rows of a matrix of width 24.
fn rows(matrix: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().flat_map(|row| matrix[row * 24..(row + 1) * 24].to_vec()).collect()
}

#[test]
fn only_the_rows_of_symbols_end_and_context_are_kept() {
    let model = model("llama", &tokenizer());
    let file = model.tensors();
    let restriction = restriction(Some("ab 12+"), Some("\n"));
    let (shape, parameters) = model.load(&restriction, &task(Ending::EndSymbol)).unwrap();
    assert_eq!((shape.tokens, shape.context, shape.choices), (6, Some(4), 5));
    // a, bc, 1, 2, the end, +; and the context as `ab`, ` `, `12`, `+`.
    let expected = [1, 14, 9, 10, 5, 12, 6, 4, 11, 12];
    let embedding = values(&file, "model.embed_tokens.weight");
    assert_eq!(tensor(&shape, &parameters, "model.embed_tokens.weight"), rows(&embedding, &expected));
    let head = values(&file, "lm_head.weight");
    assert_eq!(tensor(&shape, &parameters, "lm_head.weight"), rows(&head, &expected[..5]));
}

/// Where outputs do not end, the boundary, which nobody reads, has the row of the first symbol.
#[test]
fn outputs_of_fixed_length_need_no_end() {
    let model = model("gpt2", &tokenizer());
    let file = model.tensors();
    let (shape, parameters) = model.load(&Restriction::default(), &task(Ending::FixedLength)).unwrap();
    assert_eq!((shape.tokens, shape.context, shape.choices), (6, Some(0), 4));
    let embedding = values(&file, "transformer.wte.weight");
    let expected = rows(&embedding, &[1, 14, 9, 10, 1, 12]);
    assert_eq!(tensor(&shape, &parameters, "model.embed_tokens.weight"), expected);
}

#[test]
fn an_empty_prompt_needs_a_token_before_it() {
    let task = task(Ending::FixedLength).with_prompts(vec![vec![0], Vec::new()]);
    let (field, message) = refusal(&model("gpt2", &tokenizer()), &Restriction::default(), &task);
    let expected = "file `m/config.json`: expected a token before the first choice, found none: there is an empty prompt, \
                    no `context`, and no token that the tokenizer puts first";
    assert_eq!((field.as_str(), message.as_str()), ("load", expected));

    let mut with_start = tokenizer();
    with_start["post_processor"] = json!({
        "type": "Sequence",
        "processors": [{"type": "ByteLevel", "trim_offsets": false}, {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
        }],
    });
    let model = model("gpt2", &with_start);
    let (shape, parameters) = model.load(&Restriction::default(), &task).unwrap();
    assert_eq!(shape.context, Some(1));
    let embedding = values(&model.tensors(), "transformer.wte.weight");
    let read = tensor(&shape, &parameters, "model.embed_tokens.weight");
    assert_eq!(read[6 * 24..], embedding[..24]);
}

/// 12 of the context, 2 of the prompt, 2 of the horizon but its last: one more than fits.
#[test]
fn a_context_takes_places() {
    let ends = task(Ending::EndSymbol);
    let model = model("gpt2", &tokenizer());
    assert!(model.load(&restriction(Some("+a+a+a+a+a+a"), Some("\n")), &ends).is_ok());
    let (_, message) = refusal(&model, &restriction(Some("+a+a+a+a+a+a+"), Some("\n")), &ends);
    let expected = "file `m/config.json`: expected places for 17 tokens (13 before the prompt, 2 of the longest prompt, 2 of \
                    the horizon but its last), found 16";
    assert_eq!(message, expected);
}

#[test]
fn what_is_no_single_token_is_refused_by_name() {
    let ends = task(Ending::EndSymbol);
    let end = restriction(None, Some("\n"));
    let symbols = ["a", "bca", "é"].map(String::from).to_vec();
    let others = Task::new(Alphabet::new(symbols, vec![]).unwrap(), 3, Ending::EndSymbol);
    let cases = [
        (&end, &others, "load", "expected every symbol as exactly one token, found none for `bca`, `é`"),
        (
            &restriction(None, None),
            &ends,
            "end",
            "expected `end`, the text whose token ends an output, found none",
        ),
        (
            &restriction(None, Some("\n\n")),
            &ends,
            "end",
            r"expected `end` as exactly one token, found none that is `\n\n`",
        ),
        (
            &restriction(None, Some("bc")),
            &ends,
            "end",
            "expected a token as `end` that is no symbol, found the one of `bc`",
        ),
        (
            &restriction(Some("ad"), Some("\n")),
            &ends,
            "context",
            "expected a token for every byte of the text, found none that is `d`",
        ),
    ];
    for (restriction, task, field, expected) in cases {
        let found = refusal(&model("gpt2", &tokenizer()), restriction, task);
        let expected = format!("file `m/tokenizer.json`: {expected}");
        assert_eq!(found, (field.to_string(), expected));
    }
    let mut beyond = tokenizer();
    beyond["model"]["vocab"]["2"] = 23.into();
    let (_, message) = refusal(&model("gpt2", &beyond), &end, &ends);
    let expected = "file `m/tokenizer.json`: expected tokens below the model's `vocab_size` 23, found 23";
    assert_eq!(message, expected);
}

#[test]
fn texts_need_a_tokenizer() {
    for (restriction, field) in
        [(restriction(Some("a"), None), "context"), (restriction(None, Some("\n")), "end")]
    {
        let found = refusal(&Model::of("gpt2"), &restriction, &task(Ending::EndSymbol));
        let expected =
            format!("file `m/tokenizer.json`: expected this file, which `{field}` is read by, found none");
        assert_eq!(found, (field.to_string(), expected));
    }
}
