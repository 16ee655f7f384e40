use super::*;
use pstar_core::config::parse;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A child in Python that speaks the protocol by hand; what it answers is up to `answer(pairs)`.
const BY_HAND: &str = r#"
import json, os, sys, time
json.loads(sys.stdin.readline())
open("starts", "a").write("%d\n" % os.getpid())
def say(what):
    sys.stdout.write((what if isinstance(what, str) else json.dumps(what)) + "\n"); sys.stdout.flush()
def right(pairs):
    return [[id, response == "yes"] for id, _, response in pairs]
def has(pairs, word):
    return any(response == word for _, _, response in pairs)
say({"pstar": "verifier", "version": 1, "ready": True})
def main():
    for line in sys.stdin:
        answer(json.loads(line)["pairs"])
"#;

struct Made {
    folder: TempDir,
    verifier: ProcessVerifier,
}

impl Made {
    fn judge(&self, responses: &[&str]) -> Vec<Verdict> {
        let pairs: Vec<_> = responses.iter().map(|&response| ("ask", response)).collect();
        self.verifier.judge(&pairs)
    }

    /// The numbers of the children that were started.
    fn starts(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.folder.path().join("starts")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }
}

fn configured(folder: &Path, config: &str) -> Result<ProcessVerifier, PluginError> {
    ProcessVerifier::for_task(parse(config)?, &Task::of_one_symbol().in_directory(folder))
}

/// A child whose script ends with `rest`, and fields of its configuration.
fn script(rest: &str, fields: &str) -> Result<Made, PluginError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("child.py"), rest).unwrap();
    let verifier =
        configured(folder.path(), &format!(r#"(command: ["python3", "-IS", "child.py"], {fields})"#))?;
    Ok(Made { folder, verifier })
}

/// A child that answers so.
fn answering(answer: &str, fields: &str) -> Made {
    script(&format!("{BY_HAND}\ndef answer(pairs):\n{answer}\nmain()"), fields).unwrap()
}

/// A child that uses the file that people copy.
fn with_the_copied_file(rest: &str, fields: &str) -> Result<Made, PluginError> {
    let copied = include_str!("../../python/pstar_verifier.py");
    script(&format!("{copied}\n{rest}"), fields)
}

fn refusal(made: Result<Made, PluginError>) -> PluginError {
    let error = made.err().unwrap();
    assert_eq!(error.field.as_deref(), Some("command"));
    error
}

fn reason(verdict: &Verdict) -> &str {
    if let Verdict::Unknown(reason) = verdict { reason } else { panic!("{verdict:?}") }
}

/// Whether a process is there, be it only to be reaped.
fn is_there(process: u32) -> bool {
    let mut ask = Command::new("sh");
    ask.args(["-c", &format!("kill -0 {process} 2>/dev/null")]).status().unwrap().success()
}

/// What is killed is gone soon, not at once.
fn is_gone_soon(process: u32) -> bool {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(5) {
        if !is_there(process) {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

const YES_NO: [Verdict; 2] = [Verdict::Valid, Verdict::Invalid];

#[test]
fn pairs_are_cut_into_batches_and_answered_in_their_order_by_any_number_of_children() {
    let responses: Vec<&str> = (0..1000).map(|n| if n * n % 7 == 2 { "yes" } else { "no" }).collect();
    let expected: Vec<_> = responses.iter().map(|&response| Verdict::of(response == "yes")).collect();
    for fields in ["", "batch: 1", "batch: 7, children: 3", "batch: 999, children: 2"] {
        let made = answering("    say({'verdicts': right(pairs)})", fields);
        assert_eq!(made.judge(&responses), expected, "{fields}");
        assert_eq!(made.judge(&[]), []);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(made.judge(&responses), expected, "{fields}"));
            }
        });
        assert!(made.starts().len() <= 3, "{fields}");
    }
}

