//! Curves that are written as they come, read by readers that share nothing with what wrote them.

use crate::support::{PARITY_TASK, folder, host, shown};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn write(folder: &Path) {
    let text = format!(
        r#"(name: "watched", {PARITY_TASK}
            policies: {{"bi/gram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"..": (plugin: "reinforce"), "forward-kl": (plugin: "forward-kl")}},
            training: (gradient: Sampled(prompts: 1, group: 4), steps: 7, optimizer: Sgd(learning_rate: 0.1)),
            evaluation: (every: 2, k: [4], optima: false),
            seeds: [3])"#
    );
    fs::write(folder.join("watched.ron"), text).unwrap();
}

/// The CRC-32C of bytes, bit by bit, as RFC 3720 defines it.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

/// TensorFlow's mask: rotated right by 15 bits, plus a constant.
fn masked(bytes: &[u8]) -> u32 {
    let crc = crc(bytes);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap())
}

/// The fields of a protocol buffer: numbers and contents, those of varints as eight bytes.
fn fields(mut message: &[u8]) -> Vec<(u8, Vec<u8>)> {
    fn varint(message: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let content = match key & 7 {
            0 => varint(&mut message).to_le_bytes().to_vec(),
            kind => {
                let length = match kind {
                    1 => 8,
                    5 => 4,
                    2 => usize::try_from(varint(&mut message)).unwrap(),
                    other => panic!("wire type {other}"),
                };
                let (own, rest) = message.split_at(length);
                message = rest;
                own.to_vec()
            }
        };
        found.push((u8::try_from(key >> 3).unwrap(), content));
    }
    found
}

/// The scalars of an event file, by step and tag.
fn events(path: &Path) -> BTreeMap<(u64, String), f32> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut scalars, mut first) = (0, BTreeMap::new(), true);
    while at < bytes.len() {
        let length = usize::try_from(number(&bytes[at..at + 4])).unwrap();
        assert_eq!(number(&bytes[at + 4..at + 8]), 0);
        assert_eq!(number(&bytes[at + 8..at + 12]), masked(&bytes[at..at + 8]));
        let message = &bytes[at + 12..at + 12 + length];
        at += 12 + length;
        assert_eq!(number(&bytes[at..at + 4]), masked(message));
        at += 4;
        let event = fields(message);
        let one = |number: u8| event.iter().find(|(known, _)| *known == number).map(|(_, content)| content);
        let step = u64::from_le_bytes(one(2).unwrap().as_slice().try_into().unwrap());
        if first {
            assert_eq!(one(3).unwrap(), b"brain.Event:2");
            first = false;
            continue;
        }
        for (_, value) in fields(one(5).unwrap()) {
            let value = fields(&value);
            assert_eq!(value.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2]);
            let tag = String::from_utf8(value[0].1.clone()).unwrap();
            let scalar = f32::from_le_bytes(value[1].1.as_slice().try_into().unwrap());
            assert!(scalars.insert((step, tag), scalar).is_none());
        }
    }
    scalars
}

fn below(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, name));
        } else if path.file_name().unwrap().to_str().unwrap().contains(name) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn curves_are_written_as_they_come() {
    assert_watched(&[]);
}

#[cfg(target_os = "linux")]
#[test]
fn curves_are_written_as_they_come_by_every_process_of_an_isolated_run() {
    assert_watched(&["--isolate", "--threads", "2"]);
}

fn assert_watched(more: &[&str]) {
    let folder = folder();
    write(folder.path());
    let arguments = ["run", "watched.ron", "--out", "out", "--watch", "tensorboard", "--watch", "csv"];
    let output = host(folder.path(), &[&arguments, more].concat());
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    let out = folder.path().join("out");
    // What the run itself writes at its end, by arm.
    let mut expected: BTreeMap<String, BTreeMap<(u64, String), f64>> = BTreeMap::new();
    for line in fs::read_to_string(out.join("curves.csv")).unwrap().lines().skip(1) {
        let [_, objective, _, step, metric, value] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let point = (step.parse().unwrap(), metric.to_string());
        expected.entry(objective.into()).or_default().insert(point, value.parse().unwrap());
    }
    let files = below(&out.join("tensorboard"), "tfevents");
    assert_eq!(files.len(), 2);
    for (file, (_, expected)) in files.iter().zip(&expected) {
        let found = events(file);
        let steps: std::collections::BTreeSet<u64> = found.keys().map(|(step, _)| *step).collect();
        assert_eq!(steps.into_iter().collect::<Vec<_>>(), [0, 2, 4, 6, 7]);
        let finite = expected.iter().filter(|(_, value)| value.is_finite());
        assert_eq!(finite.clone().count(), found.len(), "{}", file.display());
        for ((step, metric), value) in finite {
            let signal = format!("signals/{metric}");
            let found = found.get(&(*step, metric.clone())).or_else(|| found.get(&(*step, signal.clone())));
            #[allow(clippy::cast_possible_truncation, reason = "as the file has it")]
            let expected = *value as f32;
            assert_eq!(found, Some(&expected), "{step} {metric}");
        }
    }
    // Names that are ways in a file system are names.
    assert!(files.iter().all(|file| file.strip_prefix(out.join("tensorboard")).unwrap().iter().count() == 4));
    for file in below(&out.join("arms"), "metrics.csv") {
        let text = fs::read_to_string(file).unwrap();
        let points: BTreeMap<(u64, String), f64> = text
            .lines()
            .skip(1)
            .map(|line| {
                let [step, metric, value] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
                ((step.parse().unwrap(), metric.to_string()), value.parse().unwrap())
            })
            .collect();
        assert!(expected.values().any(|expected| *expected == points));
    }
    let refused = host(folder.path(), &["run", "watched.ron", "--watch", "csv:0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(shown(&refused, folder.path()).contains("expected a number from 1 or `end`"));
}
