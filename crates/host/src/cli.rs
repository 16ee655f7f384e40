//! The arguments.

use crate::slurm::Cluster;
use crate::watch::WatchArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pstar_run::CHECKPOINT_SECONDS;
use std::path::PathBuf;

/// Compares objectives for training sequence models on verifiable rewards, with exact ground truth.
#[derive(Debug, Parser)]
#[command(name = "host", version)]
#[command(
    after_help = "Example:\n  host run experiments/compare.ron\n\nExit codes: 0 done, 2 bad experiment or usage, 3 plugin not loaded, 4 an arm or a check failed, 5 results could not be written, 130 or 143 interrupted (what was done is written)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a comparison: train every policy under every objective with every seed
    #[command(after_help = "Example:\n  host run experiments/compare.ron --set training.steps=100")]
    Run(RunArgs),
    /// Run the arms of a run that nobody works on, until none is left: on any machine that sees its directory
    #[command(
        after_help = "Example:\n  host run experiments/compare.ron --out runs/mine --prepare\n  host worker runs/mine & host worker runs/mine"
    )]
    Worker(WorkerArgs),
    /// Write the script of an array of workers for a scheduler, sized by what is left of a run, or of an experiment's new one
    #[command(
        after_help = "Examples:\n  host submit experiments/compare.ron --slurm --out /shared/compare --time 60\n  host submit /shared/compare --slurm --cluster ~/cluster.ron --now"
    )]
    Submit(SubmitArgs),
    /// Say how far a run is, and who works on it: while others do
    #[command(after_help = "Example:\n  host status /shared/compare")]
    Status(RunArg),
    /// Put together what the arms of a run have found so far: table, figures and report, while others work on it
    #[command(after_help = "Example:\n  host merge /shared/compare && host show /shared/compare/partial")]
    Merge(MergeArgs),
    /// Print the table of a run again, from its directory alone: no plugin is loaded
    #[command(
        after_help = "Examples:\n  host show runs/compare\n  host show runs/compare --columns validity_rate,pass@256 --policy trigram --format latex"
    )]
    Show(ShowArgs),
    /// Write the report of a run, compare two runs, or write what an objective's author can paste: no plugin is loaded
    #[command(
        after_help = "Examples:\n  host report runs/compare\n  host report runs/before runs/after --out before-after.html\n  host report runs/compare --for-pull-request --objective forward-kl"
    )]
    Report(ReportArgs),
    /// Check an experiment without running it
    #[command(after_help = "Example:\n  host validate experiments/compare.ron")]
    Validate(ValidateArgs),
    /// Print the exact values of a task, and of its policies at their initial parameters
    #[command(after_help = "Example:\n  host exact experiments/toy-parity.ron --json")]
    Exact(ExactArgs),
    /// Print the best policy of each class under each objective: where the objective heads
    #[command(after_help = "Example:\n  host optimum experiments/toy-palindrome.ron")]
    Optimum(OptimumArgs),
    /// List the components that the loaded plugins offer, or show the configuration of some in full
    #[command(
        after_help = "Examples:\n  host plugins --plugin-dir my-plugins/target/release\n  host plugins grpo-verl"
    )]
    Plugins(PluginsArgs),
    /// Ask one component: verdicts, log-probabilities or coefficients for what stands on standard input
    #[command(after_help = "Examples:
  echo '{\"prompt\": \"12=\", \"response\": \"3*4\"}' | host probe verifier --plugin arithmetic-expression --config '(target: FromPrompt)'

  echo '{\"prompt\": \"\", \"response\": \"ab\", \"ended\": true}' | host probe model --plugin ngram --config '(order: 1, table: {\"\": [0.5, 0.3, 0.2]})'

  echo '{\"step\": 0, \"sequences\": [
    {\"group\": 0, \"reward\": 1, \"log_probs\": [-1.0, -0.5], \"base_log_probs\": [-1.2, -0.4]},
    {\"group\": 0, \"reward\": 0, \"log_probs\": [-2.0], \"base_log_probs\": [-1.5]}], \"log_partition\": {\"0\": -0.7}}' | host probe objective --plugin forward-kl

A sequence may also give `weight`, `ended` and `behaviour_log_probs`; `log_partition` is log Z by group, `log_power_partition` log Z_α where the target is a power of the base. Infinities are written \"inf\" and \"-inf\".")]
    Probe(ProbeArgs),
    /// Write a package of one component, with a test and an experiment, to be built outside of this repository
    #[command(
        after_help = "Examples:\n  host new objective my-objective\n  host new verifier my-verifier --at ~/plugins/my-verifier"
    )]
    New(NewArgs),
    /// Check that a plugin keeps to its contract, and say what a verifier lets through
    #[command(after_help = "Examples:
  host check my-verifier --config '(depth: 3)' --experiment my.ron --plugin-dir target/release
  host check target/release/libmine.so --config \"my-objective=(beta: 0.1)\"
  host check math-by-hand --experiment my.ron --reference arithmetic-expression --reference-config '(target: FromPrompt)'

