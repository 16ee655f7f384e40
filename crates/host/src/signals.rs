//! Ctrl-C and its relatives: a run ends behind its present step and keeps what it has; a second one, a second later or more, ends it at once.

use crate::progress::Bars;
use pstar_lab::run::Progress;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::thread::{self, sleep};
use std::time::Duration;

/// What ends a run.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// What tells a worker that its time is nearly up, where its scheduler is asked to.
#[cfg(unix)]
const NOTICE: i32 = signal_hook::consts::SIGUSR1;

/// The exit code of a worker whose time was up: what it left goes on elsewhere.
pub(crate) const TIME_UP: u8 = 85;

/// Between two looks at whether a signal has come.
const LOOK: Duration = Duration::from_millis(50);

/// Signals that come within this time are one: schedulers send theirs to all processes, and those pass it on.
const ONE_SIGNAL: Duration = Duration::from_secs(1);

/// A run's progress that ends with a signal.
///
/// Before training there is nothing to keep, and after it everything is written: a signal ends the program then.
pub(crate) struct Interruptible {
    bars: Bars,
    /// The signal that came; 0 before.
    signal: Arc<AtomicUsize>,
    /// Whether the next one ends the program at once.
    at_once: Arc<AtomicBool>,
    listening: Once,
}

impl Interruptible {
    pub(crate) fn new() -> Self {
        Self { bars: Bars::new(), signal: Arc::default(), at_once: Arc::default(), listening: Once::new() }
    }

    /// Whether the signal was the notice that time is nearly up.
    pub(crate) fn is_notice(&self) -> bool {
        cfg!(unix) && self.signal() == u8::try_from(NOTICE).ok()
    }

    /// Has a notice that time is nearly up stop the run as well, from now on: it comes to programs that asked for it alone.
    pub(crate) fn listen_for_notice(&self) {
        #[cfg(unix)]
        // Where it cannot be heard, the end of the time ends the program.
        drop(flag::register_usize(
            NOTICE,
            Arc::clone(&self.signal),
            usize::try_from(NOTICE).unwrap_or_default(),
        ));
    }

    /// The signal that stopped the run.
    pub(crate) fn signal(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::SeqCst)).ok().filter(|&signal| signal > 0)
    }

    /// Has signals stop the run from now on. Where a system has no such signals, they end the program as they always did.
    pub(crate) fn listen(&self) {
        self.listening.call_once(|| drop(self.register()));
    }

    fn register(&self) -> io::Result<()> {
        for signal in SIGNALS.into_iter().filter(|&signal| !is_ignored(signal)) {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.at_once))?;
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&self.signal), number)?;
        }
        let (signal, at_once) = (Arc::clone(&self.signal), Arc::clone(&self.at_once));
        let wait = move || {
            while signal.load(Ordering::Relaxed) == 0 {
                sleep(LOOK);
            }
            sleep(ONE_SIGNAL);
            at_once.store(true, Ordering::SeqCst);
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
    }
}

/// Whether whoever started the program has it ignore a signal, as `nohup` does.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    #[allow(unsafe_code, reason = "asks the system, which has no safe interface for it")]
    // SAFETY: a null action only asks; the answer is a plain struct, for which zeros are a value.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
fn is_ignored(_signal: i32) -> bool {
    false
}

impl Progress for Interruptible {
    fn phase(&self, name: &str) {
        self.bars.phase(name);
    }

    fn prepared(&self, done: u64, most: u64) {
        self.bars.prepared(done, most);
    }

    fn begin(&self, arms: u64, steps: u64) {
        self.listen();
        self.bars.begin(arms, steps);
    }

    fn step(&self) {
        self.bars.step();
    }

    fn arm_ended(&self, name: &str) {
        self.bars.arm_ended(name);
    }

    fn word(&self, text: &str) {
        self.bars.word(text);
    }

    fn end(&self) {
        self.bars.end();
    }

    fn written(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }

    fn stopped(&self) -> bool {
        self.signal.load(Ordering::Relaxed) > 0
    }
}
