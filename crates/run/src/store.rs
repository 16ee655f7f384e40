//! What is kept of arms: `arms/HASH/` in a run's directory, or in a folder that several runs share.

mod arm_folder;
mod checkpoint;
mod metrics;
mod parameters;
mod prompts;
mod result;
mod verdicts;

pub(crate) use arm_folder::{ArmFolder, Found};
pub(crate) use metrics::Metrics;
pub(crate) use result::Ending;
pub(crate) use verdicts::{VERDICTS, Verdicts};

use crate::claims::{Claims, Heartbeat, Owner, WORKERS};
use crate::files::Writer;
use std::fs;
use std::path::{Path, PathBuf};

/// What is kept of arms, for one process that works on them.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    writer: Writer,
    claims: Claims,
    /// Beats while the store is open; none where it cannot be written, which is told when an arm is.
    heartbeat: Option<Heartbeat>,
}

impl Store {
    /// Opens the store in a folder. With `anew`, processes that died over an arm are no reason to leave it alone.
    pub(crate) fn open(root: &Path, owner: &Owner, writer: &Writer, anew: bool) -> Self {
        // What cannot be made is told when an arm is to be kept there.
        let _ = fs::create_dir_all(root.join("arms"));
        let workers = root.join(WORKERS);
        let heartbeat = Heartbeat::begin(&workers, owner, writer).ok();
        let claims = Claims::new(owner.clone(), &workers, anew);
        let store = Self { root: root.to_path_buf(), writer: writer.clone(), claims, heartbeat };
        store.sweep();
        store
    }

    fn sweep(&self) {
        // Not the folder of arms: nothing is written there but folders, of which there may be many.
        self.claims.sweep(&[&self.root, &self.root.join(WORKERS)]);
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The folder of an arm, by its content's name.
    pub(crate) fn arm(&self, id: &str) -> ArmFolder {
        ArmFolder::new(&self.root.join("arms"), id, &self.writer)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Those of other machines that stayed silent meanwhile.
        self.sweep();
        drop(self.heartbeat.take());
        // Of the last one to leave.
        let _ = fs::remove_dir(self.root.join(WORKERS));
    }
}

impl Writer {
    /// Of a process.
    pub(crate) fn of(owner: &Owner) -> Self {
        Self::new(&owner.id)
    }
}
