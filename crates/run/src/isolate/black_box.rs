//! What a process was doing when it ended, whatever ended it: a file in memory that its parent reads afterwards.
//!
//! Writing costs a copy of some bytes and no call of the system.
#![allow(unsafe_code, reason = "shares memory with another process")]

use pstar_loader::{Called, Watcher};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Threads that are told apart; more share places.
const SLOTS: usize = 64;

/// Greatest number of bytes of a text.
const TEXT: usize = 1000;

/// How far a process is: arms are not trained before all is prepared.
const DURING: u32 = 1;
const AFTER: u32 = 2;

/// A text of a process that may end while it writes.
#[repr(C)]
struct Text {
    length: AtomicU32,
    bytes: [AtomicU8; TEXT],
}

impl Text {
    fn set(&self, text: &str) {
        // Empty while it is written: what ends the process in between is not this program's plugin.
        self.length.store(0, Ordering::Relaxed);
        let bytes = &text.as_bytes()[..text.floor_char_boundary(TEXT)];
        for (place, &byte) in self.bytes.iter().zip(bytes) {
            place.store(byte, Ordering::Relaxed);
        }
        self.length.store(u32::try_from(bytes.len()).unwrap_or(0), Ordering::Release);
    }

    fn clear(&self) {
        self.length.store(0, Ordering::Release);
    }