#[test]
fn a_child_reads_texts_as_they_are_and_its_configuration() {
    let made = script(
        r#"
import json, sys
hello = json.loads(sys.stdin.readline())
print(json.dumps({"pstar": "verifier", "version": 1, "ready": hello["config"] == "é\n"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"verdicts": [[i, [p, r] == ["\"\n\u2028", "ä\\\0"]] for i, p, r in json.loads(line)["pairs"]]}), flush=True)
"#,
        r#"config: "é\n""#,
    )
    .unwrap();
    assert_eq!(made.verifier.judge(&[("\"\n\u{2028}", "ä\\\0"), ("", "")]), YES_NO);
    assert!(made.verifier.accepts("\"\n\u{2028}", "ä\\\0"));
}

/// A child that does something to responses `0`, `1`, …, each with what is found of it, judges them in one batch with others.
fn found_of(cases: &[(&str, String)]) {
    let case = |(n, (how, _)): (usize, &(&str, String))| format!("    if has(pairs, '{n}'): {how}\n");
    let cases_of_it: String = cases.iter().enumerate().map(case).collect();
    let made = answering(&format!("{cases_of_it}    say({{'verdicts': right(pairs)}})"), "restarts: 20");
    let names: Vec<String> = (0..cases.len()).map(|n| n.to_string()).collect();
    let responses: Vec<&str> =
        ["yes"].into_iter().chain(names.iter().map(String::as_str)).chain(["0", "no"]).collect();
    let judged = made.judge(&responses);
    let none = |(_, found): &(&str, String)| Verdict::Unknown(found.clone());
    let expected =
        [Verdict::Valid].into_iter().chain(cases.iter().map(none)).chain([none(&cases[0]), Verdict::Invalid]);
    assert_eq!(judged, expected.collect::<Vec<_>>());
    // For the batch, for the first response, for each that is at fault, once, and for what came behind; where the second ended
    // a child that had been asked about the first, for another look at it.
    let twice = usize::from(cases[0].1.contains("ended"));
    assert_eq!(made.starts().len(), cases.len() + 2 + twice);
    assert_eq!(made.judge(&["yes", "no"]), YES_NO);
}

#[test]
fn a_pair_that_ends_the_child_is_found_out() {
    let ended = |how: &str| format!("the process ended with {how}");
    found_of(&[
        (
            "sys.stderr.write('first\\nsecond\\n'); os._exit(3)",
            ended("exit code 3, the last line of its standard error is `second`"),
        ),
        ("os.kill(os.getpid(), 9)", ended("signal 9")),
        ("os.kill(os.getpid(), 11)", ended("signal 11")),
        ("sys.exit(0)", ended("exit code 0")),
    ]);
}

#[test]
fn a_pair_that_hangs_is_found_out_and_its_child_killed() {
    let made = answering(
        "    if has(pairs, 'hang'): time.sleep(1000)\n    say({'verdicts': right(pairs)})",
        "seconds: 0.5",
    );
    let judged = made.judge(&["yes", "hang", "no"]);
    assert_eq!(judged[0], Verdict::Valid);
    assert_eq!(reason(&judged[1]), "the process gave no answer within 0.5 s");
    assert_eq!(judged[2], Verdict::Invalid);
    let (last, killed) = made.starts().split_last().map(|(last, killed)| (*last, killed.to_vec())).unwrap();
    assert!(killed.into_iter().all(is_gone_soon) && is_there(last));
    drop(made);
    assert!(!is_there(last), "dropped: killed and reaped");
}

#[test]
fn grandchildren_that_hold_the_pipes_end_with_the_child() {
    for (then, found) in
        [("os._exit(7)", "ended with exit code 7"), ("time.sleep(1000)", "no answer within 0.5 s")]
    {
        let answer = format!(
            "    if has(pairs, 'hang'):\n        import subprocess; other = subprocess.Popen(['sleep', '1000'])\n        open('others', 'a').write('%d\\n' % other.pid)\n        {then}\n    say({{'verdicts': right(pairs)}})"
        );
        let made = answering(&answer, "seconds: 0.5");
        let judged = made.judge(&["hang", "yes"]);
        assert!(reason(&judged[0]).contains(found), "{judged:?}");
        assert_eq!(judged[1], Verdict::Valid);
        let others = fs::read_to_string(made.folder.path().join("others")).unwrap();
        assert_eq!(others.lines().count(), 2);
        for other in others.lines() {
            assert!(is_gone_soon(other.parse().unwrap()), "{then}");
        }
    }
}

