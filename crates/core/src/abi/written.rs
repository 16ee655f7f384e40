//! The interface in words, held against what was written down when its version was last raised.
//!
//! Whoever changes what crosses the boundary meets this test. `crates/core/interface.txt` is written anew by
//! `PSTAR_WRITE_INTERFACE=1 cargo test -p pstar-core interface`, which refuses to where the version of `pstar-core` is still
//! the one of the file, and where anything has gone that was there under the same major version.

use super::{ColumnData, Columns, OwnedColumns, OwnedData};
use crate::INTERFACE_VERSION;
use crate::author::{FitBatch, GradientBatch, SampleRequest, Samples, ShapedParameters, Tensor};
use crate::data::{RaggedBuffer, SequenceBatch};
use crate::objective::{
    Claim, Declaration, Divergence, Moment, ObjectiveBuffer, ObjectiveStep, PartitionSource, PartitionUsed,
    PopulationForm, PromptFacts, Row, Source, When,
};
use crate::rng::{Purpose, StreamKey};
use crate::{abi, offers, wire};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// The sources whose types cross.
const SOURCES: [&str; 5] = [
    include_str!("root.rs"),
    include_str!("traits.rs"),
    include_str!("columns.rs"),
    include_str!("error.rs"),
    include_str!("key.rs"),
];

/// The types, the columns and the offers, a line each.
fn interface() -> String {
    let mut text = String::from("## Types\n");
    for source in SOURCES {
        for (declared, body) in declarations(source) {
            writeln!(text, "{declared}").unwrap();
            for (place, part) in body.iter().enumerate() {
                writeln!(text, "{declared} {place}: {part}").unwrap();
            }
        }
    }
    text.push_str("\n## Columns\n");
    for (message, columns) in columns() {
        for (name, kind) in columns {
            writeln!(text, "{message}: {name} {kind}").unwrap();
        }
    }
    text.push_str("\n## Offers\n");
    for (kind, words) in [
        ("verifier", offers::VERIFIER),
        ("base model", offers::BASE_MODEL),
        ("policy", offers::POLICY),
        ("objective", offers::OBJECTIVE),
    ] {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            writeln!(text, "{kind}: {word}").unwrap();
        }
    }
    text
}

/// The types of a source that cross the boundary, with their fields, variants or methods in their order.
fn declarations(source: &str) -> Vec<(String, Vec<String>)> {
    let code = source.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let code = code.join(" ").replace("( ", "(").replace(", )", ")");
    let mut declarations = Vec::new();
    for (at, mark) in code.match_indices("StableAbi").chain(code.match_indices("#[sabi_trait]")) {
        let Some(start) = code[at..].find("pub ").map(|start| at + start) else { continue };
        // An import, or a derive of another item.
        if code[at + mark.len()..start].contains(';') {
            continue;
        }
        let head = start + code[start..].find('{').unwrap();
        let body = &code[head + 1..head + close(&code[head..])];
        let layout = code[..at].rfind("#[repr(").map(|layout| &code[layout..at]);
        let layout = layout
            .filter(|between| !between.contains(['}', ';']))
            .map_or("", |between| between.split_inclusive(']').next().unwrap_or_default());
        declarations.push((format!("{layout} {}", &code[start..head]).trim().to_string(), parts(body)));
    }
    declarations.extend(
        code.match_indices("pub type ")
            .map(|(at, _)| (code[at..].split(';').next().unwrap().to_string(), Vec::new())),
    );
    declarations
}

/// Where the first bracket of a text closes.
fn close(text: &str) -> usize {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("`{text}` does not close")
}

/// The fields, variants or methods of a body.
fn parts(body: &str) -> Vec<String> {
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for character in body.chars() {
        match character {
            '(' | '<' | '[' | '{' => depth += 1,
            ')' | '>' | ']' | '}' if !part.ends_with('-') => depth -= 1,
            _ => {}
        }
        let ends_default = character == '}' && depth == 0 && part.contains("fn ");
        if depth == 0 && (character == ',' || character == ';' || ends_default) {
            parts.push(signature(&std::mem::take(&mut part)));
        } else {
            part.push(character);
        }
    }
    parts.push(signature(&part));
    parts.retain(|part| !part.is_empty());
    parts
}

/// A part without the body of a method that has a default, which is no part of the interface.
fn signature(part: &str) -> String {
    let has_body = part.contains("fn ");
    part.split('{').next().filter(|_| has_body).unwrap_or(part).trim().to_string()
}