    fn get(&self) -> String {
        let length = self.length.load(Ordering::Acquire) as usize;
        let bytes: Vec<u8> =
            self.bytes.iter().take(length).map(|byte| byte.load(Ordering::Relaxed)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What one thread is doing.
#[repr(C)]
struct Slot {
    /// The arm's name, if it trains one.
    arm: Text,
    /// Steps of that arm, and how often that was told.
    step: AtomicU32,
    ticks: AtomicU32,
    /// The component that is being called, if one is.
    called: Text,
    /// Whether this thread ended the process.
    ending: AtomicU32,
    /// Whether it is being made.
    making: AtomicU32,
    /// The configuration that it is made from.
    configuration: Text,
}

#[repr(C)]
struct Content {
    /// Whether the process has done what it was to do.
    done: AtomicU32,
    /// Whether it has something to print, and whether whoever watches it is quiet.
    has_word: AtomicU32,
    is_heard: AtomicU32,
    /// The run's directory, once it has one.
    directory: Text,
    /// Zero before training, [`DURING`] it, or [`AFTER`] it.
    training: AtomicU32,
    /// Arms that were left when training began, and their steps.
    arms: AtomicU32,
    steps_each: AtomicU32,
    /// Steps taken, arms ended, and the last one's name.
    steps: AtomicU64,
    ended: AtomicU32,
    last: Text,
    slots: [Slot; SLOTS],
}

/// What a process is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doing {
    /// The arm's name, if it trains one.
    pub arm: Option<String>,
    /// The arm's step.
    pub step: u32,
    /// How often it told of a step, of any arm.
    pub(crate) ticks: u32,
    /// The component that is being called, or the file that is being loaded.
    pub called: Option<String>,
    /// Whether this is what ended the process, as far as the process could tell.
    pub ending: bool,
    /// Whether the component is being made.
    pub making: bool,
    /// The configuration that the component last called was made from.
    pub configuration: Option<String>,
}

/// A file in memory that two processes share.
#[derive(Debug)]
pub(crate) struct BlackBox {
    content: NonNull<Content>,
}

// SAFETY: the content is atomics throughout, and lives as long as the box.
unsafe impl Send for BlackBox {}
// SAFETY: as above.
unsafe impl Sync for BlackBox {}

impl BlackBox {
    /// A new one, in a file that is there and empty.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        file.set_len(size_of::<Content>() as u64)?;
        Self::map(&file)
    }

    /// One that another process made.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() != size_of::<Content>() as u64 {
            return Err(io::Error::other("the file is of another version of this program"));
        }
        Self::map(&file)
    }

    /// One that no other process sees.
    pub(crate) fn in_memory() -> io::Result<Self> {
        Self::at(libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1)
    }

    fn map(file: &File) -> io::Result<Self> {
        Self::at(libc::MAP_SHARED, file.as_raw_fd())
    }

    fn at(flags: i32, descriptor: i32) -> io::Result<Self> {
        let (size, rights) = (size_of::<Content>(), libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: a file has that size, zeros are a content, and nobody else is told where it is.
        let place = unsafe { libc::mmap(std::ptr::null_mut(), size, rights, flags, descriptor, 0) };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let content = NonNull::new(place.cast::<Content>()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { content })
    }

    /// Whether this thread is loading a plugin file.
    pub(crate) fn own_is_a_file(&self) -> bool {
        let called = &self.slot().called;
        let start = b"plugin file";
        called.length.load(Ordering::Relaxed) as usize > start.len()
            && called.bytes.iter().zip(start).all(|(found, byte)| found.load(Ordering::Relaxed) == *byte)
    }

    /// Writes what this thread is doing to standard error. Calls nothing but `write`, so that a handler of signals may.
    pub(crate) fn write_own(&self) {
        let slot = self.slot();
        let write = |text: &Text| {
            let length = (text.length.load(Ordering::Relaxed) as usize).min(TEXT);
            // SAFETY: so many bytes are there; what comes of the write nobody can be told.
            unsafe { libc::write(2, text.bytes.as_ptr().cast(), length) };
            length > 0
        };
        if !write(&slot.called) {
            let unknown = b"this program itself";
            // SAFETY: as above.
            unsafe { libc::write(2, unknown.as_ptr().cast(), unknown.len()) };
        }
    }

    fn content(&self) -> &Content {
        // SAFETY: mapped until this is dropped.
        unsafe { self.content.as_ref() }
    }

    fn slot(&self) -> &Slot {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static OWN: Cell<Option<usize>> = const { Cell::new(None) });
        let own = OWN.get().unwrap_or_else(|| {
            let own = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
            OWN.set(Some(own));
            own
        });
        &self.content().slots[own]
    }

    /// This thread begins an arm, at a step.
    pub(crate) fn arm(&self, id: &str, step: u32) {
        let slot = self.slot();
        slot.step.store(step, Ordering::Relaxed);
        slot.ticks.fetch_add(1, Ordering::Relaxed);
        slot.arm.set(id);
    }

    /// The arm of this thread has taken so many steps.
    pub(crate) fn step(&self, step: u32) {
        let slot = self.slot();
        slot.step.store(step, Ordering::Relaxed);
        slot.ticks.fetch_add(1, Ordering::Relaxed);
        self.content().steps.fetch_add(1, Ordering::Relaxed);
    }

    /// This thread's arm has ended.
    pub(crate) fn arm_ended(&self) {
        let slot = self.slot();
        slot.called.clear();
        slot.arm.clear();
        slot.ticks.fetch_add(1, Ordering::Relaxed);
    }

    /// This thread ends the process. For handlers of signals.
    pub(crate) fn ending(&self) {
        self.slot().ending.store(1, Ordering::Release);
    }

    /// The run has a directory.
    pub(crate) fn set_directory(&self, path: &Path) {
        self.content().directory.set(&path.to_string_lossy());
    }

    pub(crate) fn directory(&self) -> Option<PathBuf> {
        Some(self.content().directory.get()).filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    /// Training begins: so many arms are left, of so many steps.
    pub(crate) fn begin_training(&self, arms: u64, steps: u32) {
        let content = self.content();
        content.arms.store(u32::try_from(arms).unwrap_or(u32::MAX), Ordering::Relaxed);
        content.steps_each.store(steps, Ordering::Relaxed);
        content.training.store(DURING, Ordering::Release);
    }

    /// Training has ended.
    pub(crate) fn end_training(&self) {
        self.content().training.store(AFTER, Ordering::Release);
    }

    pub(crate) fn is_training(&self) -> bool {
        self.content().training.load(Ordering::Acquire) == DURING
    }

    pub(crate) fn has_trained(&self) -> bool {
        self.content().training.load(Ordering::Acquire) == AFTER
    }

    /// Arms that were left when training began, and their steps.
    pub(crate) fn extent(&self) -> (u32, u32) {
        let content = self.content();
        (content.arms.load(Ordering::Relaxed), content.steps_each.load(Ordering::Relaxed))
    }

    /// An arm of this name was trained to its end.
    pub(crate) fn count_arm(&self, name: &str) {
        self.content().last.set(name);
        self.content().ended.fetch_add(1, Ordering::Release);
    }

    /// Steps taken so far, arms trained to their end, and what the last one is called.
    pub(crate) fn progress(&self) -> (u64, u32, String) {
        let content = self.content();
        let ended = content.ended.load(Ordering::Acquire);
        (content.steps.load(Ordering::Relaxed), ended, content.last.get())
    }

    /// The process has something to print.
    pub(crate) fn ask_for_quiet(&self) {
        self.content().has_word.store(1, Ordering::Release);
    }

    pub(crate) fn wants_quiet(&self) -> bool {
        self.content().has_word.load(Ordering::Acquire) == 1 && !self.is_quiet()
    }

    /// Whoever watches it prints nothing any more.
    pub(crate) fn set_quiet(&self) {
        self.content().is_heard.store(1, Ordering::Release);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.content().is_heard.load(Ordering::Acquire) == 1
    }

    /// The process has done what it was to do.
    pub(crate) fn set_done(&self) {
        self.content().done.store(1, Ordering::Release);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.content().done.load(Ordering::Acquire) == 1
    }

    /// What the threads are doing that do something.
    pub(crate) fn doing(&self) -> Vec<Doing> {
        let told = |text: &Text| Some(text.get()).filter(|text| !text.is_empty());
        let doing = self.content().slots.iter().map(|slot| Doing {
            arm: told(&slot.arm),
            step: slot.step.load(Ordering::Relaxed),
            ticks: slot.ticks.load(Ordering::Relaxed),
            called: told(&slot.called),
            ending: slot.ending.load(Ordering::Relaxed) == 1,
            making: slot.making.load(Ordering::Relaxed) == 1,
            configuration: told(&slot.configuration),
        });
        doing.filter(|doing| *doing != Doing::default()).collect()
    }

    /// Steps of all threads so far.
    pub(crate) fn ticks(&self) -> u32 {
        self.content().slots.iter().fold(0, |sum, slot| sum.wrapping_add(slot.ticks.load(Ordering::Relaxed)))
    }
}

