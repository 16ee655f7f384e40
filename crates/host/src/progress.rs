//! A bar of progress; quiet where standard error is no terminal.

use indicatif::{ProgressBar, ProgressStyle};
use pstar_core::shown;
use pstar_lab::run::Progress;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A bar on standard error of what a run does; quiet where that is no terminal.
#[derive(Debug)]
pub struct Bars {
    bar: ProgressBar,
    arms: AtomicU64,
    ended: AtomicU64,
}

impl Default for Bars {
    fn default() -> Self {
        Self::new()
    }
}

impl Bars {
    /// A bar that turns.
    pub fn new() -> Self {
        let bar = ProgressBar::no_length();
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, arms: AtomicU64::new(0), ended: AtomicU64::new(0) }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Bars {
    fn phase(&self, name: &str) {
        self.bar.set_style(style("{spinner} {msg}"));
        self.bar.set_message(name.to_string());
    }

    fn prepared(&self, done: u64, most: u64) {
        self.bar.set_length(most);
        self.bar.set_position(done);
        self.bar.set_style(style("{bar:30} {human_pos} of at most {human_len} · {msg}"));
    }

    fn begin(&self, arms: u64, steps: u64) {
        self.arms.store(arms, Ordering::Relaxed);
        self.bar.set_position(0);
        self.bar.set_length(arms * steps);
        self.bar.set_message(format!("0/{arms} arms"));
        self.bar.set_style(style("{bar:30} {percent:>3} % of steps · {msg} · {eta} left"));
    }

    fn step(&self) {
        self.bar.inc(1);
    }

    fn arm_ended(&self, name: &str) {
        let ended = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
        let arms = self.arms.load(Ordering::Relaxed);
        self.bar.set_message(format!("{ended}/{arms} arms, last {}", shown(name)));
    }

    fn word(&self, text: &str) {
        // Where standard error is gone there is nobody left to tell.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{text}")));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