Every component is checked in a process of its own: one that ends its process, or hangs, fails the check that it did it in.

Exit codes: 0 every check passed, 2 a component was not checked, since it cannot be made without a configuration, 3 plugin not loaded, 4 a check failed.")]
    Check(CheckArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  host completions bash > ~/.local/share/bash-completion/completions/host"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Where plugins are.
#[derive(Clone, Debug, Args)]
pub(crate) struct PluginDirs {
    /// A further folder of plugins (also: the environment variable `PSTAR_PLUGIN_PATH`); can be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) plugin_dir: Vec<PathBuf>,
}

/// An experiment and what is changed in it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExperimentArgs {
    /// The experiment file
    pub(crate) file: PathBuf,
    /// Replace a field, as RON: `training.steps=100`; can be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// The run's directory: new, empty, or of the same experiment, which goes on where it stopped; default: `runs/NAME`,
    /// with a number behind it if that is another experiment's
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Keep arms in this folder, which experiments share: an arm that one of them ran is not run again
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Make the run's directory and run no arm: `host worker` does
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) prepare: bool,
    /// Train every arm in a process of its own, so that a component that ends its process costs one arm
    #[arg(long)]
    pub(crate) isolate: bool,
    /// Seconds without a step behind which an isolated arm is given up
    #[arg(long, value_name = "SECONDS", requires = "isolate", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) arm_timeout: Option<u64>,
    /// Mebibytes that the process of an isolated arm may have
    #[arg(long, value_name = "MIB", requires = "isolate", value_parser = clap::value_parser!(u64).range(16..=1 << 30))]
    pub(crate) memory_limit: Option<u64>,
    /// Begin anew: the run in the directory of `--out` is removed; without `--out` a free name is taken
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Seconds between two checkpoints of an arm
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS)]
    pub(crate) checkpoint: u64,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Number of threads, at most 1024; default: one a core. No thread count changes a result
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Say how many arms there are, what they cost and about how long they take, and run none
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Print JSON (`summary.json`) instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Number of threads, at most 1024; default: one a core. No thread count changes a result
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Seconds between two checkpoints of an arm
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS)]
    pub(crate) checkpoint: u64,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Seconds to wait for arms that others work on, once no other arm is left: their owners may die
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) linger: u64,
    /// Try again what failed before
    #[arg(long)]
    pub(crate) retry_failed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Number of threads, at most 1024; default: one a core. No thread count changes a result
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// A run's directory, or an experiment file, of which one is made
    pub(crate) run: PathBuf,
    /// Write a script for Slurm
    #[arg(long, required = true)]
    pub(crate) slurm: bool,
    /// Hand it to Slurm as well
    #[arg(long)]
    pub(crate) now: bool,
    /// The directory of an experiment's run, on a file system that all machines see; default: `runs/NAME`
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a field of an experiment, as RON: `training.steps=100`; can be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// A file with the site's ways, as RON: fields are named like the flags below, `(partition: "cpu", time: 60)`
    #[arg(long, value_name = "FILE")]
    pub(crate) cluster: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: Cluster,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Seconds between two checkpoints of an arm
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS)]
    pub(crate) checkpoint: u64,
    /// Try again what failed before
    #[arg(long)]
    pub(crate) retry_failed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArg {
    /// The run's directory
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a run's tables show.
#[derive(Clone, Debug, Args)]
pub(crate) struct TableArgs {
    /// Figures to show, by their names in `curves.csv`: `validity_rate,pass@16,coverage@256`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Show the 95 % interval of every figure of an arm, not only of those that verdicts read
    #[arg(long)]
    pub(crate) intervals: bool,
}

/// The form of a run's tables.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TableFormat {
    /// Aligned columns
    Text,
    /// Markdown, as GitHub reads it
    Markdown,
    /// LaTeX, with booktabs
    Latex,
    /// Comma-separated values, with all digits
    Csv,
    /// JSON, with all digits
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The run's directory, or its `summary.json`
    pub(crate) run: PathBuf,
    /// The form of the tables
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: TableFormat,
    /// Show this policy alone; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Vec<String>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Print a figure of the report as SVG instead: `KIND` or `KIND:POLICY`; a wrong name tells those that there are
    #[arg(long, value_name = "NAME", conflicts_with_all = ["format", "policy", "columns", "intervals"])]
    pub(crate) figure: Option<String>,
    /// Write event files of TensorBoard below a folder instead, from the curves of the run
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "policy", "columns", "intervals", "figure"])]
    pub(crate) tensorboard: Option<PathBuf>,
    /// Print this figure of every prompt and seed instead, as JSON that rliable takes
    #[arg(
        long,
        value_name = "FIGURE",
        conflicts_with_all = ["format", "policy", "columns", "intervals", "figure", "tensorboard"]
    )]
    pub(crate) scores: Option<String>,
    /// Print all that is recorded (`summary.json`) instead of tables
    #[arg(
        long,
        conflicts_with_all = ["format", "policy", "columns", "intervals", "figure", "tensorboard", "scores"]
    )]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run's directory; of two, the second is compared with the first, seed by seed
    #[arg(required = true, num_args = 1..=2, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Where to write: the page's file (default: `report.html` in the run's directory; of two runs none), or the folder
    /// of what is for a pull request (default: the run's directory)
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Write one page of Markdown and a picture about an objective: `pull-request.md` and `pull-request.svg`
    #[arg(long)]
    pub(crate) for_pull_request: bool,
    /// Which objective that is; default: the last of the experiment
    #[arg(long, value_name = "NAME", requires = "for_pull_request")]
    pub(crate) objective: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Print JSON, also of what is wrong
    #[arg(long)]
    pub(crate) json: bool,
}