impl Drop for BlackBox {
    fn drop(&mut self) {
        // SAFETY: mapped with this size, and no reference outlives the box.
        unsafe { libc::munmap(self.content.as_ptr().cast(), size_of::<Content>()) };
    }
}

impl Watcher for &'static BlackBox {
    fn entered(&self, called: Called<'_>) {
        let slot = self.slot();
        thread_local!(static LAST: Cell<u64> = const { Cell::new(0) });
        // What is called again and again is written once.
        if called.id == 0 || LAST.replace(called.id) != called.id {
            slot.configuration.set(called.configuration);
        }
        slot.making.store(u32::from(called.making), Ordering::Relaxed);
        // On the way, so that no text is made.
        slot.called.length.store(0, Ordering::Relaxed);
        let parts = [called.kind.as_bytes(), b" `", called.name.as_bytes(), b"`"];
        let mut length = 0;
        for (place, &byte) in slot.called.bytes.iter().zip(parts.iter().copied().flatten()) {
            place.store(byte, Ordering::Relaxed);
            length += 1;
        }
        slot.called.length.store(length, Ordering::Release);
    }

    fn left(&self) {
        self.slot().called.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_writes_the_other_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box");
        File::create(&path).unwrap();
        let parent = BlackBox::create(&path).unwrap();
        let child: &'static BlackBox = Box::leak(Box::new(BlackBox::open(&path).unwrap()));
        assert!(parent.doing().is_empty() && parent.directory().is_none() && !parent.is_done());
        child.set_directory(Path::new("runs/a"));
        child.arm("abc", 7);
        let called =
            Called { kind: "objective", name: "ünique", configuration: "(x: 1)", making: true, id: 0 };
        (&child).entered(called);
        let doing = parent.doing();
        assert_eq!(doing.len(), 1);
        assert_eq!((doing[0].arm.as_deref(), doing[0].step), (Some("abc"), 7));
        assert_eq!(doing[0].called.as_deref(), Some("objective `ünique`"));
        assert_eq!(doing[0].configuration.as_deref(), Some("(x: 1)"));
        (&child).left();
        child.step(8);
        assert_eq!((parent.doing()[0].step, parent.doing()[0].called.as_deref()), (8, None));
        assert_eq!(parent.ticks(), 2);
        let long = "é".repeat(TEXT);
        child.arm(&long, 0);
        assert_eq!(parent.doing()[0].arm.as_deref(), Some(&long[..TEXT]));
        child.begin_training(3, 400);
        assert!(parent.is_training() && parent.extent() == (3, 400));
        assert_eq!(parent.progress(), (1, 0, String::new()));
        child.count_arm("bigram · alpha");
        assert_eq!(parent.progress(), (1, 1, "bigram · alpha".into()));
        assert!(!parent.wants_quiet());
        child.ask_for_quiet();
        assert!(parent.wants_quiet());
        parent.set_quiet();
        assert!(child.is_quiet() && !parent.wants_quiet());
        child.end_training();
        assert!(parent.has_trained() && !parent.is_training());
        child.set_done();
        assert!(parent.is_done());
        assert_eq!(parent.directory(), Some(PathBuf::from("runs/a")));
    }
}