#[test]
fn what_trickles_in_is_not_late_but_silence_is() {
    let trickle = "    for at, pair in enumerate(right(pairs)):\n        time.sleep(0.3)\n        say({'verdicts': [pair], 'more': at + 1 < len(pairs)})";
    let made = answering(trickle, "seconds: 1");
    assert_eq!(made.judge(&["yes", "no", "yes", "no"]), [YES_NO, YES_NO].concat());
    assert_eq!(made.starts().len(), 1);
    let keep_alive = "    while True: say({'verdicts': [], 'more': True}); time.sleep(0.05)";
    let made = answering(keep_alive, "");
    assert_eq!(reason(&made.judge(&["yes"])[0]), "the process gave 0 verdicts, expected 1");
}

#[test]
fn floods_of_standard_error_are_read_and_forgotten() {
    let answer = "    sys.stderr.write('x' * 5000000 + '\\nend\\n')\n    if has(pairs, 'die'): os._exit(1)\n    say({'verdicts': right(pairs)})";
    let made = answering(answer, "");
    let judged = made.judge(&["yes", "no", "die"]);
    assert_eq!(judged[..2], YES_NO);
    assert!(reason(&judged[2]).ends_with("standard error is `end`"), "{judged:?}");
    let endless = answering("    while True: sys.stderr.write('x' * 10000)", "seconds: 0.3");
    assert!(reason(&endless.judge(&["yes"])[0]).contains("no answer within 0.3 s"));
}

#[test]
fn whatever_is_no_answer_is_no_verdict() {
    let form = r#"expected `{"verdicts": [[ID, VERDICT], …]}`"#;
    let answered = |what: &str| format!("the process answered {what}, {form}");
    found_of(&[
        ("say('debug')", answered("`debug`")),
        ("say('')", answered("``")),
        ("say('{\"verdicts\": [[0, NaN]]}')", answered("a line that is not JSON, such as one with NaN")),
        ("say({'verdicts': [True]})", answered("JSON of another form")),
        ("say([True])", answered("JSON of another form")),
        ("os.write(1, b'\\xff\\xfe\\n')", answered("a line that is not UTF-8")),
        ("os.write(1, b'x' * (1 << 25))", "the process wrote a line of more than 16777216 bytes".into()),
        ("[os.write(1, b'debug\\n' * 100) for _ in range(1 << 30)]", answered("`debug`")),
        ("os.close(1); time.sleep(1000)", "the process closed its standard output and lives on".into()),
    ]);
}

#[test]
fn values_that_are_no_verdicts_cost_their_own_pair_alone() {
    let made = answering(
        "    say('{\"verdicts\": [' + ', '.join('[%d, %s]' % (id, text) for id, _, text in pairs) + ']}')",
        "threshold: 0.5",
    );
    let judged =
        made.judge(&["true", "null", "0.5", "\"true\"", "-7", "{\"error\": \"too hard\"}", "1e999", "0"]);
    // The line holds a number that is none, so that all are asked about one by one.
    assert_eq!(judged[0], Verdict::Valid);
    assert_eq!(judged[2], Verdict::Between { valid: true });
    assert_eq!(judged[4], Verdict::Between { valid: false });
    assert_eq!((reason(&judged[5]), &judged[7]), ("too hard", &Verdict::Invalid));
    for none in [1, 3, 6] {
        reason(&judged[none]);
    }
    assert_eq!(made.starts().len(), 3);
}

