//! How a child is started.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a child is started, and how long it may take.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program, as the system finds it.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// The folder that it runs in.
    pub(crate) directory: PathBuf,
    /// Variables of its environment besides this process's.
    pub(crate) environment: Vec<(String, String)>,
    /// The text that it is handed.
    pub(crate) config: String,
    /// Seconds until it must be ready.
    pub(crate) start_seconds: f64,
    /// Seconds until some verdict must come.
    pub(crate) seconds: f64,
}

impl Launch {
    /// The command, with three pipes.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory);
        // Sets and dictionaries of Python's have another order in every process otherwise.
        command.env("PYTHONHASHSEED", "0");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The command as people read it.
    pub(crate) fn shown(&self) -> String {
        let words = std::iter::once(self.program.to_string_lossy().into_owned());
        pstar_core::shown(&words.chain(self.arguments.iter().cloned()).collect::<Vec<_>>().join(" "))
    }
}
