//! A run in Python's process.

mod live;
mod reporter;

use crate::background::Work;
use crate::failure::of_failure;
use live::Live;
use pstar_host::{Failure, open_experiment};
use pstar_report::run_table;
use pstar_run::{CHECKPOINT_SECONDS, Conducted, Part, RunError, RunOptions, Shown, conduct};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use reporter::{Reporter, Told};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What is run, and where it is written.
struct Asked {
    file: PathBuf,
    set: Vec<String>,
    out: Option<PathBuf>,
    store: Option<PathBuf>,
    fresh: bool,
    plugins: Vec<PathBuf>,
}

/// Runs an experiment; the directory, and how many arms failed. `progress` is called with what there is to tell, on the thread of
/// the caller.
///
/// # Errors
/// What is wrong with the experiment; what a signal or `progress` raised, which stops the run behind its present step.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "what the command line takes")]
pub(crate) fn run(
    py: Python<'_>,
    file: PathBuf,
    set: Vec<String>,
    out: Option<PathBuf>,
    store: Option<PathBuf>,
    fresh: bool,
    threads: usize,
    plugins: Vec<PathBuf>,
    bar: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<PathBuf> {
    let live = Arc::new(Live::default());
    live::enter(&live);
    let asked = Asked { file, set, out, store, fresh, plugins };
    let work = Work::begin(threads, {
        let live = Arc::clone(&live);
        move || {
            let _ended = live.ends();
            conducted(&asked, &Reporter::new(&live, bar))
        }
    })
    .inspect_err(|_| live.end())?;
    let mut raised: Option<PyErr> = None;
    let mut told = Told::default();
    let done = loop {
        if let Some(done) = work.look(py)? {
            break done;
        }
        let tell = |told: &mut Told| match (&progress, live.news(told)) {
            (Some(progress), true) => progress.call1(py, told.arguments()).map(drop),
            _ => Ok(()),
        };
        let checked = if raised.is_none() {
            py.check_signals().and_then(|()| tell(&mut told))
        } else {
            py.check_signals()
        };
        if let Err(error) = checked {
            // A second one ends the wait at once, and before training there is nothing to wait for: what is on disk is whole.
            let at_once = raised.is_some() || !live.has_begun();
            live.stop();
            if at_once {
                return Err(error);
            }
            raised = Some(error);
        }
    };
    let done = done.map_err(|failure| of_failure(&failure));
    match (raised, done) {
        (None, Ok(Conducted { directory, unwritten: None, .. })) => {
            if let (Some(progress), true) = (&progress, live.news(&mut told)) {
                progress.call1(py, told.arguments())?;
            }
            Ok(directory)
        }
        (None, Ok(Conducted { unwritten: Some(error), .. })) => {
            Err(of_failure(&Failure::from(RunError::from(error))))
        }
        (None, Err(error)) => Err(error),
        (Some(raised), Ok(conducted)) if raised.is_instance_of::<PyKeyboardInterrupt>(py) => {
            Err(PyKeyboardInterrupt::new_err(stopped(&conducted)))
        }
        (Some(raised), _) => Err(raised),
    }
}

/// What a stop left undone, and how to go on.
fn stopped(Conducted { record, directory, unwritten }: &Conducted) -> String {
    let (left, all) = (record.interruptions(), record.arm_count());
    let optima = if record.missing.optima { "; no optima were looked for" } else { "" };
    let directory = directory.display();
    let kept = match unwritten {
        None => format!(
            "what is done is kept in {directory}\nto go on: pstar.run(…, out={:?})",
            directory.to_string()
        ),
        Some(error) => format!("{error}"),
    };
    format!("stopped: {left} of {all} arms did not end{optima}; {kept}")
}

fn conducted(asked: &Asked, progress: &Reporter) -> Result<Conducted, Failure> {
    let (experiment, registry) = open_experiment(&asked.file, &asked.set, &asked.plugins)?;
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = RunOptions {
        directory: asked.out.as_deref(),
        store: asked.store.as_deref(),
        fresh: asked.fresh,
        part: Part::All,
        pool: None,
        began: &|_| {},
        set: &asked.set,
        command: &["pstar.run".into(), name(&asked.file)],
        program: crate::program::native(),
        checkpoint: Duration::from_secs(CHECKPOINT_SECONDS),
        observers: &|_| Vec::new(),
        shown: Shown { table: &|record| run_table(record, None), page: &pstar_page::page },
    };
    Ok(conduct(&experiment, &registry, &options, progress)?)
}

/// Has all runs of this process stop behind their present step, and waits until they have: for the end of the interpreter, behind
/// which no thread may ask Python anything.
///
/// # Errors
/// That of a signal, which ends the wait.
#[pyfunction]
pub(crate) fn stop_runs(py: Python<'_>) -> PyResult<()> {
    loop {
        if py.detach(live::stop_all) {
            return Ok(());
        }
        py.check_signals()?;
    }
}
