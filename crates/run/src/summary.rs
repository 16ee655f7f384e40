//! Who writes a run's summary, of many that could.

use crate::claims::{Claim, Claims, Owner, Taken, claimed};
use crate::directory::RunDirectory;
use crate::files::{Unwritable, make_folder};
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The folder of the claim, in a run's directory.
pub(crate) const SUMMARY: &str = "summary";

/// The claim on a run's summary.
#[derive(Debug)]
pub(crate) struct ClaimedSummary {
    claim: Box<Claim>,
    place: PathBuf,
}

impl ClaimedSummary {
    /// Claims the summary of a run; nothing if another process has it, or has written it.
    pub(crate) fn take(store: &Store, directory: &RunDirectory) -> Result<Option<Self>, Unwritable> {
        let place = directory.path().join(SUMMARY);
        loop {
            make_folder(&place)?;
            match store.claims().take(&place, &String::new) {
                Ok(Taken::Mine(claim)) => return Ok(Some(Self { claim, place })),
                Ok(_) => return Ok(None),
                // Whoever had it removed the folder in between, which is done once the summary is written.
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                    if directory.complete_record().is_some() {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Who has it.
    pub(crate) fn owner(directory: &Path) -> Option<Owner> {
        claimed(&directory.join(SUMMARY)).ok().flatten()
    }

    /// Gives it up, once the summary is written.
    pub(crate) fn clear(self) {
        Claims::clear(&self.claim);
        let _ = fs::remove_dir(&self.place);
    }
}
