//! The process that watches the one that checks: what ends that one, or holds it up, is a finding.
#![allow(unsafe_code, reason = "ends a group of processes")]

use super::chosen::Chosen;
use super::stage::Line;
use super::verdict::Verdict;
use crate::cli::CheckArgs;
use crate::failure::Failure;
use crate::program::program;
use pstar_core::shown;
use pstar_core::testing::{Failure as Fault, Finding, Outcome};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use std::{io, thread};

/// Bytes of what a process says that are quoted.
const MOST_SAID: u64 = 4000;

/// What a process may take before its first check.
const START: Duration = Duration::from_mins(2);

/// Checks a component in processes of its own: one for all checks, another where that one dies in a check, and two that must
/// answer alike.
pub(super) fn check(args: &CheckArgs, component: &Chosen) -> Result<Verdict, Failure> {
    let Chosen { kind, name, file } = component.clone();
    let mut verdict =
        Verdict { kind, name, file, configuration: String::new(), unchecked: None, findings: Vec::new() };
    loop {
        let without: Vec<&str> = verdict.findings.iter().map(|finding| finding.check.as_str()).collect();
        let (lines, ended) = listen(args, component, "checks", &without)?;
        let (mut begun, mut asked, mut done) = (None, None, false);
        for line in lines {
            match line {
                Line::Configuration(text) => verdict.configuration = text,
                Line::Begins { check, proves } => (begun, asked) = (Some((check, proves)), None),
                Line::Asks(text) => asked = Some(text),
                Line::Found(finding) => {
                    verdict.findings.push(finding);
                    begun = None;
                }
                Line::Done => done = true,
                Line::Answers(_) | Line::NoAnswers(_) => {}
            }
        }
        match (done, begun, ended) {
            (true, ..) => break,
            (false, Some((check, proves)), ended) => {
                let outcome = Outcome::Failed(ended.fault(asked));
                verdict.findings.push(Finding { check, proves, outcome });
            }
            (false, None, Ended { cause, said }) => {
                let Chosen { kind, name, .. } = component;
                let message = format!(
                    "the process that checks the {kind} `{name}` ended before its first check: {cause}"
                );
                return Err(Failure::Usage { message, hint: Some(said).filter(|said| !said.is_empty()) });
            }
        }
        // What cannot be made cannot be asked.
        if verdict.findings.iter().any(|f| f.check == "interface" && matches!(f.outcome, Outcome::Failed(_)))
        {
            break;
        }
    }
    let mut verdict = verdict.unless_refused();
    let made =
        |finding: &Finding| finding.check == "interface" && matches!(finding.outcome, Outcome::Passed { .. });
    if verdict.findings.iter().any(made) {
        let at = verdict.findings.iter().position(|f| f.check == "speed").unwrap_or(verdict.findings.len());
        let finding = in_another_process(args, component, verdict.failed() > 0)?;
        verdict.findings.insert(at, finding);
    }
    Ok(verdict)
}

/// Compares the answers of two processes; that there are none is known already where checks failed.
fn in_another_process(args: &CheckArgs, component: &Chosen, known: bool) -> Result<Finding, Failure> {
    let proves = "equal questions get equal answers in another process".into();
    let finding = |outcome| Finding { check: "other-process".into(), proves, outcome };
    let (first, again) = match (answers(args, component)?, answers(args, component)?) {
        (Ok(first), Ok(again)) => (first, again),
        (Err(_), _) | (_, Err(_)) if known => {
            return Ok(finding(Outcome::Skipped {
                why: "it does not answer, as other checks have found".into(),
            }));
        }
        (Err(fault), _) | (_, Err(fault)) => return Ok(finding(Outcome::Failed(fault))),
    };
    let differs = |i: &usize| first.get(*i) != again.get(*i);
    let Some(place) = (0..first.len().max(again.len())).find(differs) else {
        return Ok(finding(Outcome::Passed { of: format!("{} answers", first.len()) }));
    };
    let answer =
        |answers: &[(String, String)]| answers.get(place).map_or("nothing".into(), |(_, a)| a.clone());
    let question = first.get(place).or(again.get(place)).map_or("", |(question, _)| question);
    Ok(finding(Outcome::Failed(Fault::new(
        question,
        format!("{}, as in the first process", answer(&first)),
        answer(&again),
        "answers must depend on what is asked alone: on no address, no hash order, no clock, no process number",
    ))))
}

