//! What is read here is held against the library: on texts of a grammar that knows the language's corners, whole and
//! with random damage.

use super::*;
use crate::config::{UniqueMap, options};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ron::value::RawValue;
use serde::Deserialize;
use std::fmt::Debug;

/// A value's text and its address, which two readings of one text agree on if they agree on the place.
#[derive(Debug)]
struct Place((String, *const u8));

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        value_text(deserializer).map(|text| Self((text.into(), text.as_ptr())))
    }
}

/// As the library alone would place it.
#[derive(Debug)]
struct LibraryPlace((String, *const u8));

impl<'de> Deserialize<'de> for LibraryPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.trim().get_ron();
        Ok(Self((text.into(), text.as_ptr())))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<T> {
    #[expect(dead_code, reason = "shown")]
    a: T,
    #[serde(default = "none")]
    #[expect(dead_code, reason = "shown")]
    b: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Debug, Deserialize)]
struct Lenient {
    #[expect(dead_code, reason = "shown")]
    #[serde(default)]
    a: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown")]
enum Choice<T> {
    Unit,
    Newtype(T),
    Tuple(T, T),
    Struct { a: T, b: Option<T> },
}

#[derive(Debug, Deserialize)]
struct Newtype<T>(#[allow(dead_code, reason = "shown")] T);

#[derive(Debug, Deserialize)]
struct UnitStruct;

/// Whether the text was read here; then the library reads the same.
fn agrees<T: DeserializeOwned + Debug>(text: &str) -> bool {
    let Some(value) = read::<T>(text) else { return false };
    let kind = std::any::type_name::<T>();
    match options().from_str::<T>(text) {
        Ok(expected) => assert_eq!(format!("{value:?}"), format!("{expected:?}"), "{kind}: {text}"),
        Err(error) => panic!("{kind}: the library refuses `{text}`: {error}"),
    }
    true
}

/// As [`agrees`], for a type, lists, maps, options, structs and choices of it.
fn agrees_in_all_forms<T: DeserializeOwned + Debug>(text: &str) {
    agrees::<T>(text);
    agrees::<Vec<T>>(text);
    agrees::<Option<T>>(text);
    agrees::<(T, T)>(text);
    agrees::<Newtype<T>>(text);
    agrees::<Fields<T>>(text);
    agrees::<Choice<T>>(text);
    agrees::<Option<Choice<T>>>(text);
    agrees::<UniqueMap<T>>(text);
    agrees::<Vec<Fields<T>>>(text);
    agrees::<UniqueMap<Vec<T>>>(text);
    agrees::<Vec<Choice<Option<T>>>>(text);
}

fn agrees_for_all_types(text: &str) {
    agrees_in_all_forms::<Place>(text);
    agrees_in_all_forms::<f64>(text);
    agrees_in_all_forms::<u8>(text);
    agrees_in_all_forms::<String>(text);
    agrees::<f32>(text);
    agrees::<i8>(text);
    agrees::<i64>(text);
    agrees::<u64>(text);
    agrees::<bool>(text);
    agrees::<char>(text);
    agrees::<()>(text);
    agrees::<UnitStruct>(text);
    agrees::<Lenient>(text);
    agrees::<Vec<Lenient>>(text);
    agrees::<de::IgnoredAny>(text);
    agrees::<Fields<Newtype<Fields<Place>>>>(text);
}

/// The library gives what [`value_text`] gives, wherever the value stands.
fn places_are_those_of_the_library(text: &str) {
    let ours = options().from_str::<Vec<Place>>(text).ok();
    let expected = options().from_str::<Vec<LibraryPlace>>(text).ok();
    let ours: Option<Vec<_>> = ours.map(|places| places.into_iter().map(|Place(place)| place).collect());
    let expected = expected.map(|places| places.into_iter().map(|LibraryPlace(place)| place).collect());
    assert_eq!(ours, expected, "{text}");
}

/// Values that have no others in them: plain ones first, then rare and wrong ones.
const ATOMS: &[&str] = &[
    "0",
    "1",
    "-1",
    "+1",
    "1.5",
    "-0.25e-3",
    "1e5",
    "1E+5",
    "5.",
    "007",
    "-0",
    "300",
    "-0.0",
    "1e999",
    "true",
    "false",
    "None",
    "Unit",
    "foo_1",
    "()",
    "\"\"",
    "\"text\"",
    "\"ä ( // \"",
    "\"a\\\"b\\\\\\n\\u{e4}\"",
    "r\"raw\\\"",
    "r#\"a\"b\"#",
    "18446744073709551616",
    "[]",
    "{}",
    "Newtype(1)",
    "Some(2)", //
    ".5",
    "-.5",
    "1_000",
    "_1",
    "0x1F",
    "0b1",
    "12u8",
    "1.0f32",
    "1ee5",
    "1.2.3",
    "1e",
    "+",
    "-",
    "..",
    "1..2",
    "1..=2",
    "inf",
    "-inf",
    "inff64",
    "infinite",
    "NaN",
    "trueish",
    "Some",
    "Some()",
    "None()",
    "true()",
    "r",
    "b",
    "r#raw",
    "a.b",
    "a-b",
    "ä",
    "\"\\x41\"",
    "\"\\xc3\\xa4\"",
    "\"\\q\"",
    "\"\\u{d800}\"",
    "\"\\u{}\"",
    "\"\\u{0000041}\"",
    "\"open",
    "\"a\\\n  b\"",
    "r\"open",
    "r##\"a\"#b\"##",
    "'c'",
    "'('",
    "'\\''",
    "b\"x\"",
    "b'x'",
    "br\"x\"",
    "( )",
    "/",
    "#",
    "",
];

const SPACES: &[&str] = &[
    "",
    "",
    "",
    " ",
    "\n",
    "\t\r\n",
    "// ) \" x\n",
    "/* ( \" */",
    "/* /* */ , */",
    "//\n/**/ ",
    "\u{a0}",
    "\u{85}",
    "\u{b}",
    "/*/",
    "/* /* */",
    "//",
];

const NAMES: &[&str] = &["a", "b", "a", "b", "Unit", "Newtype", "r#a", "a.b", "true", "\"a\""];

const CHOICES: &[&str] =
    &["", "", "Some", "Unit", "Newtype", "Tuple", "Struct", "None", "Fields", "inf", "true", "r#Newtype"];

fn spaced(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    // Nearly always nothing rare.
    let space = || prop_oneof![20 => select(&SPACES[..10]), 1 => select(SPACES)];
    (space(), value, space()).prop_map(|(before, value, behind)| format!("{before}{value}{behind}"))
}

fn items(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (prop::collection::vec(item, 0..4), select(&["", "", ","][..]))
        .prop_map(|(items, end)| items.join(",") + end)
}

fn value() -> impl Strategy<Value = String> {
    let atom = prop_oneof![8 => select(&ATOMS[..31]), 1 => select(ATOMS)].prop_map(String::from);
    atom.prop_recursive(4, 24, 4, |inner| {
        let inner = spaced(inner).boxed();
        let name = prop_oneof![9 => select(&NAMES[..4]), 1 => select(NAMES)].prop_map(String::from);
        let fields = (spaced(name), inner.clone()).prop_map(|(name, value)| format!("{name}:{value}"));
        let key = prop_oneof![
            4 => select(&["\"a\"", "\"b\"", "\"c\"", "\"a\\n\""][..]).prop_map(String::from).boxed(),
            1 => inner.clone(),
        ];
        let entries = (spaced(key), inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            items(inner.clone()).prop_map(|items| format!("[{items}]")),
            items(entries).prop_map(|items| format!("{{{items}}}")),
            (spaced(select(CHOICES).prop_map(String::from)), items(inner)).prop_map(wrapped),
            (spaced(select(CHOICES).prop_map(String::from)), items(fields)).prop_map(wrapped),
        ]
    })
}

fn wrapped((name, items): (String, String)) -> String {
    format!("{name}({items})")
}

/// The text with its parts, of one character or a few, put in other places.
fn damaged(text: &str, damage: &[(Index, Index, &str)]) -> String {
    let mut text = text.to_string();
    for (at, length, added) in damage {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = at.index(places.len());
        let end = (at + length.index(3)).min(places.len() - 1);
        text.replace_range(places[at]..places[end], added);
    }
    text
}

const PIECES: &[&str] = &[
    "", "", ",", ":", "(", ")", "[", "]", "{", "}", "\"", "\\", "/", "//", "/*", "*/", "\n", " ", "1", ".",
    "-", "e", "_", "a", "r", "b", "#", "'", "Some", "None", "ä", "\u{85}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_read_is_what_the_library_reads(text in spaced(value())) {
        agrees_for_all_types(&text);
    }

    #[test]
    fn damaged_texts_too(
        text in spaced(value()),
        damage in prop::collection::vec((any::<Index>(), any::<Index>(), select(PIECES)), 1..3),
    ) {
        agrees_for_all_types(&damaged(&text, &damage));
    }

    #[test]
    fn numbers_of_every_spelling(text in "[+-]?[0-9eE.+_xbou-]{0,7}(f64|u8|i)?") {
        agrees_for_all_types(&text);
        agrees_for_all_types(&format!("[{text}]"));
    }

    #[test]
    fn texts_with_every_escape(text in r##"(r?#?"([a\\"nu{}x4é#]|\\u\{[0-9a-f]{0,7}\}){0,8}"#?){1,2}"##) {
        agrees_for_all_types(&text);
        agrees_for_all_types(&format!("[{text}]"));
    }

    #[test]
    fn places_through_the_library(
        text in items(spaced(value())),
        damage in prop::collection::vec((any::<Index>(), any::<Index>(), select(PIECES)), 0..2),
    ) {
        places_are_those_of_the_library(&damaged(&format!("[{text}]"), &damage));
    }
}

/// Otherwise nothing above would say anything.
#[test]
fn what_people_write_is_read_here() {
    for atom in &ATOMS[..31] {
        assert!(agrees::<Place>(atom), "{atom}");
        for space in &SPACES[..10] {
            let text = format!("{space}[{space}{atom}{space},{space}]{space}");
            assert!(agrees::<Vec<Place>>(&text), "{text}");
            let text = format!("({space}a{space}:{space}{atom}{space})");
            assert!(agrees::<Fields<Place>>(&text), "{text}");
        }
    }
    assert!(
        agrees::<f64>("1") && agrees::<u64>("18446744073709551615") && agrees::<i64>("-9223372036854775808")
    );
    assert!(agrees::<UniqueMap<Vec<f64>>>("{\"^^\": [0.5, 5e-1], // a row\n \"^a\": [1, 0],}"));
    assert!(
        agrees::<Option<f64>>("2.5") && agrees::<Option<f64>>("Some(2.5,)") && agrees::<Option<f64>>("None")
    );
    assert!(
        agrees::<Option<Choice<f64>>>("Struct(a: 1, b: 2)") && agrees::<Option<Choice<f64>>>("Newtype (1)")
    );
    assert!(agrees::<String>("\"a\\\"b\"") && agrees::<String>("r#\"a\"b\"#"));
}

/// The library counts how deep it is, in steps of its own.
#[test]
fn depth_is_left_to_the_library() {
    for depth in 0..140 {
        for (open, close) in
            [("[", "]"), ("(", ")"), ("(a: ", ")"), ("{1: ", "}"), ("Some(", ")"), ("A(", ")")]
        {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let read = agrees::<Place>(&text);
            assert_eq!(read, depth <= 24, "{text}");
            agrees::<de::IgnoredAny>(&text);
        }
    }
}