/// Another order does no harm, for ids tell which verdict is whose; numbers that do not fit make all of them doubtful.
#[test]
fn ids_tell_whose_a_verdict_is() {
    let responses = ["yes", "no", "yes", "yes"];
    let made = answering("    say({'verdicts': right(pairs)[::-1]})", "");
    assert_eq!(made.judge(&responses), responses.map(|response| Verdict::of(response == "yes")));
    for (how, found) in [
        ("say({'verdicts': right(pairs)[1:]})", "the process gave 3 verdicts, expected 4"),
        ("say({'verdicts': []})", "the process gave 0 verdicts, expected 4"),
        ("say({'verdicts': right(pairs) + [[0, True]]})", "the process gave 5 verdicts, expected 4"),
        (
            "say({'verdicts': right(pairs)[1:] + right(pairs)[-1:]})",
            "the process wrote what was not asked for, or gave a verdict twice",
        ),
        (
            "say({'verdicts': [[id + 1, v] for id, v in right(pairs)]})",
            "the process wrote what was not asked for, or gave a verdict twice",
        ),
        (
            "say({'verdicts': [[id - 1 if id else 9, v] for id, v in right(pairs)]})",
            "the process wrote what was not asked for, or gave a verdict twice",
        ),
        (
            "line = json.dumps({'verdicts': right(pairs)}) + '\\n'; os.write(1, (2 * line).encode())",
            "the process wrote what was not asked for, or gave a verdict twice",
        ),
    ] {
        let made = answering(&format!("    {how}"), "");
        assert_eq!(made.judge(&responses), vec![Verdict::Unknown(found.into()); 4], "{how}");
        assert_eq!(made.starts().len(), 1, "{how}");
    }
}

/// A late answer is known by its ids, which no other question has: nothing is shifted by one.
#[test]
fn an_answer_to_an_earlier_question_is_not_taken_for_this_ones() {
    let answer =
        "    global last\n    say({'verdicts': last if last else right(pairs)})\n    last = right(pairs)";
    let made = script(&format!("{BY_HAND}\nlast = None\ndef answer(pairs):\n{answer}\nmain()"), "").unwrap();
    assert_eq!(made.judge(&["yes"]), [Verdict::Valid]);
    assert!(reason(&made.judge(&["no"])[0]).contains("not asked for"));
}

#[test]
fn a_child_that_always_fails_is_given_up() {
    let made = answering("    os._exit(5)", "batch: 10, restarts: 2");
    let judged = made.judge(&(0..30).map(|n| ["a", "b", "c", "d", "e"][n % 5]).collect::<Vec<_>>());
    assert_eq!(reason(&judged[0]), "the process ended with exit code 5");
    assert_eq!(reason(&judged[1]), reason(&judged[0]));
    assert_eq!(
        reason(&judged[2]),
        "it was not asked about, since the process failed 3 times in a row; the last time: the process ended with exit code 5"
    );
    assert_eq!(
        reason(&judged[29]),
        "it was not asked about, since the process failed on all of an earlier batch"
    );
    assert_eq!(made.starts().len(), 3);
    // The next call finds it as it is then.
    assert_eq!(reason(&made.judge(&["a"])[0]), "the process ended with exit code 5");
}

/// The request does not fit into the pipe, which nobody reads.
#[test]
fn a_child_that_reads_no_request_is_told_by_what_it_said() {
    let ready = r#"import os, sys, time; sys.stdin.readline(); print('{"pstar": "verifier", "version": 1, "ready": true}', flush=True)"#;
    let long = "x".repeat(1 << 20);
    for (then, found) in [
        ("time.sleep(0.3); print('no more', flush=True)", "the process answered `no more`"),
        ("os.close(0); time.sleep(1000)", "the process closed its standard input and lives on"),
        ("os.close(0); sys.exit(4)", "the process ended with exit code 4"),
        ("time.sleep(1000)", "the process gave no answer within 2 s"),
    ] {
        let made = script(&format!("{ready}\n{then}"), "seconds: 2").unwrap();
        let judged = made.judge(&[&long]);
        assert!(reason(&judged[0]).starts_with(found), "{then}: {judged:?}");
    }
}