fn answers(args: &CheckArgs, component: &Chosen) -> Result<Result<Vec<(String, String)>, Fault>, Failure> {
    let (lines, ended) = listen(args, component, "answers", &[])?;
    for line in lines {
        match line {
            Line::Answers(answers) => return Ok(Ok(answers)),
            Line::NoAnswers(fault) => return Ok(Err(fault)),
            _ => {}
        }
    }
    Ok(Err(ended.fault(None)))
}

/// How a process ended.
struct Ended {
    cause: String,
    said: String,
}

impl Ended {
    fn fault(self, asked: Option<String>) -> Fault {
        let said =
            if self.said.is_empty() { String::new() } else { format!("; it said: {}", shown(&self.said)) };
        Fault::new(
            asked.unwrap_or_else(|| "what this check asks".into()),
            "an answer",
            format!("the end of the process: {}{said}", self.cause),
            "let no input abort, overflow the stack, loop for ever or take all memory: a run would end with it",
        )
    }
}

/// Starts a process for a stage, and hears it out.
fn listen(
    args: &CheckArgs,
    component: &Chosen,
    stage: &str,
    without: &[&str],
) -> Result<(Vec<Line>, Ended), Failure> {
    let failed =
        |error: io::Error| Failure::usage(format!("a process to check in cannot be started: {error}"));
    let words = program().words();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--stage", stage, "--component-kind", component.kind]);
    command.arg("--component").arg(&component.name);
    for check in without {
        command.args(["--without", check]);
    }
    command.env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        // What it starts is ended with it.
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(failed)?;
    let said = child.stderr.take().map(|pipe| thread::spawn(move || last_words(pipe)));
    let (lines, late) = read(&lines_of(&mut child), Duration::from_secs(args.time_limit));
    if late {
        // It may have ended by itself just now.
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    end_group(child.id());
    let said = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let cause = if late { format!("it took more than {} s", args.time_limit) } else { in_words(status) };
    Ok((lines, Ended { cause, said }))
}

/// Ends what a process that has ended left behind, which would hold its standard error open.
fn end_group(leader: u32) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(leader) {
        // SAFETY: takes numbers alone; a group lives as long as one of its processes, and nobody else has this number.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    #[cfg(not(unix))]
    let _ = leader;
}

/// The lines of a process, as it says them.
fn lines_of(child: &mut Child) -> Receiver<Line> {
    let (sender, receiver) = channel();
    if let Some(pipe) = child.stdout.take() {
        thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&text);
                if line.is_ok_and(|line| sender.send(line).is_err()) {
                    break;
                }
            }
        });
    }
    receiver
}

/// All lines, and whether the next one was waited for in vain.
fn read(lines: &Receiver<Line>, patience: Duration) -> (Vec<Line>, bool) {
    let mut read = Vec::new();
    loop {
        // Reading plugins and experiment is no check.
        let begun = read.iter().any(|line| matches!(line, Line::Begins { .. }));
        match lines.recv_timeout(if begun { patience } else { patience.max(START) }) {
            Ok(line) => read.push(line),
            Err(RecvTimeoutError::Timeout) => return (read, true),
            Err(RecvTimeoutError::Disconnected) => return (read, false),
        }
    }
}

/// The beginning of what it says to people; the rest is read and forgotten.
fn last_words(mut pipe: ChildStderr) -> String {
    let mut said = Vec::new();
    let _ = pipe.by_ref().take(MOST_SAID).read_to_end(&mut said);
    let _ = io::copy(&mut pipe, &mut io::sink());
    String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        match status.signal() {
            Some(libc::SIGSEGV) => return "SIGSEGV: it reached for memory that is not its own".into(),
            Some(libc::SIGABRT) => return "SIGABRT: it gave up".into(),
            Some(signal) => return format!("signal {signal}"),
            None => {}
        }
    }
    format!("exit code {}", status.code().unwrap_or(-1))
}
