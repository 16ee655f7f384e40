//! This program: how it was called, how it is started again, and what lies beside it.

use crate::cli::Cli;
use clap::CommandFactory;
use pstar_loader::Plugin;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

static PROGRAM: OnceLock<Program> = OnceLock::new();

/// How a process came to be this program. The executable need not be its own: an interpreter may have loaded it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The words with which people call it.
    pub called: OsString,
    /// The executable with which it is started again.
    pub executable: PathBuf,
    /// What stands in front of its own arguments then: of an interpreter's, what loads this program.
    pub leading: Vec<OsString>,
    /// Its own arguments.
    pub arguments: Vec<OsString>,
    /// The file that holds its code, for provenance, where that is not the executable.
    pub code: Option<PathBuf>,
    /// The folder of the plugins that come with it.
    pub plugins: Option<PathBuf>,
    /// The plugin that is part of the program itself, and the file that holds its code.
    pub own: fn() -> Option<(Plugin, PathBuf)>,
}

impl Program {
    /// An executable of its own, with its plugins beside it.
    pub fn of_this_process() -> Self {
        let mut arguments = env::args_os();
        let called = arguments.next().unwrap_or("host".into());
        let executable = env::current_exe();
        Self {
            called,
            leading: Vec::new(),
            arguments: arguments.collect(),
            code: None,
            plugins: executable.as_ref().ok().and_then(|path| path.parent()).map(PathBuf::from),
            executable: executable.unwrap_or_else(|_| "host".into()),
            own: || None,
        }
    }

    /// The executable and all arguments with which it does the same again.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let mut words = self.start();
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// The executable and what stands in front of its own arguments.
    pub(crate) fn start(&self) -> Vec<OsString> {
        std::iter::once(self.executable.clone().into_os_string())
            .chain(self.leading.iter().cloned())
            .collect()
    }
}

/// A text in which the program has the name by which it was called, where that is another than its own.
pub(crate) fn as_called(text: &str) -> String {
    let called = program().called.to_string_lossy();
    // An executable is told by its own name, wherever it lies.
    if program().code.is_none() {
        return text.into();
    }
    let command = Cli::command();
    let commands = command.get_subcommands().map(|command| command.get_name().to_string());
    commands.fold(text.into(), |text, command| {
        text.replace(&format!("host {command}"), &format!("{called} {command}"))
    })
}

/// Says what this process is, once: it stays what it was first. For front ends that call no [`main`](crate::main).
pub fn set_program(program: Program) {
    let _ = PROGRAM.set(program);
}

/// What this process is.
pub(crate) fn program() -> &'static Program {
    PROGRAM.get_or_init(Program::of_this_process)
}