/// How exact values are to be had.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExactMethod {
    /// Enumeration where the outputs are few enough, else dynamic programming
    Auto,
    /// All outputs, one by one
    Enumeration,
    /// The states of base, policy and verifier: also for spaces that nobody can enumerate
    DynamicProgramming,
}

#[derive(Debug, Args)]
pub(crate) struct ExactArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// How the values are had
    #[arg(long, value_enum, value_name = "METHOD", default_value = "auto")]
    pub(crate) method: ExactMethod,
    /// Show tilted distributions of these strengths instead of `evaluation.betas`: `lambda=0.5,1,2` or `beta=0.1,1`; or
    /// power-filtered targets instead of `evaluation.powers`: `power=0,0.5,2`
    #[arg(long, value_name = "NAME=NUMBERS")]
    pub(crate) sweep: Option<String>,
    /// Print instead how fast each objective climbs: the factor κ(V) of ∇V in its expected gradient, exactly, beside the
    /// factor that it claims, and at each policy's start the cosine of the two gradients over all prompts
    #[arg(long, conflicts_with_all = ["method", "sweep"])]
    pub(crate) kappa: bool,
    /// Print JSON, with full precision
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OptimumArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Boxes of policies that each proof may look at, 0 for none; default: what takes some seconds
    #[arg(long, value_name = "N")]
    pub(crate) boxes: Option<usize>,
    /// Where objectives have infinitely many optima, also follow gradient ascent from the policy's start to its limit
    #[arg(long)]
    pub(crate) flow: bool,
    /// Print JSON, with full precision and the optimal tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginsArgs {
    /// Names of components to show in full
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a new package offers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NewKind {
    /// A training objective: a coefficient for every token
    Objective,
    /// What decides which responses are valid
    Verifier,
    /// A base model
    Model,
    /// A policy: a model with parameters and their gradient
    Policy,
}