/// Its memory is full, or somebody killed it: the pair that it is asked about next is not to blame.
#[test]
fn what_ended_a_child_earlier_is_no_fault_of_this_pair() {
    let answer = "    global asked\n    asked += len(pairs)\n    if asked > 3: os._exit(1)\n    say({'verdicts': right(pairs)})";
    let made =
        script(&format!("{BY_HAND}\nasked = 0\ndef answer(pairs):\n{answer}\nmain()"), "batch: 1").unwrap();
    assert_eq!(made.judge(&["yes", "no", "yes", "yes", "no"])[..2], YES_NO);
    assert_eq!(made.judge(&["yes"; 9]), vec![Verdict::Valid; 9]);
    // Killed while nobody asks it anything.
    Command::new("kill").args(["-9", &made.starts().last().unwrap().to_string()]).status().unwrap();
    assert_eq!(made.judge(&["no"]), [Verdict::Invalid]);
}

#[test]
fn a_child_that_does_not_start_again_says_why() {
    let made = script(
        &format!("import os\nif os.path.exists('starts'): os._exit(9)\n{BY_HAND}\ndef answer(pairs): os._exit(1)\nmain()"),
        "",
    )
    .unwrap();
    assert_eq!(reason(&made.judge(&["a"])[0]), "the process ended with exit code 1");
    assert_eq!(reason(&made.judge(&["a"])[0]), "the process ended with exit code 9");
}

#[test]
fn a_child_that_does_not_get_ready_is_refused() {
    let first = |line: &str| {
        let limit = if line.contains("sleep") { "start_seconds: 1" } else { "" };
        let rest = format!("import sys, time\nsys.stderr.write('a hint\\n'); sys.stderr.flush()\n{line}");
        refusal(script(&rest, limit))
    };
    for (line, found) in [
        (
            r#"print('{"pstar": "verifier", "version": 2, "ready": true}')"#,
            "the process speaks version 2 of the protocol, expected 1",
        ),
        (
            r#"print('{"pstar": "verifier", "version": 1, "refused": "no dataset"}')"#,
            "the process refuses: no dataset",
        ),
        ("print('loading…')", "the first line of the process is `loading…`, expected"),
        (r"sys.stdout.buffer.write(b'\xff\n')", "the first line of the process is `\u{fffd}`, expected"),
        ("time.sleep(1000)", "the process gave no answer within 1 s"),
        (
            "raise ValueError('no')",
            "the process ended with exit code 1, the last line of its standard error is `ValueError: no`",
        ),
        ("", "the process ended with exit code 0, the last line of its standard error is `a hint`"),
    ] {
        let error = first(line);
        assert!(
            error
                .message
                .starts_with(&format!("the command `python3 -IS child.py` does not verify: {found}")),
            "{}",
            error.message
        );
        assert!(error.hint.unwrap().starts_with("the end of its standard error:\na hint"), "{line}");
    }
}

