//! The verifier `process`.

use crate::child::{Child, NotReady};
use crate::chunk::Asking;
use crate::config::{Config, FIELDS, Settings};
use crate::fault::Fault;
use crate::launch::Launch;
use crate::pool::Pool;
use pstar_core::author::{Judge, Verdict};
use pstar_core::{Field, PluginError, Task, Verifier};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Asks child processes.
pub(crate) struct ProcessVerifier {
    asking: Asking,
    pool: Pool,
    batch: usize,
    children: usize,
}

impl Verifier for ProcessVerifier {
    const NAME: &'static str = "process";
    const DOC: &'static str = "valid is what a process of any language says, asked in batches of JSON Lines";
    type Config = Config;
    const FIELDS: &'static [Field] = FIELDS;
    const JUDGE: Option<Judge<Self>> = Some(Self::judge);

    fn new(config: Config) -> Result<Self, PluginError> {
        Self::for_task(config, &Task::of_one_symbol())
    }

    fn for_task(config: Config, task: &Task) -> Result<Self, PluginError> {
        let Settings { launch, batch, children, restarts, threshold } = config.check(task)?;
        let first = Child::start(&launch).map_err(|not_ready| explained(&launch, &not_ready))?;
        let asking = Asking { launch, restarts, threshold };
        Ok(Self { asking, pool: Pool::new(first, children), batch, children })
    }

    /// For hosts that do not know of [`JUDGE`](Self::JUDGE).
    ///
    /// # Panics
    /// Where there is no verdict, which is never the same as invalid; the host reports it.
    fn accepts(&self, prompt: &str, response: &str) -> bool {
        match self.judge(&[(prompt, response)]).pop() {
            Some(Verdict::Unknown(reason)) => panic!("no verdict: {reason}"),
            judged => judged.and_then(|judged| judged.is_valid()) == Some(true),
        }
    }
}

impl ProcessVerifier {
    /// The verdicts on pairs, cut into batches in their order. Where a whole batch is lost to a process that fails whatever it
    /// is asked, the batches behind it are not asked.
    fn judge(&self, pairs: &[(&str, &str)]) -> Vec<Verdict> {
        let batches: Vec<_> = pairs.chunks(self.batch).collect();
        let judged: Vec<OnceLock<Vec<Verdict>>> = batches.iter().map(|_| OnceLock::new()).collect();
        let (next, is_lost) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batches.get(place) else { break };
                let verdicts = if is_lost.load(Ordering::Relaxed) {
                    let reason =
                        "it was not asked about, since the process failed on all of an earlier batch";
                    vec![Verdict::Unknown(reason.into()); batch.len()]
                } else {
                    let (verdicts, lost) = self.pool.with(|child| self.asking.judge(child, batch));
                    is_lost.fetch_or(lost, Ordering::Relaxed);
                    verdicts
                };
                // Every place is taken once.
                let _ = judged[place].set(verdicts);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.children.min(batches.len()) {
                scope.spawn(work);
            }
            work();
        });
        judged.into_iter().filter_map(OnceLock::into_inner).flatten().collect()
    }
}

/// Why a configuration is refused whose process does not get ready.
fn explained(launch: &Launch, NotReady { fault, stderr }: &NotReady) -> PluginError {
    let message = format!("the command `{}` does not verify: {fault}", launch.shown());
    let error = PluginError::config("command", message);
    match fault {
        Fault::Start(_) => error.with_hint(
            "a program without `/` is looked for in PATH, a relative path starts at the experiment file; name the \
             interpreter of a script, as in [\"python3\", \"verifier.py\"]",
        ),
        _ if stderr.is_empty() => error.with_hint("plugins/process/README.md says what lines are exchanged"),
        _ => error.with_hint(format!("the end of its standard error:\n{}", stderr.join("\n"))),
    }
}

#[cfg(test)]
mod tests;
