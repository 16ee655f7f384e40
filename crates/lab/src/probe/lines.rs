//! Questions and answers as JSON Lines, a batch at a time, in constant memory.

use super::BatchFault;
use crate::plugins::UnknownComponent;
use pstar_core::PluginError;
use pstar_core::data::{Alphabet, EncodeError, RaggedBuffer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Write};
use thiserror::Error;

/// Lines that are answered together.
const BATCH: usize = 4096;

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
    /// Reading or writing failed.
    #[error("the questions or answers cannot be passed on: {0}")]
    Io(#[from] io::Error),
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
    input: impl BufRead,
    output: &mut impl Write,
) -> Result<(), ProbeError> {
    let mut questions = Vec::with_capacity(BATCH);
    let mut first = 1;
    let mut fault = None;
    for (i, line) in input.lines().enumerate() {
        match line.map_err(ProbeError::from).and_then(|line| question::<P>(&line, i + 1)) {
            Ok(None) => {}
            Ok(Some(question)) => {
                if questions.is_empty() {
                    first = i + 1;
                }
                questions.push(question);
            }
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
        if questions.len() == BATCH {
            flush(probe, &mut questions, first, output)?;
        }
    }
    flush(probe, &mut questions, first, output)?;
    fault.map_or(Ok(()), Err)
}

fn question<P: LineProbe>(line: &str, number: usize) -> Result<Option<P::Question>, ProbeError> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(line).map(Some).map_err(|error| {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        ProbeError::Malformed { line: number, message: format!("{message}, at column {}", error.column()) }
    })
}

fn flush<P: LineProbe>(
    probe: &mut P,
    questions: &mut Vec<P::Question>,
    line: usize,
    output: &mut impl Write,
) -> Result<(), ProbeError> {
    let answers = probe.answer(questions, line)?;
    questions.clear();
    let mut text = Vec::new();
    for answer in answers {
        serde_json::to_writer(&mut text, &answer).map_err(io::Error::from)?;
        text.push(b'\n');
    }
    match output.write_all(&text).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// The tokens of a text that stands in a line.
pub(super) fn encode(alphabet: &Alphabet, text: &str, line: usize) -> Result<Vec<u32>, ProbeError> {
    let fault = |error: EncodeError| ProbeError::Malformed { line, message: format!("`{text}`: {error}") };
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
