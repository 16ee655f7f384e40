//! What a site's Slurm is told: from flags, or from a file that a group keeps.

use crate::failure::Failure;
use clap::Args;
use pstar_core::config;
use pstar_lab::text_file::read_text;
use serde::Deserialize;
use std::path::PathBuf;

/// What a site's Slurm is told. A flag comes before what the file of `--cluster` says.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cluster {
    /// Partition of the site
    #[arg(long, value_name = "NAME")]
    pub(crate) partition: Option<String>,
    /// Account that is charged
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Quality of service
    #[arg(long, value_name = "NAME")]
    pub(crate) qos: Option<String>,
    /// Most minutes that a worker lives; arms go on in the next one's
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(5..))]
    pub(crate) time: Option<u32>,
    /// Mebibytes of memory a worker; default: what the run is estimated to take
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) memory: Option<u32>,
    /// Processors a worker, which trains as many arms at a time; default 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) cpus: Option<u32>,
    /// Most workers at a time; default: enough for all arms, and at most 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) workers: Option<u32>,
    /// The site's MaxArraySize; default: what `scontrol show config` says, else 1001
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) max_array_size: Option<u32>,
    /// A line of the script before the worker starts, such as `module load gcc`; can be repeated
    #[arg(long, value_name = "LINE")]
    pub(crate) setup: Vec<String>,
}

impl Cluster {
    /// What flags say, over what a file says.
    ///
    /// # Errors
    /// If the file cannot be read, or says what is out of range.
    pub(crate) fn with_file(self, file: Option<&PathBuf>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(self) };
        let text = read_text(file).map_err(|error| Failure::Usage {
            message: format!("the cluster file {error}"),
            hint: Some("`--cluster` names a file such as `(partition: \"cpu\", time: 60)`".into()),
        })?;
        let of_file: Self = config::parse(&text).map_err(|error| {
            let place = error.position.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            Failure::Usage {
                message: format!("{}{place}: {}", file.display(), error.message),
                hint: error.hint,
            }
        })?;
        of_file.check(file)?;
        Ok(Self {
            partition: self.partition.or(of_file.partition),
            account: self.account.or(of_file.account),
            qos: self.qos.or(of_file.qos),
            time: self.time.or(of_file.time),
            memory: self.memory.or(of_file.memory),
            cpus: self.cpus.or(of_file.cpus),
            workers: self.workers.or(of_file.workers),
            max_array_size: self.max_array_size.or(of_file.max_array_size),
            setup: if self.setup.is_empty() { of_file.setup } else { self.setup },
        })
    }

    /// The ranges that the command line keeps to.
    fn check(&self, file: &std::path::Path) -> Result<(), Failure> {
        let ranges = [
            ("time", self.time, 5..=u32::MAX),
            ("memory", self.memory, 16..=u32::MAX),
            ("cpus", self.cpus, 1..=1024),
            ("workers", self.workers, 1..=100_000),
            ("max_array_size", self.max_array_size, 2..=u32::MAX),
        ];
        for (name, value, range) in ranges {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                let most =
                    if *range.end() == u32::MAX { String::new() } else { format!(" to {}", range.end()) };
                let message = format!(
                    "{}: `{name}` must be a whole number from {}{most}, found {value}",
                    file.display(),
                    range.start()
                );
                return Err(Failure::usage(message));
            }
        }
        Ok(())
    }
}
