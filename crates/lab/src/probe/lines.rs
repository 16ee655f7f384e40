//! Questions and answers as JSON Lines, a batch at a time, in constant memory.

use super::BatchFault;
use super::json::{BYTE_ORDER_MARK, malformed};
use pstar_core::data::{Alphabet, EncodeError, RaggedBuffer};
use pstar_core::{PluginError, shown};
use pstar_loader::UnknownComponent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read, Write};
use std::ops::ControlFlow;
use thiserror::Error;

/// Lines that are answered together, at most.
const BATCH: usize = 4096;

/// Longest line, and most bytes of lines that are answered together.
const LONGEST_LINE: u64 = 1 << 24;

/// Why a component could not be asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// A line is not what is asked for.
    #[error("line {line}: {message}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// What was expected and found.
        message: String,
    },
    /// The component is not offered.
    #[error(transparent)]
    Unknown(#[from] UnknownComponent),
    /// Neither a component nor an experiment that has one was named.
    #[error("no component was named")]
    Unnamed,
    /// The component failed.
    #[error(transparent)]
    Component(#[from] PluginError),
    /// The batch of an objective is malformed, or the objective failed.
    #[error(transparent)]
    Batch(#[from] BatchFault),
    /// The questions cannot be read.
    #[error("the questions cannot be read: {0}")]
    Input(io::Error),
    /// The answers cannot be written.
    #[error("the answers cannot be written: {0}")]
    Output(io::Error),
}

/// A component that answers lines.
pub trait LineProbe {
    /// A question.
    type Question: DeserializeOwned;
    /// Its answer.
    type Answer: Serialize;

    /// Answers questions in order; `line` is the number of the first.
    ///
    /// # Errors
    /// If a question has no answer; the line at fault is named.
    fn answer(&mut self, questions: &[Self::Question], line: usize) -> Result<Vec<Self::Answer>, ProbeError>;
}

/// Answers every line of `input` with a line of `output`.
///
/// Lines before a faulty one are answered.
///
/// # Errors
/// At the first line that is malformed or has no answer. A reader of the output that went away ends quietly.
pub fn ask_lines<P: LineProbe>(
    probe: &mut P,
    mut input: impl BufRead,
    output: &mut impl Write,
) -> Result<(), ProbeError> {
    let mut batch = Batch::<P> { questions: Vec::with_capacity(BATCH), first: 1, bytes: 0 };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(ProbeError::Input)?;
        let ended = line.is_empty();
        let (question, fault) = match question::<P>(&line, number) {
            Ok(question) => (question, None),
            Err(fault) => (None, Some(fault)),
        };
        // A batch is of lines next to each other, so that each knows its number.
        let complete = question.is_none();
        if let Some(question) = question {
            batch.push(question, number, line.len());
        }
        if (complete || batch.is_full()) && batch.answer(probe, output)?.is_break() {
            return Ok(());
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        if ended {
            break;
        }
    }
    Ok(())
}

/// Questions that are answered together.
struct Batch<P: LineProbe> {
    questions: Vec<P::Question>,
    /// Line of the first, from 1.
    first: usize,
    bytes: usize,
}

impl<P: LineProbe> Batch<P> {
    fn push(&mut self, question: P::Question, line: usize, bytes: usize) {
        if self.questions.is_empty() {
            self.first = line;
        }
        self.questions.push(question);
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.questions.len() == BATCH || self.bytes as u64 > LONGEST_LINE
    }

    /// Writes the answers; breaks where their reader has gone.
    fn answer(&mut self, probe: &mut P, output: &mut impl Write) -> Result<ControlFlow<()>, ProbeError> {
        if self.questions.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let answers = probe.answer(&self.questions, self.first)?;
        self.questions.clear();
        self.bytes = 0;
        let mut text = Vec::new();
        for answer in answers {
            serde_json::to_writer(&mut text, &answer).map_err(|error| ProbeError::Output(error.into()))?;
            text.push(b'\n');
        }
        match output.write_all(&text).and_then(|()| output.flush()) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(ProbeError::Output(error)),
        }
    }
}

/// The question of a line; none in a blank one.
fn question<P: LineProbe>(line: &[u8], number: usize) -> Result<Option<P::Question>, ProbeError> {
    if line.len() as u64 > LONGEST_LINE {
        let message = format!("expected a line of at most {LONGEST_LINE} bytes, found a longer one");
        return Err(ProbeError::Malformed { line: number, message });
    }
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|error| malformed(&error, number))
}

/// The tokens of a text that stands in a line.
pub(super) fn encode(alphabet: &Alphabet, text: &str, line: usize) -> Result<Vec<u32>, ProbeError> {
    let fault =
        |error: EncodeError| ProbeError::Malformed { line, message: format!("`{}`: {error}", shown(text)) };
    alphabet.encode(text).map_err(fault)
}

/// The prompts of questions, of which the first stands in `line`.
pub(super) fn encode_prompts<'q>(
    alphabet: &Alphabet,
    prompts: impl Iterator<Item = &'q str>,
    line: usize,
) -> Result<RaggedBuffer<u32>, ProbeError> {
    let mut buffer = RaggedBuffer::default();
    for (i, prompt) in prompts.enumerate() {
        buffer.push(&encode(alphabet, prompt, line + i)?);
    }
    Ok(buffer)
}