impl NewKind {
    /// In one word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Objective => "objective",
            Self::Verifier => "verifier",
            Self::Model => "model",
            Self::Policy => "policy",
        }
    }

    /// As components are listed.
    pub(crate) fn component(self) -> &'static str {
        if matches!(self, Self::Model) { "base model" } else { self.word() }
    }
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What the package offers
    pub(crate) kind: NewKind,
    /// The name of the component, the package and its library: lower case, words joined by `-`
    pub(crate) name: String,
    /// The folder to make; default: NAME
    #[arg(long, value_name = "FOLDER")]
    pub(crate) at: Option<PathBuf>,
    /// The folder of `pstar-core` to depend on; default: the one that this program was built from
    #[arg(long, value_name = "FOLDER")]
    pub(crate) core: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
}

/// What a process that checks does, for the one that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckStage {
    /// All checks
    Checks,
    /// Answers to ordinary questions, which two processes are compared by
    Answers,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The name of a component, or the file of a plugin, of which all components are checked
    pub(crate) plugin: String,
    /// The component's configuration, or of one of several: `NAME=RON`; can be repeated
    #[arg(long, value_name = "[NAME=]RON")]
    pub(crate) config: Vec<String>,
    /// Check components of this kind alone
    #[arg(long, value_parser = pstar_check::KINDS)]
    pub(crate) kind: Option<String>,
    /// Take the task, and the configurations of the components that it names, from an experiment; default: a small task of
    /// letters and digits
    #[arg(long, value_name = "FILE")]
    pub(crate) experiment: Option<PathBuf>,
    /// A verifier that a verifier is compared with: what it accepts wrongly, and what it refuses wrongly
    #[arg(long, value_name = "NAME", requires = "experiment")]
    pub(crate) reference: Option<String>,
    /// The reference's configuration
    #[arg(long, value_name = "RON", requires = "reference")]
    pub(crate) reference_config: Option<String>,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
    /// Seconds behind which a check is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) time_limit: u64,
    /// Mebibytes that the process of a component may have
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(16..=1 << 30))]
    pub(crate) memory_limit: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The stage of a process that another one started
    #[arg(long, hide = true)]
    pub(crate) stage: Option<CheckStage>,
    /// The kind of the component that it checks
    #[arg(long, hide = true, requires = "stage")]
    pub(crate) component_kind: Option<String>,
    /// The component that it checks
    #[arg(long, hide = true, requires = "stage")]
    pub(crate) component: Option<String>,
    /// The checks that it leaves out
    #[arg(long, hide = true, requires = "stage")]
    pub(crate) without: Vec<String>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProbeKind {
    /// JSON Lines {"prompt", "response"} to {"valid"}
    Verifier,
    /// JSON Lines {"prompt", "response", "ended"} to {"log_prob", "token_log_probs"}
    Model,
    /// One JSON batch {"step", "sequences", "log_partition"} to {"coefficients", "diagnostics"}
    Objective,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// What is asked
    pub(crate) kind: ProbeKind,
    /// The component's name
    #[arg(long, value_name = "NAME", required_unless_present = "experiment")]
    pub(crate) plugin: Option<String>,
    /// The component's configuration
    #[arg(long, value_name = "RON", requires = "plugin")]
    pub(crate) config: Option<String>,
    /// Take the task, and unless `--plugin` is given the verifier or base model, from an experiment
    #[arg(long, value_name = "FILE")]
    pub(crate) experiment: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plugins: PluginDirs,
}
