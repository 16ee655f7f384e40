//! What a run tells of its progress.

use super::live::Live;
use crate::background::Left;
use pstar_host::Bars;
use pstar_lab::run::Progress;
use std::sync::Arc;

/// What is known of a run's progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    phase: String,
    prepared: (u64, u64),
    arms: u64,
    arms_ended: u64,
    last_arm: String,
    steps: u64,
    steps_done: u64,
    words: Vec<String>,
}

impl Told {
    /// As `pstar._run` takes it.
    pub(crate) fn arguments(&self) -> (&str, u64, u64, u64, u64, &str, u64, u64, Vec<&str>) {
        let words = self.words.iter().map(String::as_str).collect();
        let (done, most) = self.prepared;
        let Self { phase, arms, arms_ended, last_arm, steps, steps_done, .. } = self;
        (phase, done, most, *arms, *arms_ended, last_arm, *steps, *steps_done, words)
    }
}

/// Tells those who wait, and draws a bar.
pub(crate) struct Reporter {
    live: Arc<Live>,
    bars: Option<Bars>,
}

impl Reporter {
    /// Tells those who wait for a run.
    pub(crate) fn new(live: &Arc<Live>, bar: bool) -> Self {
        Self { live: Arc::clone(live), bars: bar.then(Bars::new) }
    }

    fn bar(&self, draw: impl FnOnce(&Bars)) {
        if let Some(bars) = &self.bars {
            draw(bars);
        }
    }

    /// Before training nothing asks whether to stop, and there is nothing to keep: nobody waits for it any more.
    fn leave_if_stopped(&self) {
        if self.live.stopped() && !self.live.has_begun() {
            std::panic::resume_unwind(Box::new(Left));
        }
    }
}

impl Progress for Reporter {
    fn phase(&self, name: &str) {
        self.live.told().phase = name.into();
        self.bar(|bars| bars.phase(name));
        self.leave_if_stopped();
    }

    fn prepared(&self, done: u64, most: u64) {
        self.live.told().prepared = (done, most);
        self.bar(|bars| bars.prepared(done, most));
        self.leave_if_stopped();
    }

    fn begin(&self, arms: u64, steps: u64) {
        {
            let mut told = self.live.told();
            told.phase = "training".into();
            (told.arms, told.steps) = (arms, arms * steps);
        }
        self.live.begin();
        self.bar(|bars| bars.begin(arms, steps));
    }

    fn step(&self) {
        self.live.told().steps_done += 1;
        self.bar(Bars::step);
    }

    fn arm_ended(&self, name: &str) {
        {
            let mut told = self.live.told();
            told.arms_ended += 1;
            told.last_arm = name.into();
        }
        self.bar(|bars| bars.arm_ended(name));
    }

    fn word(&self, text: &str) {
        self.live.told().words.push(text.into());
        self.bar(|bars| bars.word(text));
    }

    fn end(&self) {
        self.bar(Bars::end);
    }

    fn stopped(&self) -> bool {
        self.live.stopped()
    }
}
