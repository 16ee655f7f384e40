//! What the standard library does not ask of the system.
#![allow(unsafe_code, reason = "asks the system, which has no safe interface for it")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::Duration;

/// Reads and writes at this end of a pipe return at once, whether or not there was something to do.
pub(crate) fn set_nonblocking(pipe: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed, so it is open; its flags are read and written, no memory is.
    let done = unsafe {
        let flags = libc::fcntl(pipe.as_raw_fd(), libc::F_GETFL);
        flags >= 0 && libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits until one of `readable` has something to read or has ended, or `writable` takes something, for at most `longest`.
pub(crate) fn wait_for_any(
    readable: &[Option<BorrowedFd<'_>>],
    writable: Option<BorrowedFd<'_>>,
    longest: Duration,
) -> io::Result<()> {
    let entry = |pipe: BorrowedFd<'_>, events| libc::pollfd { fd: pipe.as_raw_fd(), events, revents: 0 };
    let mut entries: Vec<libc::pollfd> =
        readable.iter().flatten().map(|&pipe| entry(pipe, libc::POLLIN)).collect();
    entries.extend(writable.map(|pipe| entry(pipe, libc::POLLOUT)));
    let milliseconds = i32::try_from(longest.as_millis().max(1)).unwrap_or(i32::MAX);
    let count = libc::nfds_t::try_from(entries.len()).unwrap_or(0);
    // SAFETY: `entries` holds `count` entries of open descriptors and outlives the call.
    if unsafe { libc::poll(entries.as_mut_ptr(), count, milliseconds) } >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// Whether a child has ended. It is not reaped, so that its number stays its own.
pub(crate) fn has_ended(child: &Child) -> bool {
    // SAFETY: all zero bits are a `siginfo_t`, which the system overwrites.
    let mut information: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `information` outlives the call.
    let answer = unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut information, how) };
    // SAFETY: `waitid` sets the number of the process, or leaves the zero.
    answer == 0 && unsafe { information.si_pid() } != 0
}

/// Kills a child that leads a process group, and everything in the group. It must not have been reaped.
pub(crate) fn kill_group(leader: &Child) {
    if let Ok(group) = libc::pid_t::try_from(leader.id()) {
        // SAFETY: a signal touches no memory of this process. The leader is not reaped, so no other group has its number.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// The command's process leads a process group, which no signal of a terminal reaches, and under Linux is killed when the
/// thread that starts it ends: that must be one that lives as long as this process.
pub(crate) fn in_a_group_of_its_own(command: &mut Command) {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    {
        let parent = std::process::id();
        let die_with_parent = move || {
            // SAFETY: both are calls of the system alone, allowed between fork and exec.
            let parent_lives = unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0
                    && u32::try_from(libc::getppid()) == Ok(parent)
            };
            if parent_lives { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
        };
        // SAFETY: the closure allocates nothing and takes no lock.
        unsafe { command.pre_exec(die_with_parent) };
    }
}
