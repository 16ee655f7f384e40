//! `--watch`: curves are written as they come.

use clap::Args;
use pstar_run::observers::{CsvFiles, Observer, Sometimes, TensorBoard, When};
use std::path::Path;

/// How curves are written as they come.
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchArgs {
    /// Also write curves as they come: `csv` in every arm's folder, `tensorboard` in one of its own; `csv:10` every tenth
    /// point and the last, `csv:end` the last alone; can be repeated
    #[arg(long, value_parser = watch, value_name = "FORMAT[:WHEN]")]
    pub(crate) watch: Vec<(Watch, When)>,
}

impl WatchArgs {
    /// The same, as arguments.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> + '_ {
        self.watch.iter().flat_map(|(watch, when)| {
            let format = match watch {
                Watch::Csv => "csv",
                Watch::Tensorboard => "tensorboard",
            };
            let format = match when {
                When::Never => return Vec::new(),
                When::Every(n) => format!("{format}:{n}"),
                When::End => format!("{format}:end"),
            };
            vec!["--watch".into(), format]
        })
    }

    /// Who writes them, for a run's directory.
    pub(crate) fn observers(&self, directory: &Path) -> Vec<Box<dyn Observer>> {
        let observer = |(watch, when): &(Watch, When)| -> Box<dyn Observer> {
            let observer: Box<dyn Observer> = match watch {
                Watch::Csv => Box::new(CsvFiles),
                Watch::Tensorboard => Box::new(TensorBoard::new(directory.join("tensorboard"))),
            };
            Box::new(Sometimes::new(observer, *when))
        };
        self.watch.iter().map(observer).collect()
    }
}

/// A format in which they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watch {
    /// `arms/HASH/metrics.csv`
    Csv,
    /// Event files below `tensorboard`
    Tensorboard,
}

/// Reads `FORMAT` or `FORMAT:WHEN`.
fn watch(text: &str) -> Result<(Watch, When), String> {
    let (format, when) = text.split_once(':').map_or((text, None), |(format, when)| (format, Some(when)));
    let format = match format {
        "csv" => Watch::Csv,
        "tensorboard" => Watch::Tensorboard,
        _ => return Err("expected `csv` or `tensorboard`, with `:N` or `:end` behind it".into()),
    };
    let every = |text: &str| text.parse().ok().filter(|n| *n > 0).map(When::Every);
    let when = match when {
        None => Some(When::Every(1)),
        Some("end") => Some(When::End),
        Some(text) => every(text),
    };
    when.map(|when| (format, when)).ok_or_else(|| "expected a number from 1 or `end` behind the colon".into())
}
