//! A vocabulary of fifteen tokens, whose merges are worked out by hand.

use super::*;
use serde_json::json;

/// The tokens, by number, are `<s>`, `a`, `b`, `c`, a space, a new line, `ab`, ` a`, `abc`, `1`, `2`, `12`, `+`, ` ab`, `bc`.
pub(in super::super) fn tokenizer() -> Value {
    let texts = ["<s>", "a", "b", "c", "Ġ", "Ċ", "ab", "Ġa", "abc", "1", "2", "12", "+", "Ġab", "bc"];
    let vocabulary: serde_json::Map<String, Value> =
        texts.iter().enumerate().map(|(number, text)| (text.to_string(), number.into())).collect();
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 0, "content": "<s>", "lstrip": false, "rstrip": false, "single_word": false}],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
        "post_processor": null,
        "model": {
            "type": "BPE",
            "dropout": null,
            "end_of_word_suffix": "",
            "vocab": vocabulary,
            "merges": ["a b", "Ġ a", "ab c", "1 2", "Ġ ab", "b c"],
        },
    })
}

fn read(value: &Value) -> Result<Tokenizer, String> {
    Tokenizer::read(value.to_string().as_bytes())
        .map_err(|fault| fault.of_file("t").message.replacen("file `t`: ", "", 1))
}

fn encode(value: &Value, text: &str) -> Result<Vec<usize>, String> {
    read(value)?.encode(text).map_err(|fault| fault.of_file("t").message.replacen("file `t`: ", "", 1))
}

#[test]
fn merges_are_made_by_rank_and_within_words() {
    let cases: [(&str, &[usize]); 12] = [
        ("", &[]),
        // a b first (rank 0), then ab c.
        ("abc", &[8]),
        ("abab", &[6, 6]),
        ("aab", &[1, 6]),
        ("bcb", &[14, 2]),
        // a b (0) leaves the space, which then takes ab (4), though " a" (1) is a pair at first.
        (" ab", &[13]),
        (" ac", &[7, 3]),
        ("12+", &[11, 12]),
        // 12 is a word of its own, with its space, of which no pair is known.
        ("ab 12", &[6, 4, 11]),
        ("a\nb", &[1, 5, 2]),
        // Not within words: the letters behind the digit begin a new one.
        ("1ab", &[9, 6]),
        ("a<s>bc", &[1, 0, 14]),
    ];
    for (text, expected) in cases {
        assert_eq!(encode(&tokenizer(), text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn merges_may_be_written_as_pairs() {
    let mut pairs = tokenizer();
    pairs["model"]["merges"] = json!([["a", "b"], ["ab", "c"]]);
    assert_eq!(encode(&pairs, "abc").unwrap(), [8]);
}

/// The tokenizer of SmolLM2 cuts digits off one by one, before spaces are joined to them.
#[test]
fn digits_may_be_cut_off_one_by_one() {
    let with_digits = |one_by_one: bool| {
        let mut value = tokenizer();
        value["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": one_by_one},
            {"type": "ByteLevel", "add_prefix_space": false},
        ]});
        value
    };
    assert_eq!(encode(&with_digits(true), "ab 12").unwrap(), [6, 4, 9, 10]);
    assert_eq!(encode(&with_digits(false), "ab 12").unwrap(), [6, 4, 11]);
    let mut spaced = tokenizer();
    spaced["pre_tokenizer"]["add_prefix_space"] = true.into();
    assert_eq!(encode(&spaced, "ab").unwrap(), [13]);
    assert_eq!(encode(&spaced, " ab").unwrap(), [13]);
    let mut whole = tokenizer();
    whole["pre_tokenizer"]["use_regex"] = false.into();
    whole["model"]["ignore_merges"] = true.into();
    whole["model"]["vocab"]["+a"] = 15.into();
    assert_eq!(encode(&whole, "+a").unwrap(), [15]);
}

#[test]
fn a_symbol_is_a_token_by_its_bytes_or_as_it_was_added() {
    let tokenizer = read(&tokenizer()).unwrap();
    let token = |text: &str| tokenizer.token(text).unwrap();
    assert_eq!([token(" ab"), token("\n"), token("<s>")], [Some(13), Some(5), Some(0)]);
    assert_eq!([token("Ġ"), token("ba"), token("")], [None; 3]);
}

#[test]
fn other_tokenizers_are_refused_by_name() {
    let start = "expected a byte-level BPE tokenizer, found";
    let cases: [(&str, Value, String); 10] = [
        ("/model/type", json!("Unigram"), format!("{start} `model` `Unigram`")),
        ("/model/dropout", json!(0.1), format!("{start} `dropout` `0.1`")),
        ("/model/end_of_word_suffix", json!("</w>"), format!("{start} `end_of_word_suffix` `\"</w>\"`")),
        ("/normalizer", json!({"type": "Lowercase"}), format!("{start} `normalizer` `Lowercase`")),
        ("/pre_tokenizer", json!(null), format!("{start} `pre_tokenizer` none")),
        ("/pre_tokenizer", json!({"type": "Metaspace"}), format!("{start} `pre_tokenizer` `Metaspace`")),
        (
            "/post_processor",
            json!({"type": "RobertaProcessing"}),
            format!("{start} `post_processor` `RobertaProcessing`"),
        ),
        (
            "/model/merges",
            json!(["a +"]),
            "expected `merges[0]` of tokens that make up a token, found `a` and `+`".into(),
        ),
        ("/model/merges", json!(["a"]), "expected `merges[0]` as two texts, found `\"a\"`".into()),
        ("/model/vocab", json!({"a": -1}), "expected `a` as the number of a token, found `-1`".into()),
    ];
    for (place, value, expected) in cases {
        let mut other = tokenizer();
        *other.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value;
        assert_eq!(read(&other).unwrap_err(), expected);
    }
    let damaged = Tokenizer::read(b"{\n1}").unwrap_err().of_file("t").message;
    let expected = "file `t`: expected JSON, found a fault: key must be a string at line 2 column 1";
    assert_eq!(damaged, expected);
}

/// Symbols are looked up whatever cuts texts; texts are not read.
#[test]
fn unknown_cuts_matter_to_texts_alone() {
    let mut split = tokenizer();
    split["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
    ]});
    assert_eq!(read(&split).unwrap().token("ab").unwrap(), Some(6));
    let expected = "expected a byte-level BPE tokenizer, found `pre_tokenizer` `Split`";
    assert_eq!(encode(&split, "ab").unwrap_err(), expected);
    assert_eq!(encode(&split, "").unwrap(), [0; 0]);
}

