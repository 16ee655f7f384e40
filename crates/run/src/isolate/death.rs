//! How a process ended that did not do its work.

use super::black_box::Doing;
use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

/// Signals that end a process, by name.
const SIGNALS: [(i32, &str); 9] = [
    (libc::SIGSEGV, "SIGSEGV: it reached for memory that is not its own"),
    (libc::SIGABRT, "SIGABRT: it gave up"),
    (libc::SIGKILL, "SIGKILL: somebody ended it, or the machine ran out of memory"),
    (libc::SIGBUS, "SIGBUS: memory that is not there"),
    (libc::SIGILL, "SIGILL: an instruction that there is not"),
    (libc::SIGFPE, "SIGFPE: a division by zero"),
    (libc::SIGTRAP, "SIGTRAP: a breakpoint, as damaged code holds by chance"),
    (libc::SIGSYS, "SIGSYS: a call of the system that is forbidden"),
    (libc::SIGXCPU, "SIGXCPU: its processor time is used up"),
];

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A signal.
    Signal(i32),
    /// It ended itself before its work was done.
    Exit(i32),
    /// It took no step for so long, and was ended.
    Idle(Duration),
}

impl Cause {
    pub(super) fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            if let Some(signal) = status.signal() {
                return Self::Signal(signal);
            }
        }
        Self::Exit(status.code().unwrap_or(-1))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => {
                let known = SIGNALS.iter().find(|(number, _)| number == signal);
                match known {
                    Some((_, name)) => f.write_str(name),
                    None => write!(f, "signal {signal}"),
                }
            }
            Self::Exit(code) => write!(f, "it ended itself with exit code {code}"),
            Self::Idle(time) => write!(f, "no step in {} s", time.as_secs_f64()),
        }
    }
}

/// How a process ended that did not do its work: why, and in what.
#[derive(Clone, Debug)]
pub struct Death {
    pub(super) cause: Cause,
    /// What its threads were doing.
    pub doing: Vec<Doing>,
    /// The end of what it said.
    pub said: String,
}

impl Death {
    /// The component that was being called, where one was.
    pub fn component(&self) -> Option<&Doing> {
        self.culprit().filter(|doing| doing.called.is_some())
    }

    /// What ended the process: what said so, or else what trains an arm, or whatever is being called.
    pub(super) fn culprit(&self) -> Option<&Doing> {
        let find = |what: fn(&Doing) -> bool| self.doing.iter().find(|doing| what(doing));
        // A signal that is sent to the process reaches any thread, one that does nothing too.
        find(|doing| doing.ending && (doing.arm.is_some() || doing.called.is_some()))
            .or_else(|| find(|doing| doing.arm.is_some()))
            .or_else(|| find(|doing| doing.called.is_some()))
    }

    /// The end of what it said, as one line; nothing if it said nothing.
    fn last_words(&self) -> String {
        let words: Vec<&str> = self.said.split_whitespace().collect();
        if words.is_empty() { String::new() } else { format!("; it said: {}", words.join(" ")) }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let component = self.component().and_then(|doing| doing.called.as_deref());
        let component = component.map(|name| format!("{name} ")).unwrap_or_default();
        let making = self.component().is_some_and(|doing| doing.making);
        let making = if making { " while it was made" } else { "" };
        write!(f, "{component}ended its process{making} ({}){}", self.cause, self.last_words())
    }
}
