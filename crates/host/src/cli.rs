//! The arguments.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Compares objectives for training sequence models on verifiable rewards, with exact ground truth.
#[derive(Debug, Parser)]
#[command(name = "host", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a comparison: train every policy under every objective with every seed.
    #[command(after_help = "Example:\n  host run experiments/compare.ron")]
    Run(RunArgs),
    /// List the components that the loaded plugins offer.
    #[command(after_help = "Example:\n  host plugins --plugin-dir my-plugins/target/release")]
    Plugins(PluginArgs),
}

/// Where plugins are.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    /// A further folder of plugins (also: the environment variable `PSTAR_PLUGIN_PATH`); can be repeated.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugin_dir: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The experiment file.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
    /// The run's directory, new or empty; default: `runs/NAME`, with a number behind it if that is taken.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Number of threads; default: one a core. No thread count changes a result.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Print `summary.json` instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
}
