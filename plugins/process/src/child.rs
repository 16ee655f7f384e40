//! A child process: started, asked, and ended with all that it started.

use crate::exchange::{Pipes, Received};
use crate::fault::Fault;
use crate::launch::Launch;
use crate::protocol::{hello, read_answer, read_ready, request};
use crate::spawner::spawn;
use crate::system::{has_ended, in_a_group_of_its_own, kill_group};
use pstar_core::shown;
use serde_json::Value;
use std::io::{self, ErrorKind};
use std::process;
use std::time::{Duration, Instant};

/// How often a silent child is looked at: one that started others may be gone while its pipes stay open.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a child that has closed a pipe is given to end.
const GRACE: Duration = Duration::from_secs(1);

/// How many lines of other text may come before a child says that it is ready.
const MOST_CHATTER: usize = 100;

/// A child that is ready. Dropping it kills its process group.
#[derive(Debug)]
pub(crate) struct Child {
    process: Group,
    pipes: Pipes,
    seconds: f64,
    /// The id of the next pair, so that no answer is taken for that to another question.
    next_id: u64,
}

/// A process that leads a group.
#[derive(Debug)]
struct Group {
    leader: process::Child,
    is_reaped: bool,
}

impl Group {
    fn end(&mut self) -> io::Result<process::ExitStatus> {
        if !std::mem::replace(&mut self.is_reaped, true) {
            kill_group(&self.leader);
        }
        self.leader.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.end();
    }
}

/// Why a child did not get ready.
#[derive(Debug)]
pub(crate) struct NotReady {
    pub(crate) fault: Fault,
    /// The end of its standard error, line by line.
    pub(crate) stderr: Vec<String>,
}

impl Child {
    /// Starts a child and waits until it is ready.
    pub(crate) fn start(launch: &Launch) -> Result<Self, NotReady> {
        let no_child = |error| NotReady { fault: Fault::Start(error), stderr: Vec::new() };
        let mut command = launch.command();
        in_a_group_of_its_own(&mut command);
        let mut leader = spawn(command).map_err(no_child)?;
        let pipes = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take());
        let process = Group { leader, is_reaped: false };
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(no_child(io::Error::other("it has no pipes")));
        };
        let pipes = Pipes::new(input, output, errors).map_err(no_child)?;
        let mut child = Self { process, pipes, seconds: launch.seconds, next_id: 0 };
        // What libraries print while they are loaded.
        let mut chatter: Vec<String> = Vec::new();
        let greeted = child.exchange(&hello(&launch.config), launch.start_seconds, |line| {
            if line.starts_with(b"{") || chatter.len() == MOST_CHATTER {
                return read_ready(line).map(|()| true);
            }
            chatter.push(shown(&String::from_utf8_lossy(line)));
            Ok(false)
        });
        let Err(fault) = greeted else { return Ok(child) };
        let is_silent = matches!(fault, Fault::Ended { .. } | Fault::TimeOut { .. } | Fault::Closed { .. });
        let fault = match chatter.into_iter().next() {
            Some(found) if is_silent => Fault::NotReady { found },
            _ => fault,
        };
        Err(NotReady { fault, stderr: child.pipes.last_errors() })
    }

    /// Whether it has been asked anything.
    pub(crate) fn has_been_asked(&self) -> bool {
        self.next_id > 0
    }

    /// What the child says of pairs of prompt and response, in their order. After a fault it is of no more use.
    pub(crate) fn ask(&mut self, pairs: &[(&str, &str)]) -> Result<Vec<Value>, Fault> {
        let first = self.next_id;
        self.next_id += pairs.len() as u64;
        let mut said: Vec<Option<Value>> = vec![None; pairs.len()];
        let mut open = pairs.len();
        self.exchange(&request(first, pairs), self.seconds, |line| {
            let answer = read_answer(line)?;
            if answer.verdicts.is_empty() || answer.verdicts.len() > open {
                return Err(Fault::Count { found: answer.verdicts.len(), expected: open });
            }
            for (id, verdict) in answer.verdicts {
                let place =
                    id.checked_sub(first).and_then(|place| said.get_mut(usize::try_from(place).ok()?));
                let place = place.filter(|place| place.is_none()).ok_or(Fault::Unasked)?;
                *place = Some(verdict);
                open -= 1;
            }
            match open {
                0 => Ok(true),
                _ if answer.more => Ok(false),
                _ => Err(Fault::Count { found: pairs.len() - open, expected: pairs.len() }),
            }
        })?;
        Ok(said.into_iter().flatten().collect())
    }

    /// Writes a request and hands every line that comes to `take` until it says that this was the last; each must come
    /// within `seconds`.
    fn exchange(
        &mut self,
        request: &[u8],
        seconds: f64,
        mut take: impl FnMut(&[u8]) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let limit = Duration::from_secs_f64(seconds);
        let (mut unsent, mut is_answered, mut since) = (request, false, Instant::now());
        loop {
            while let Some(line) = self.pipes.line()? {
                if is_answered {
                    return Err(Fault::Unasked);
                }
                is_answered = take(self.pipes.bytes(line))?;
                since = Instant::now();
            }
            if is_answered && unsent.is_empty() {
                return if self.pipes.is_quiet() { Ok(()) } else { Err(Fault::Unasked) };
            }
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Err(Fault::TimeOut { seconds });
            }
            self.pipes.wait(!unsent.is_empty(), left.min(GLANCE)).map_err(Fault::Pipe)?;
            match self.pipes.send(unsent) {
                Ok(sent) => unsent = &unsent[sent..],
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    // What it said before may tell more.
                    while self.pipes.receive().map_err(Fault::Pipe)? == Received::Bytes {
                        while let Some(line) = self.pipes.line()? {
                            take(self.pipes.bytes(line))?;
                        }
                    }
                    return Err(self.gone("input"));
                }
                Err(error) => return Err(Fault::Pipe(error)),
            }
            // Looked at first: what it wrote before its end is there by then.
            let has_ended = has_ended(&self.process.leader);
            match self.pipes.receive().map_err(Fault::Pipe)? {
                Received::Bytes => {}
                Received::Nothing if !has_ended => {}
                Received::Nothing | Received::End => return Err(self.gone("output")),
            }
        }
    }

    /// Why a child that has closed a pipe, or ended, is of no more use.
    fn gone(&mut self, stream: &'static str) -> Fault {
        let since = Instant::now();
        while !has_ended(&self.process.leader) {
            if since.elapsed() > GRACE {
                return Fault::Closed { stream };
            }
            // It may be writing why it ends.
            let _ = self.pipes.receive_errors();
            std::thread::sleep(Duration::from_millis(1));
        }
        match self.process.end() {
            Ok(status) => Fault::Ended { status, last_line: self.pipes.last_errors().pop() },
            Err(error) => Fault::Pipe(error),
        }
    }
}
