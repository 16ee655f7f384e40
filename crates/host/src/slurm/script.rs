//! The script of an array of workers, and handing it to Slurm.

use super::size::NOTICE;
use super::{Cluster, Size, Work};
use crate::failure::Failure;
use crate::shell::quoted;
use std::io;
use std::path::Path;
use std::process::Command;

/// An array of workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script<'a> {
    /// The program and what stands in front of its arguments, absolute.
    pub(crate) program: &'a [String],
    /// The run's directory, absolute.
    pub(crate) run: &'a str,
    /// Further arguments of the workers.
    pub(crate) arguments: &'a [String],
    /// The experiment's name.
    pub(crate) name: &'a str,
    /// What Slurm is told.
    pub(crate) cluster: &'a Cluster,
    /// Mebibytes a worker.
    pub(crate) memory: u32,
    /// How many workers.
    pub(crate) size: Size,
    /// What they do.
    pub(crate) work: Work,
}

impl Script<'_> {
    /// Its text.
    ///
    /// # Errors
    /// If a path or a name is none that Slurm can be told.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        let Self { run, cluster, size, .. } = self;
        let cpus = cluster.cpus.unwrap_or(1);
        let mut told = vec![
            ("job-name", format!("pstar-{}", plain(self.name))),
            ("array", size.arrays(u32::MAX).concat()),
            ("cpus-per-task", cpus.to_string()),
            ("mem", self.memory.to_string()),
        ];
        let named = [("partition", &cluster.partition), ("account", &cluster.account), ("qos", &cluster.qos)];
        told.extend(named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        if let Some(minutes) = cluster.time {
            told.push(("time", minutes.to_string()));
            told.push(("signal", format!("B:USR1@{}", 60 * NOTICE)));
        }
        told.push(("output", format!("{run}/slurm/%A_%a.log")));
        let mut lines = vec!["#!/bin/sh".to_string()];
        for (name, value) in told {
            lines.push(format!("#SBATCH --{name}={}", word(name, &value)?));
        }
        // A worker that is begun again goes on where its arms were left.
        lines.extend(["#SBATCH --requeue", "#SBATCH --open-mode=append"].map(String::from));
        let (arms, minutes) = (self.work.arms, self.work.seconds / 60.0);
        lines.push(format!(
            "# Workers, {} at a time, take the {arms} arms that are left: about {minutes:.0} minutes of one processor in all.",
            size.at_once
        ));
        for line in &cluster.setup {
            if line.contains(['\n', '\r', '\0']) {
                return Err(Failure::usage("a line of `setup` must be one line".into()));
            }
            lines.push(line.clone());
        }
        let mut words: Vec<String> = self.program.iter().map(|word| quoted(word)).collect();
        words.extend(["worker".into(), quoted(run)]);
        words.extend(["--threads".into(), format!("\"${{SLURM_CPUS_PER_TASK:-{cpus}}}\"")]);
        words.extend(self.arguments.iter().map(|word| quoted(word)));
        // The signals are the worker's.
        lines.push(format!("exec {}", words.join(" ")));
        Ok(lines.join("\n") + "\n")
    }
}

/// Hands arrays of one script to Slurm, each of which begins once the one before has ended; the numbers of the jobs.
///
/// # Errors
/// If Slurm is not there or refuses: what it says.
pub(crate) fn submit(script: &Path, arrays: &[String]) -> Result<Vec<String>, Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for array in arrays {
        let mut command = Command::new("sbatch");
        command.args(["--parsable", &format!("--array={array}")]);
        if let Some(before) = jobs.last() {
            command.arg(format!("--dependency=afterany:{before}"));
        }
        let ended = command.arg(script).output().map_err(|error| {
            let hint = "leave out `--now`, and submit the script where Slurm is";
            let message = match error.kind() {
                io::ErrorKind::NotFound => "there is no `sbatch` here".into(),
                _ => format!("`sbatch` cannot be started: {error}"),
            };
            Failure::Usage { message, hint: Some(hint.into()) }
        })?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_string();
            let done = if jobs.is_empty() {
                String::new()
            } else {
                format!("; submitted before: {}", jobs.join(", "))
            };
            return Err(Failure::Usage {
                message: format!("Slurm refused the array {array}: {said}{done}"),
                hint: Some("change what it refuses by a flag or in the file of `--cluster`; workers that are submitted may stay".into()),
            });
        }
        // `JOB`, or `JOB;CLUSTER`.
        let told = String::from_utf8_lossy(&ended.stdout);
        jobs.push(told.trim().split(';').next().unwrap_or_default().to_string());
    }
    Ok(jobs)
}

