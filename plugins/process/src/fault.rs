//! How a child fails.

use std::process::ExitStatus;
use std::{fmt, io};
use thiserror::Error;

/// Why a child is of no use any more. None holds a number that another run would not have: they become reasons in records.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// It cannot be started.
    #[error("the process cannot be started: {0}")]
    Start(io::Error),
    /// It took too long.
    #[error("the process gave no answer within {seconds} s")]
    TimeOut {
        /// The limit.
        seconds: f64,
    },
    /// It is gone.
    #[error("the process ended with {}{}", How(*status), Last(last_line.as_deref()))]
    Ended {
        /// How.
        status: ExitStatus,
        /// The last line of its standard error.
        last_line: Option<String>,
    },
    /// It lives but cannot be talked to.
    #[error("the process closed its standard {stream} and lives on")]
    Closed {
        /// Which.
        stream: &'static str,
    },
    /// A line is too long.
    #[error("the process wrote a line of more than {limit} bytes")]
    LongLine {
        /// How many are allowed.
        limit: usize,
    },
    /// Its first line does not begin the protocol.
    #[error("the first line of the process is `{found}`, expected `{}`", crate::protocol::READY)]
    NotReady {
        /// The line.
        found: String,
    },
    /// It speaks another version.
    #[error("the process speaks version {found} of the protocol, expected {}", crate::protocol::VERSION)]
    Version {
        /// What it said.
        found: String,
    },
    /// It does not want to.
    #[error("the process refuses: {reason}")]
    Refused {
        /// In its words.
        reason: String,
    },
    /// It answered with something else than an answer.
    #[error("the process answered {found}, expected `{}`", crate::protocol::ANSWER)]
    NoAnswer {
        /// What.
        found: String,
    },
    /// Too few verdicts, or too many.
    #[error("the process gave {found} verdicts, expected {expected}")]
    Count {
        /// How many.
        found: usize,
        /// How many were asked for.
        expected: usize,
    },
    /// Verdicts and questions do not belong together.
    #[error("the process wrote what was not asked for, or gave a verdict twice")]
    Unasked,
    /// The system fails.
    #[error("the pipes of the process fail: {0}")]
    Pipe(io::Error),
}

impl Fault {
    /// Whether the process mixes up questions and answers, so that none of its answers can be trusted.
    pub(crate) fn is_confusion(&self) -> bool {
        matches!(self, Self::Count { .. } | Self::Unasked)
    }
}

/// How a process ended.
struct How(ExitStatus);

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::process::ExitStatusExt as _;
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("an unknown status"),
        }
    }
}

/// The last line of standard error.
struct Last<'a>(Option<&'a str>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ", the last line of its standard error is `{line}`"))
    }
}
