//! Event files of TensorBoard: a folder an arm, a scalar a figure.
//!
//! A file is records of a length, its checksum, a protocol buffer `Event` and its checksum, all little-endian
//! (`tensorflow/core/lib/io/record_writer.h`, `tensorflow/core/util/event.proto`). Times are steps: a clock in a result
//! would make it another result each time.

use super::{ArmName, ArmObserver, Observer};
use crate::files::Unwritable;
use crc::{CRC_32_ISCSI, Crc};
use pstar_lab::training::ArmEvent;
use pstar_record::CurvePoint;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// CRC-32C.
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Writes event files below a folder.
#[derive(Clone, Debug)]
pub struct TensorBoard {
    folder: PathBuf,
}

impl TensorBoard {
    /// Below a folder, which `tensorboard --logdir` is given.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Observer for TensorBoard {
    fn begin(
        &self,
        arm: ArmName<'_>,
        _folder: &Path,
        curve: &[CurvePoint],
    ) -> Result<Box<dyn ArmObserver>, Unwritable> {
        let folder = self.folder.join(folder_name(arm));
        let path = folder.join("events.out.tfevents.0.pstar");
        let begin = || {
            fs::create_dir_all(&folder)?;
            let mut file = File::create(&path)?;
            file.write_all(&record(&event(0, &version())))?;
            Ok(file)
        };
        let file = begin().map_err(Unwritable::at(&path))?;
        let mut events = Events { path, file };
        curve.iter().try_for_each(|point| events.point(point))?;
        Ok(Box::new(events))
    }
}

/// A folder's name that says what the arm is called, as far as a file system takes it.
fn folder_name(arm: ArmName<'_>) -> PathBuf {
    let plain = |name: &str| -> String {
        let fit = |c: char| if c.is_alphanumeric() || "-_.=+ ".contains(c) { c } else { '_' };
        let name: String = name.chars().map(fit).take(60).collect();
        // What begins with a dot is hidden, or another folder.
        if name.starts_with('.') || name.is_empty() { format!("_{name}") } else { name }
    };
    // Names that are alike once they are plain are told apart by the arm's own.
    let rate = arm.learning_rate.map_or(String::new(), |rate| format!("rate {rate:?} "));
    let own = format!("{rate}seed {} {}", arm.seed, arm.id);
    PathBuf::from(plain(arm.policy)).join(plain(arm.objective)).join(own)
}

/// The event file of an arm.
struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    fn point(&mut self, point: &CurvePoint) -> Result<(), Unwritable> {
        let mut values = Vec::new();
        for (name, measure) in point.measures.flat() {
            // Infinities are no points of a plot.
            if let Some(value) = measure.value.filter(|value| value.is_finite()) {
                scalar(&mut values, &name, value);
            }
        }
        for (name, mean) in point.signals.iter() {
            if let Some(mean) = mean.filter(|mean| mean.is_finite()) {
                scalar(&mut values, &format!("signals/{name}"), mean);
            }
        }
        let mut summary = Vec::new();
        bytes_field(&mut summary, 5, &values);
        self.file.write_all(&record(&event(point.step, &summary))).map_err(Unwritable::at(&self.path))
    }
}

impl ArmObserver for Events {
    fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable> {
        if let ArmEvent::Point(point) = event { self.point(point) } else { Ok(()) }
    }
}

/// Adds a value of a summary.
#[expect(clippy::cast_possible_truncation, reason = "TensorBoard's scalars have 32 bits")]
fn scalar(values: &mut Vec<u8>, tag: &str, value: f64) {
    let mut own = Vec::new();
    bytes_field(&mut own, 1, tag.as_bytes());
    own.push(2 << 3 | 5);
    own.extend((value as f32).to_le_bytes());
    bytes_field(values, 1, &own);
}

/// The content of the first event.
fn version() -> Vec<u8> {
    let mut content = Vec::new();
    bytes_field(&mut content, 3, b"brain.Event:2");
    content
}

/// An event at a step.
fn event(step: u32, content: &[u8]) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend(f64::from(step).to_le_bytes());
    event.push(2 << 3);
    varint(&mut event, step.into());
    event.extend(content);
    event
}

fn bytes_field(message: &mut Vec<u8>, number: u8, content: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, content.len() as u64);
    message.extend(content);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

/// A message with its length and checksums.
fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let parts = [&length[..], &masked(&length), message, &masked(message)];
    parts.concat()
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    CHECKSUM.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