/// Every message, with the names and types of its columns.
fn columns() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let mut prompts = RaggedBuffer::<u32>::default();
    prompts.push(&[]);
    let mut tokens = RaggedBuffer::<u32>::default();
    tokens.push(&[0]);
    let sequences = SequenceBatch::new(prompts.view(), &[0], tokens.view()).unwrap();
    let request = SampleRequest::new(prompts.view(), &[0], &[0]).unwrap();
    let gradient = GradientBatch::new(sequences, &[1.0], &[1.0]).unwrap().with_entropy(&[1.0]).unwrap();
    let fit = FitBatch::new(sequences, &[1.0]).unwrap();
    let facts = wire::FactColumns::of(&[PromptFacts::default()]);
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, PromptFacts::default());
    buffer.push(Row::new(1.0, &[-1.0]));
    let batch = buffer.view(Moment::new(0, StreamKey::new(1, Purpose::Objective, 0))).unwrap();
    let scalars = wire::ObjectiveScalars::of(&batch);
    let used = PartitionUsed { log_partition: 0.0, source: PartitionSource::Exact };
    let step = ObjectiveStep::per_token(vec![1.0]).with_entropy(vec![1.0]).with_partitions(vec![used]);
    let declaration = Declaration::default()
        .outcomes()
        .power(2.0)
        .sources(&[Source::Policy])
        .population(PopulationForm::PerSequence)
        .equal_lengths(PopulationForm::PerSequence)
        .beyond_counts(["scale"])
        .claim(Claim::ValidityRate)
        .caution(When::Always, "it does nothing")
        .divergence(Divergence::InvalidityRate);
    let tensors = vec![Tensor::new("a", &[1])];
    let parameters = ShapedParameters::new("s", vec![1.0]).with_tensors(tensors).unwrap();
    macro_rules! asked {
        ($put:ident, $($message:expr),+) => {{
            let mut writer = abi::ColumnWriter::default();
            wire::$put(&mut writer, $($message),+);
            borrowed(writer.columns())
        }};
    }
    vec![
        ("sequences", asked!(put_sequences, &sequences)),
        ("request for samples", asked!(put_request, &request)),
        ("samples", owned(&wire::give_samples(Samples::new(tokens.clone(), vec![-1.0])))),
        ("gradient batch", asked!(put_gradient_batch, &gradient)),
        ("batch to fit", asked!(put_fit_batch, &fit)),
        ("parameters", owned(&wire::give_parameters(parameters))),
        ("declaration", owned(&wire::give_declaration(&declaration))),
        ("prompts", asked!(put_facts, &facts)),
        ("objective batch", asked!(put_objective_batch, &batch, &scalars)),
        ("objective step", owned(&wire::give_step(step))),
    ]
}

fn borrowed(columns: Columns<'_>) -> Vec<(String, &'static str)> {
    let kind = |data: &ColumnData<'_>| match data {
        ColumnData::F64(_) => "f64",
        ColumnData::U64(_) => "u64",
        ColumnData::U32(_) => "u32",
        ColumnData::U8(_) => "u8",
    };
    columns.columns.iter().map(|column| (column.name.to_string(), kind(&column.data))).collect()
}

fn owned(columns: &OwnedColumns) -> Vec<(String, &'static str)> {
    let kind = |data: &OwnedData| match data {
        OwnedData::F64(_) => "f64",
        OwnedData::U64(_) => "u64",
        OwnedData::U32(_) => "u32",
        OwnedData::U8(_) => "u8",
    };
    columns.columns.iter().map(|column| (column.name.to_string(), kind(&column.data))).collect()
}

/// The lines of a text that another lacks.
fn missing<'t>(of: &'t str, other: &str) -> Vec<&'t str> {
    let other: BTreeSet<&str> = other.lines().collect();
    of.lines().filter(|line| !line.is_empty() && !other.contains(line)).collect()
}

#[test]
fn the_interface_is_the_one_of_its_version() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("interface.txt");
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let (version, kept) = kept.split_once('\n').unwrap_or_default();
    let found = interface();
    let (gone, new) = (missing(kept, &found), missing(&found, kept));
    if version == INTERFACE_VERSION && gone.is_empty() && new.is_empty() {
        return;
    }
    let change = format!("gone:\n{}\n\nnew:\n{}", gone.join("\n"), new.join("\n"));
    assert!(
        version != INTERFACE_VERSION,
        "what crosses the boundary is no longer what version {version} wrote down: raise the version of `pstar-core`, then \
         write `{}` anew (PSTAR_WRITE_INTERFACE=1)\n\n{change}",
        file.display()
    );
    let major = |version: &str| version.split('.').next().map(String::from);
    assert!(
        gone.is_empty() || major(version) != major(INTERFACE_VERSION),
        "under one major version the interface only grows: plugins of {version} rely on what is gone\n\n{change}"
    );
    assert!(
        env::var_os("PSTAR_WRITE_INTERFACE").is_some(),
        "`{}` is of version {version}, the package of {INTERFACE_VERSION}: run this test with PSTAR_WRITE_INTERFACE=1 and \
         read what it changes\n\n{change}",
        file.display()
    );
    fs::write(&file, format!("{INTERFACE_VERSION}\n{found}")).unwrap();
}
