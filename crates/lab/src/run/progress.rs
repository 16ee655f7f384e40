//! How a run tells where it is.

/// Told of a run's progress, from several threads.
pub trait Progress: Sync {
    /// A phase before training begins.
    fn phase(&self, name: &str);
    /// So much of the exact values is worked out, of so much at most.
    fn prepared(&self, done: u64, most: u64) {
        let _ = (done, most);
    }
    /// Training begins: so many arms of so many steps.
    fn begin(&self, arms: u64, steps: u64);
    /// One more step of some arm was taken.
    fn step(&self);
    /// An arm ended.
    fn arm_ended(&self, name: &str);
    /// Training ended.
    fn end(&self);
    /// What was trained is written: nothing is lost from here on.
    fn written(&self) {}
    /// Something the user should know now.
    fn word(&self, text: &str) {
        let _ = text;
    }
    /// Whether the run is to stop: each arm does so behind its present batch, and none begins.
    fn stopped(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _name: &str) {}
    fn begin(&self, _arms: u64, _steps: u64) {}
    fn step(&self) {}
    fn arm_ended(&self, _name: &str) {}
    fn end(&self) {}
}
