//! Standard output, kept for this program alone.
#![allow(unsafe_code, reason = "asks about and moves file descriptors")]

use crate::failure::Failure;
use crate::program::as_called;
use console::Term;
use pstar_core::escaped;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The only descriptor that leads to standard output.
static OUTPUT: OnceLock<File> = OnceLock::new();

/// Whether the program was started with standard output closed.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Rust opens `/dev/null` in place of a closed descriptor before `main`, and results would vanish there. So the
/// question is asked earlier, by what the loader calls first.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[used]
// SAFETY: the sections hold pointers to functions that the loader calls once, before `main`.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static ASK: extern "C" fn() = ask_whether_closed;

extern "C" fn ask_whether_closed() {
    // SAFETY: asks for the flags of a descriptor, which need not be open.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// Takes standard output for [`print()`] and [`writer`]; what plugins print goes to standard error from now on. To be
/// called before plugins are loaded.
pub(crate) fn claim() {
    if CLOSED.load(Ordering::Relaxed) {
        return;
    }
    if let Ok(copy) = io::stdout().as_fd().try_clone_to_owned()
        && OUTPUT.set(File::from(copy)).is_ok()
    {
        // SAFETY: both descriptors are open; Rust's own handle of standard output is used by nobody.
        unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) };
    }
}

/// Standard output.
///
/// # Errors
/// If it is closed.
pub(crate) fn writer() -> Result<&'static File, Failure> {
    OUTPUT.get().ok_or_else(|| Failure::Output { message: "standard output is closed".into(), hint: None })
}

/// The descriptor of standard output, if it is open.
pub(crate) fn descriptor() -> Option<BorrowedFd<'static>> {
    OUTPUT.get().map(AsFd::as_fd)
}

/// Writes a text to standard output.
///
/// # Errors
/// If it cannot be written. A reader that went away is no error: it has what it wanted.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match writer()?.write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// Writes a text for people to standard output: what a terminal would obey is escaped, line breaks apart.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    print(&as_called(&text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")))
}

/// Says something on standard error; where that is gone there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escaped(text));
}

/// That standard output cannot be written.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    Failure::Output { message: format!("standard output cannot be written: {error}"), hint: None }
}

/// The width of the terminal; nothing where standard output is none.
pub(crate) fn room() -> Option<usize> {
    let output = OUTPUT.get().filter(|output| output.is_terminal())?;
    let (read, write) = (output.try_clone().ok()?, output.try_clone().ok()?);
    Term::read_write_pair(read, write).size_checked().map(|(_, columns)| usize::from(columns))
}
