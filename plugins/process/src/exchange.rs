//! Talking to a child through its three pipes, none of which can keep the host waiting.

use crate::fault::Fault;
use crate::protocol::MOST_BYTES;
use crate::system::{set_nonblocking, wait_for_any};
use crate::tail::Tail;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

/// What is read from a pipe at once: as much as it holds.
const PIECE: usize = 1 << 16;

/// Most bytes of standard error that are looked at behind the end of a child.
const LAST_PIECES: usize = 64;

/// The host's ends of a child's pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
    /// `None` once it is closed.
    errors: Option<ChildStderr>,
    tail: Tail,
    /// Bytes of the output, of which `taken` are dealt with, and `searched` hold no further end of a line.
    read: Vec<u8>,
    taken: usize,
    searched: usize,
    piece: Box<[u8]>,
}

/// What came of reading the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Something.
    Bytes,
    /// Nothing yet.
    Nothing,
    /// It is closed.
    End,
}

impl Pipes {
    pub(crate) fn new(input: ChildStdin, output: ChildStdout, errors: ChildStderr) -> io::Result<Self> {
        set_nonblocking(input.as_fd())?;
        set_nonblocking(output.as_fd())?;
        set_nonblocking(errors.as_fd())?;
        let (tail, read, piece) = (Tail::default(), Vec::new(), vec![0; PIECE].into());
        Ok(Self { input, output, errors: Some(errors), tail, read, taken: 0, searched: 0, piece })
    }

    /// Waits until there is something to do, for at most `longest`.
    pub(crate) fn wait(&self, sending: bool, longest: Duration) -> io::Result<()> {
        let readable = [Some(self.output.as_fd()), self.errors.as_ref().map(AsFd::as_fd)];
        wait_for_any(&readable, sending.then(|| self.input.as_fd()), longest)
    }

    /// Writes as much as the child takes; how much. An error of kind `BrokenPipe` where it takes nothing any more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        match self.input.write(bytes) {
            Err(error) if is_for_later(&error) => Ok(0),
            sent => sent,
        }
    }

    /// Reads a piece of what the child wrote.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        self.receive_errors()?;
        match self.output.read(&mut self.piece) {
            Ok(0) => Ok(Received::End),
            Ok(bytes) => {
                self.read.drain(..self.taken);
                self.searched -= self.taken;
                self.taken = 0;
                self.read.extend(&self.piece[..bytes]);
                Ok(Received::Bytes)
            }
            Err(error) if is_for_later(&error) => Ok(Received::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Reads a piece of standard error; whether there was one.
    pub(crate) fn receive_errors(&mut self) -> io::Result<bool> {
        let Some(errors) = &mut self.errors else { return Ok(false) };
        match errors.read(&mut self.piece) {
            Ok(0) => self.errors = None,
            Ok(bytes) => {
                self.tail.push(&self.piece[..bytes]);
                return Ok(true);
            }
            Err(error) if is_for_later(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(false)
    }

    /// The end of standard error, with what a child that is gone has left there.
    pub(crate) fn last_errors(&mut self) -> Vec<String> {
        for _ in 0..LAST_PIECES {
            if !self.receive_errors().unwrap_or(false) {
                break;
            }
        }
        self.tail.lines()
    }

    /// Where the next whole line of the output stands, without its end.
    ///
    /// # Errors
    /// If it is too long.
    pub(crate) fn line(&mut self) -> Result<Option<Range<usize>>, Fault> {
        let end = self.read[self.searched..].iter().position(|&byte| byte == b'\n');
        let end = end.map(|place| self.searched + place);
        self.searched = end.map_or(self.read.len(), |end| end + 1);
        let line = self.taken..end.unwrap_or(self.read.len());
        if line.len() > MOST_BYTES {
            return Err(Fault::LongLine { limit: MOST_BYTES });
        }
        Ok(end.map(|end| std::mem::replace(&mut self.taken, end + 1)..end))
    }

    /// Bytes of the output.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.read[range]
    }

    /// Whether all that was read is dealt with.
    pub(crate) fn is_quiet(&self) -> bool {
        self.taken == self.read.len()
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
