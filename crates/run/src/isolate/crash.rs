//! A process that its components share goes on as another one where one of them ends it: the same program, the same run,
//! with arms in processes of their own.
#![allow(unsafe_code, reason = "handles signals, and replaces the program")]

use super::{BlackBox, keep};
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// Signals by which a component ends its process.
const FATAL: [i32; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

/// The program and the arguments with which the run goes on, null-terminated.
static ARGUMENTS: AtomicPtr<*const libc::c_char> = AtomicPtr::new(ptr::null_mut());

/// The descriptor that leads to standard output, if another than standard output's own.
static OUTPUT: AtomicI32 = AtomicI32::new(-1);

/// Exit codes.
const NOT_LOADED: i32 = 3;
const FAILED: i32 = 4;

/// Whether ending the program is this program's own wish.
static DONE: AtomicBool = AtomicBool::new(false);

/// The place of the thread in which the program begins again; none is at zero.
static BEGINS: AtomicUsize = AtomicUsize::new(0);

/// What goes on after a crash.
#[derive(Debug)]
pub struct Going(());

/// From now on, where a component ends this process by a fault of memory, by giving up or by leaving, the program begins
/// again with `arguments`, the first of which is its path, and which should isolate what is left. `output` leads to standard
/// output, where that has been moved.
///
/// # Errors
/// If the system does not offer that.
pub fn go_on_isolated_after_a_crash(
    arguments: Vec<OsString>,
    output: Option<BorrowedFd<'static>>,
) -> io::Result<Going> {
    OUTPUT.store(output.map_or(-1, |output| output.as_raw_fd()), Ordering::Release);
    tell_what_ends_this_process()?;
    let going = Going(());
    going.with(arguments);
    // SAFETY: a plain function.
    unsafe { libc::atexit(on_exit) };
    Ok(going)
}

/// From now on, where a component ends this process by a fault of memory or by giving up, or a plugin file while it is
/// loaded, standard error says which it was, and the exit code is that of a plugin that was not loaded, or of an arm that
/// failed.
///
/// # Errors
/// If the system does not offer that.
pub fn tell_what_ends_this_process() -> io::Result<()> {
    keep(BlackBox::in_memory()?);
    FATAL.into_iter().try_for_each(|signal| handle(signal, on_signal, ptr::null_mut()))
}

/// From now on the thread that ends this process notes that in the process's box.
pub(super) fn note_what_ends_this_process() -> io::Result<()> {
    for (signal, before) in FATAL.into_iter().zip(&BEFORE) {
        // SAFETY: zeros are an action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        handle(signal, note_signal, &raw mut action)?;
        before.store(Box::into_raw(Box::new(action)), Ordering::Release);
    }
    // SAFETY: a plain function.
    unsafe { libc::atexit(note_exit) };
    Ok(())
}

/// What was done about each signal before.
static BEFORE: [AtomicPtr<libc::sigaction>; FATAL.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; FATAL.len()];

type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// Has a signal handled, and tells what was done about it before.
fn handle(signal: i32, handler: Handler, before: *mut libc::sigaction) -> io::Result<()> {
    // SAFETY: plain structs that live until after the call; handlers call nothing but what a handler may call.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, before)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

extern "C" fn note_signal(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    super::note(BlackBox::ending);
    // What comes again goes the way that it went before.
    let known = FATAL.iter().zip(&BEFORE).find(|(known, _)| **known == signal);
    let before = known.map_or(ptr::null_mut(), |(_, before)| before.load(Ordering::Acquire));
    // SAFETY: may be called in a handler; the action is null or lives for ever.
    unsafe {
        if before.is_null() {
            libc::signal(signal, libc::SIG_DFL);
        } else {
            libc::sigaction(signal, before, ptr::null_mut());
        }
        // A fault comes again by itself; what a process sends does not.
        if (*info).si_code <= 0 {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}

extern "C" fn note_exit() {
    super::note(BlackBox::ending);
}

impl Going {
    /// Goes on with these arguments instead: those of a run that has a directory.
    pub fn with(&self, arguments: Vec<OsString>) {
        let texts = arguments.into_iter().filter_map(|argument| CString::new(argument.into_vec()).ok());
        // For ever: a handler may read them at any time.
        let mut pointers: Vec<*const libc::c_char> = texts.map(|text| text.into_raw().cast_const()).collect();
        pointers.push(ptr::null());
        ARGUMENTS.store(Box::leak(pointers.into_boxed_slice()).as_mut_ptr(), Ordering::Release);
    }

    /// Whatever ends the process from now on is not a component.
    pub fn done(self) {
        DONE.store(true, Ordering::Release);
    }
}

extern "C" fn on_signal(_signal: i32, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    begin_again(b" ended the process: going on with every arm in a process of its own\n");
    super::note(BlackBox::write_own);
    let words = b" ended the process\n";
    let loading = super::OWN.get().is_some_and(|own| own.own_is_a_file());
    // SAFETY: each may be called in a handler.
    unsafe {
        libc::write(2, words.as_ptr().cast(), words.len());
        libc::_exit(if loading { NOT_LOADED } else { FAILED });
    }
}

extern "C" fn on_exit() {
    if !DONE.load(Ordering::Acquire) {
        begin_again(
            b" left the program before its work was done: going on with every arm in a process of its own\n",
        );
    }
}

/// Replaces this process's program by itself, anew. Returns only if that cannot be.
fn begin_again(words: &[u8]) {
    let arguments = ARGUMENTS.load(Ordering::Acquire);
    if arguments.is_null() || DONE.load(Ordering::Acquire) {
        return;
    }
    thread_local!(static PLACE: u8 = const { 0 });
    let own = PLACE.with(|place| ptr::from_ref(place).addr());
    match BEGINS.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        // One that faults twice cannot begin again.
        Err(other) if other == own => return,
        // Any other would end the process before that has begun again.
        Err(_) => loop {
            // SAFETY: waits for what ends it.
            unsafe { libc::pause() };
        },
    }
    super::note(BlackBox::write_own);
    // SAFETY: each may be called in a handler; the arguments are null-terminated and live for ever.
    unsafe {
        libc::write(2, words.as_ptr().cast(), words.len());
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        let output = OUTPUT.load(Ordering::Acquire);
        if output >= 0 {
            libc::dup2(output, libc::STDOUT_FILENO);
        }
        libc::execv(*arguments, arguments);
    }
}
