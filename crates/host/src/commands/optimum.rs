//! `host optimum FILE`.

use super::{open, print, room};
use crate::cli::OptimumArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::progress::Bars;
use pstar_lab::optimum::{self, Search};
use pstar_lab::run::Progress;
use pstar_record::to_json;
use pstar_report::optimum_table;

pub(super) fn optimum(args: &OptimumArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let bars = Bars::new();
    bars.phase("looking for the optima of the classes");
    let effort = |transitions| {
        let search = Search::thorough(transitions)?;
        Some(Search { boxes: args.boxes.unwrap_or(search.boxes), ..search })
    };
    let record = optimum::optimum(&experiment, &registry, &effort, args.flow)?;
    drop(bars);
    print(&if args.json { to_json(&record) } else { optimum_table(&record, room()) })?;
    Ok(ExitCode::SUCCESS)
}