#[test]
fn texts_that_may_be_read_otherwise_are_refused() {
    let expected = "expected a token for every byte of the text, found none that is `Ã`";
    assert_eq!(encode(&tokenizer(), "aé").unwrap_err(), expected);
    let expected = "expected characters that are known to be letters or not, found `\u{93e}`";
    assert_eq!(encode(&tokenizer(), "\u{93e}").unwrap_err(), expected);
    let long = "a".repeat(16_385);
    let expected = "expected a text of at most 16384 bytes, found 16385";
    assert_eq!(encode(&tokenizer(), &long).unwrap_err(), expected);

    let mut normalised = tokenizer();
    normalised["normalizer"] = json!({"type": "NFC"});
    assert_eq!(encode(&normalised, "ab").unwrap(), [6]);
    let expected =
        "expected characters before U+0300 in texts that are normalised (NFC), found `字` in `a字`";
    assert_eq!(encode(&normalised, "a字").unwrap_err(), expected);

    let mut stripped = tokenizer();
    stripped["added_tokens"][0]["lstrip"] = true.into();
    assert_eq!(encode(&stripped, "ab").unwrap(), [6]);
    let expected =
        "expected added tokens without `lstrip`, `rstrip` and `single_word` in the text, found `<s>`";
    assert_eq!(encode(&stripped, "a <s>").unwrap_err(), expected);
}

/// Two hundred texts as the library tokenizers reads them, by tokenizers of four kinds.
#[test]
fn texts_are_read_as_the_library_reads_them() {
    let bytes = include_bytes!("../../../tests/parity/tokenizer/expected.json");
    let expected: Value = serde_json::from_slice(bytes).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let texts = list(&expected["texts"]);
    for kind in list(&expected["tokenizers"]) {
        let tokenizer = read(&kind["tokenizer"]).unwrap();
        let expected = list(&kind["tokens"]);
        assert_eq!(expected.len(), 200);
        for (text, expected) in texts.iter().zip(expected) {
            let found: Value = tokenizer.encode(text.as_str().unwrap()).unwrap().into();
            assert_eq!(found, expected, "{} reads {text}", kind["name"]);
        }
    }
}