#[test]
fn commands_that_cannot_be_started_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data.txt"), "no program").unwrap();
    for (command, found) in [
        (r#"["no-such-program-of-anybody"]"#, "No such file"),
        (r#"["./missing"]"#, "No such file"),
        (r#"["./data.txt"]"#, "ermission denied"),
        (r#"["./"]"#, "ermission denied"),
    ] {
        let error = configured(folder.path(), &format!("(command: {command})")).err().unwrap();
        assert!(
            error.message.contains("cannot be started") && error.message.contains(found),
            "{}",
            error.message
        );
        assert_eq!(error.field.as_deref(), Some("command"));
        assert!(error.hint.unwrap().contains("interpreter"));
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (config, field) in [
        (r"(command: [])", "command"),
        (r#"(command: [""])"#, "command"),
        (r#"(command: ["a\0"])"#, "command"),
        (r#"(command: ["a"], batch: 0)"#, "batch"),
        (r#"(command: ["a"], batch: 65537)"#, "batch"),
        (r#"(command: ["a"], children: 0)"#, "children"),
        (r#"(command: ["a"], seconds: 0)"#, "seconds"),
        (r#"(command: ["a"], seconds: NaN)"#, "seconds"),
        (r#"(command: ["a"], seconds: 1e300)"#, "seconds"),
        (r#"(command: ["a"], start_seconds: -1)"#, "start_seconds"),
        (r#"(command: ["a"], threshold: inf)"#, "threshold"),
        (r#"(command: ["a"], environment: {"a=b": "c"})"#, "environment"),
        (r#"(command: ["a"], files: ["missing"])"#, "files"),
    ] {
        let error = configured(Path::new("."), config).err().unwrap();
        assert_eq!(error.field.as_deref(), Some(field), "{config}: {}", error.message);
    }
}

#[test]
fn a_child_sees_its_environment_and_folder_and_no_terminal_signal() {
    let made = script(
        &format!("{BY_HAND}\ndef answer(pairs): say({{'verdicts': [[i, os.environ.get(p) == r] for i, p, r in pairs]}})\nassert os.getpgid(0) == os.getpid()\nmain()"),
        r#"environment: {"MINE": "1"}"#,
    )
    .unwrap();
    assert_eq!(
        made.verifier.judge(&[("MINE", "1"), ("PYTHONHASHSEED", "0")]),
        [Verdict::Valid, Verdict::Valid]
    );
    assert_eq!(made.starts().len(), 1, "it ran in the folder of the experiment");
}

#[test]
fn the_copied_file_makes_verifiers_of_functions() {
    let made = with_the_copied_file(
        r#"
print("a library", flush=True)
def accepts(prompt, response):
    print("debug", response)
    os.system("echo more of it")
    if response == "ask": return input()
    return eval(response)
serve(accepts)
"#,
        "threshold: 0.5",
    )
    .unwrap();
    let judged =
        made.judge(&["True", "0.25", "1/0", "float('nan')", "None", "'1'", "ask", "0", "-float('inf')"]);
    let none = |reason: &str| Verdict::Unknown(reason.into());
    assert_eq!(
        judged,
        [
            Verdict::Valid,
            Verdict::Between { valid: false },
            none("ZeroDivisionError: division by zero"),
            none("the verdict is nan"),
            none("the verdict is NoneType"),
            none("the verdict is str"),
            none("EOFError: EOF when reading a line"),
            Verdict::Invalid,
            none("the verdict is -inf"),
        ]
    );
}

#[test]
fn the_copied_file_finds_out_whom_a_function_of_many_fails_on() {
    for faulty in ["return [1.0 / len(r) for _, r in pairs]", "return [len(r) for _, r in pairs if r]"] {
        let made =
            with_the_copied_file(&format!("def many(pairs):\n    {faulty}\nserve(many=many)"), "").unwrap();
        assert_eq!(made.judge(&["a", "a"]), [Verdict::Valid, Verdict::Valid]);
        let judged = made.judge(&["a", "", "a"]);
        assert_eq!((&judged[0], &judged[2]), (&Verdict::Valid, &Verdict::Valid));
        assert!(reason(&judged[1]).contains("Error: "), "{judged:?}");
    }
}

#[test]
fn the_copied_file_can_refuse_a_configuration() {
    let begin =
        "serve(lambda prompt, response: True, begin=lambda config: config == 'bad' and 'a bad level')";
    assert!(with_the_copied_file(begin, r#"config: "good""#).is_ok());
    let error = refusal(with_the_copied_file(begin, r#"config: "bad""#));
    assert!(error.message.ends_with("the process refuses: a bad level"), "{}", error.message);
}

#[test]
fn the_copied_file_answers_as_it_goes() {
    let made = with_the_copied_file("serve(lambda prompt, response: time.sleep(0.3) is None)", "seconds: 2")
        .unwrap();
    assert_eq!(made.judge(&["a"; 8]), vec![Verdict::Valid; 8]);
}