/// A name of letters, digits, `-` and `_`.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    name.chars().map(plain).take(40).collect()
}

/// A value as a line of `#SBATCH` takes it.
fn word(name: &str, value: &str) -> Result<String, Failure> {
    // In a file name only what this program puts there may be a pattern.
    let patterns = if name == "output" {
        value.matches('%').count() != 2
    } else {
        value.contains('%') && name != "array"
    };
    if value.is_empty() || patterns || value.contains(['"', '\\', '\n', '\r', '\0']) {
        return Err(Failure::Usage {
            message: format!("Slurm cannot be told `--{name}={}`", pstar_core::shown(value)),
            hint: Some("take a name or a directory without quotes, backslashes, `%` and line breaks".into()),
        });
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,%+=".contains(c);
    Ok(if value.chars().all(plain) { value.into() } else { format!("\"{value}\"") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(run: &str, name: &str, cluster: &Cluster) -> Result<String, Failure> {
        let program = ["/opt/my pstar/host".to_string()];
        let (size, work) = (Size { at_once: 4, elements: 8 }, Work { arms: 200, seconds: 7200.0 });
        Script { program: &program, run, arguments: &[], name, cluster, memory: 300, size, work }.text()
    }

    #[test]
    fn the_script_says_all_that_slurm_and_the_worker_must_know() {
        let cluster = Cluster {
            partition: Some("cpu".into()),
            time: Some(60),
            cpus: Some(2),
            setup: vec!["module load gcc".into()],
            ..Cluster::default()
        };
        assert_eq!(
            text("/data/it's", "my task/1", &cluster).unwrap(),
            "#!/bin/sh
#SBATCH --job-name=pstar-my_task_1
#SBATCH --array=1-8%4
#SBATCH --cpus-per-task=2
#SBATCH --mem=300
#SBATCH --partition=cpu
#SBATCH --time=60
#SBATCH --signal=B:USR1@180
#SBATCH --output=\"/data/it's/slurm/%A_%a.log\"
#SBATCH --requeue
#SBATCH --open-mode=append
# Workers, 4 at a time, take the 200 arms that are left: about 120 minutes of one processor in all.
module load gcc
exec '/opt/my pstar/host' worker '/data/it'\\''s' --threads \"${SLURM_CPUS_PER_TASK:-2}\"
"
        );
    }

    #[test]
    fn what_slurm_cannot_be_told_is_refused() {
        for run in ["/a%b", "/a\"b", "/a\nb", "/a\\b"] {
            assert!(text(run, "name", &Cluster::default()).is_err(), "{run}");
        }
        let hostile = Cluster { partition: Some("a\nrm -rf /".into()), ..Cluster::default() };
        assert!(text("/run", "name", &hostile).is_err());
        let hostile = Cluster { setup: vec!["a\nb".into()], ..Cluster::default() };
        assert!(text("/run", "name", &hostile).is_err());
        let name = text("/run", "$(rm)\n#SBATCH --wrap=x", &Cluster::default()).unwrap();
        assert!(name.contains("--job-name=pstar-__rm___SBATCH_--wrap_x\n"), "{name}");
    }
}
