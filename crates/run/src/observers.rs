//! Who is told of arms while they train.

mod csv_file;
mod json_lines;
mod sometimes;
mod tensorboard;

pub use csv_file::CsvFiles;
pub use json_lines::JsonLines;
pub use sometimes::{Sometimes, When};
pub use tensorboard::TensorBoard;

use crate::files::Unwritable;
use pstar_lab::training::ArmEvent;
use pstar_record::CurvePoint;
use std::path::Path;

/// What an arm is called.
#[derive(Clone, Copy, Debug)]
pub struct ArmName<'a> {
    /// Its content's name.
    pub id: &'a str,
    /// The policy's name in the experiment.
    pub policy: &'a str,
    /// The objective's name in the experiment.
    pub objective: &'a str,
    /// The seed.
    pub seed: u64,
    /// The learning rate; absent where all arms of the run have the same.
    pub learning_rate: Option<f64>,
}

/// Told of arms while they train.
pub trait Observer: Sync {
    /// An arm begins, or goes on behind the points of its curve that there are. `folder` is the arm's.
    ///
    /// # Errors
    /// If what it writes cannot be written.
    fn begin(
        &self,
        arm: ArmName<'_>,
        folder: &Path,
        curve: &[CurvePoint],
    ) -> Result<Box<dyn ArmObserver>, Unwritable>;
}

/// Told of one arm.
pub trait ArmObserver: Send {
    /// Something happened.
    ///
    /// # Errors
    /// If what it writes cannot be written.
    fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable>;
}
