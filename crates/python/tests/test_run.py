"""Runs, exact values and optima in this process."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from experiments import LOO, ROOT, arms, contents, host, program, python, run, write

import pstar

RUST = {
    "reinforce": '(plugin: "reinforce")',
    "grpo": '(plugin: "grpo")',
    "alpha": '(plugin: "alpha", config: (alpha: 0.5))',
}


def script(text, *arguments, **settings):
    """Runs a program of Python in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


def ended(process, seconds=120):
    out, errors = process.communicate(timeout=seconds)
    return process.returncode, out, errors


def slow(folder, steps=400, seconds=0.01):
    """An experiment of two arms that take some seconds, and learn."""
    return write(
        folder, {"mine": python("mine:Learning", f"(seconds: {seconds})")}, steps=steps, modules={"mine.py": LOO}
    )


def wait_for(there, seconds=60):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "nothing came of it"
        time.sleep(0.02)


def test_a_run_writes_what_the_program_in_rust_writes(tmp_path):
    path = write(tmp_path / "experiment", RUST)
    here, there = tmp_path / "here", tmp_path / "there"
    run(path, here)
    subprocess.run([host(tmp_path), "run", path, "--out", there, "--threads", "2"], check=True, capture_output=True)
    one, other = contents(here), contents(there)
    assert one.keys() == other.keys()
    # The page tells the command, and what ran it.
    assert [name for name in one if one[name] != other[name]] == ["report.html"]
    own, foreign = (folder / "provenance.json" for folder in (here, there))
    told = own.read_bytes()
    own.write_bytes(foreign.read_bytes())
    assert pstar.load(here).report(tmp_path / "page.html").read_bytes() == other["report.html"]
    own.write_bytes(told)
    provenance = [json.loads((folder / "provenance.json").read_text()) for folder in (here, there)]
    assert provenance[0]["command"] == ["pstar.run", "experiment.ron"]
    for told in provenance:
        for name in ("command", "host", "parts"):
            told.pop(name, None)
        told["plugins"] = [plugin for plugin in told["plugins"] if "_native" not in plugin["file"]]
    assert provenance[0] == provenance[1]


def test_the_command_line_and_the_function_write_the_same(tmp_path):
    path = write(tmp_path, {"mine": python("mine:Loo")}, modules={"mine.py": LOO})
    run(path, tmp_path / "function", threads=1)
    assert program("run", path, "--out", tmp_path / "line", "--threads", "2").returncode == 0
    assert contents(tmp_path / "function") == contents(tmp_path / "line")


def test_overrides_are_those_of_the_command_line(tmp_path):
    path = write(tmp_path, RUST)
    of_dict = run(path, tmp_path / "a", overrides={"training.steps": 3, "seeds": [7], "name": "other"})
    of_list = run(path, tmp_path / "b", overrides=["training.steps=3", "seeds=[7]", 'name="other"'])
    assert of_dict.record == of_list.record and of_dict.name == "other"
    assert {arm["seed"] for arm in of_dict.record["arms"]} == {7}
    assert of_dict.provenance["experiment"]["set"] == ["training.steps=3", "seeds=[7]", 'name="other"']


@pytest.mark.parametrize(
    "settings, error, message",
    [
        ({"overrides": "training.steps=3"}, TypeError, "expected a dict or a list"),
        ({"overrides": ["training.steps"]}, TypeError, "found 'training.steps'"),
        ({"overrides": {"training.steps": object()}}, TypeError, "`training.steps` is of the type object, .*expected numbers"),
        ({"overrides": {"training.stps": 3}}, pstar.PstarError, "unknown field `stps`(.|\n)*did you mean `steps`"),
        ({"overrides": {"nothing.at.all": 3}}, pstar.PstarError, "nothing"),
        ({"threads": 0}, ValueError, "threads: expected a whole number from 1"),
        ({"threads": 1.5}, ValueError, "threads"),
        ({"progress": "yes"}, TypeError, "progress"),
        ({"plugin_dirs": ["/nowhere/at/all"]}, pstar.PstarError, "/nowhere/at/all"),
    ],
)
def test_bad_settings_are_told(tmp_path, settings, error, message):
    path = write(tmp_path, RUST)
    with pytest.raises(error, match=message):
        pstar.run(path, settings.pop("overrides", None), out=tmp_path / "out", **{"progress": False, **settings})
    assert not (tmp_path / "out").exists()


def test_what_is_no_experiment_is_told(tmp_path):
    (tmp_path / "bad.ron").write_text('(\n    name: "a,\n)')
    for path, message in (
        (tmp_path / "none.ron", "none.ron"),
        (tmp_path / "bad.ron", "bad.ron:"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(pstar.PstarError, match=re.escape(message)):
            run(path, tmp_path / "out")


def test_a_complete_run_is_read_and_one_of_another_experiment_refused(tmp_path):
    path = write(tmp_path, RUST)
    first = run(path, tmp_path / "out")
    told = []
    again = pstar.run(path, out=tmp_path / "out", progress=told.append)
    assert first.record == again.record
    assert any("nothing is left to do" in word for progress in told for word in progress.words)
    with pytest.raises(pstar.PstarError, match="steps"):
        run(path, tmp_path / "out", overrides={"training.steps": 31})
    fresh = run(path, tmp_path / "out", overrides={"training.steps": 31}, fresh=True)
    assert arms(fresh, "reinforce")[1]["budget"]["optimizer_steps"] == 31


def test_a_store_is_shared(tmp_path):
    store = tmp_path / "store"
    run(write(tmp_path / "a", {"reinforce": RUST["reinforce"]}), tmp_path / "out-a", store=store)
    told = []
    path = write(tmp_path / "b", RUST)
    pstar.run(path, out=tmp_path / "out-b", store=store, progress=told.append)
    assert told[-1].arms == 4 and "2 of 6 arms are done already" in told[-1].words


def test_progress_is_told_on_the_thread_that_called(tmp_path):
    told, threads = [], set()

    def tell(progress):
        threads.add(threading.get_ident())
        told.append(progress)

    pstar.run(slow(tmp_path, steps=60), out=tmp_path / "out", threads=2, progress=tell)
    assert threads == {threading.get_ident()}
    assert len(told) > 3
    assert [progress.steps_done for progress in told] == sorted(progress.steps_done for progress in told)
    last = told[-1]
    assert (last.arms, last.arms_ended, last.steps, last.steps_done) == (2, 2, 120, 120)
    assert "mine" in last.last_arm


def test_what_progress_raises_stops_the_run_and_what_is_done_is_kept(tmp_path):
    def tell(progress):
        if progress.steps_done > 40:
            raise RuntimeError("enough")

    path = slow(tmp_path)
    with pytest.raises(RuntimeError, match="enough"):
        pstar.run(path, out=tmp_path / "out", progress=tell, threads=2)
    left = pstar.load(tmp_path / "out")
    assert not left.complete and {arm["status"] for arm in left.record["arms"]} == {"interrupted"}
    run(path, tmp_path / "out", overrides=None)
    run(path, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_run_from_another_thread_and_two_at_once(tmp_path):
    paths = [write(tmp_path / name, {"mine": python("mine:Loo")}, modules={"mine.py": LOO}) for name in "ab"]
    store, results = tmp_path / "store", {}

    def work(name, path):
        results[name] = run(path, tmp_path / f"out-{name}", store=store)

    workers = [threading.Thread(target=work, args=item) for item in zip("ab", paths)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert arms(results["a"], "mine") == arms(results["b"], "mine")
    assert results["a"].complete and results["b"].complete


def test_python_goes_on_while_a_run_does(tmp_path):
    counted, done = 0, threading.Event()
    worker = threading.Thread(target=lambda: (run(write(tmp_path, RUST, steps=300), tmp_path / "out"), done.set()))
    worker.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    worker.join()
    assert counted > 50


INTERRUPTED = """
    import os, signal, sys, threading, time
    import pstar

    def interrupt():
        time.sleep(float(sys.argv[3]))
        os.kill(os.getpid(), signal.SIGINT)

    def begun(progress):
        if progress.steps_done > 20 and not told:
            told.append(threading.Thread(target=interrupt, daemon=True).start())

    told = []
    try:
        pstar.run(sys.argv[1], out=sys.argv[2], threads=2, progress=begun)
    except KeyboardInterrupt as raised:
        print(raised)
        left = pstar.load(sys.argv[2])
        print(sorted({arm["status"] for arm in left.record["arms"]}))
        result = pstar.run(sys.argv[1], out=sys.argv[2], threads=2, progress=False)
        print(result.complete)
"""


def test_ctrl_c_keeps_what_is_done_and_says_where_to_go_on(tmp_path):
    path = slow(tmp_path)
    code, out, errors = ended(script(INTERRUPTED, path, tmp_path / "out", 0.1))
    assert code == 0, errors
    lines = out.splitlines()
    assert lines[0].startswith("stopped: 2 of 2 arms did not end; what is done is kept in ")
    assert lines[1] == f'to go on: pstar.run(…, out="{tmp_path / "out"}")'
    assert lines[2:] == ["['interrupted']", "True"]
    run(path, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_ctrl_c_before_training_raises_at_once(tmp_path):
    # Some twenty seconds of exact values.
    path = ROOT / "experiments/compare.ron"
    text = """
        import os, signal, sys, time
        import pstar

        def tell(progress):
            if progress.phase and not asked:
                asked.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)

        asked = []
        try:
            overrides = {"task.horizon": 9, "evaluation.enumerate_up_to": 10}
            pstar.run(sys.argv[1], overrides, out=sys.argv[2], progress=tell)
        except KeyboardInterrupt:
            print(time.monotonic() - asked[0] < 5)
    """
    code, out, errors = ended(script(text, path, tmp_path / "out"))
    assert (code, out) == (0, "True\n"), errors


def test_a_run_that_is_killed_goes_on_to_the_same_bytes(tmp_path):
    path = slow(tmp_path, steps=300, seconds=0.02)
    command = [
        sys.executable,
        "-m",
        "pstar",
        "run",
        path,
        "--out",
        tmp_path / "out",
        "--checkpoint",
        "0",
        "--threads",
        "2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list((tmp_path / "out").rglob("*checkpoint*")) if (tmp_path / "out").exists() else False)
    time.sleep(0.5)
    process.kill()
    process.wait()
    assert not (tmp_path / "out/summary.json").exists()
    run(path, tmp_path / "out")
    run(path, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_two_processes_share_a_store(tmp_path):
    path = slow(tmp_path, steps=60)
    text = "import sys, pstar; pstar.run(sys.argv[1], out=sys.argv[2], store=sys.argv[3], progress=False, threads=1)"
    both = [script(text, path, tmp_path / name, tmp_path / "store") for name in ("one", "two")]
    assert [ended(process)[0] for process in both] == [0, 0]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_copy_of_the_process_runs_too(tmp_path):
    path = write(tmp_path, {"mine": python("mine:Loo")}, modules={"mine.py": LOO})
    text = """
        import os, sys, warnings
        import pstar

        warnings.simplefilter("ignore")
        before = pstar.run(sys.argv[1], out=sys.argv[2] + "/parent", progress=False, threads=2)
        child = os.fork()
        if child == 0:
            after = pstar.run(sys.argv[1], out=sys.argv[2] + "/child", progress=False, threads=2)
            same = after.record == before.record
            sys.exit(0 if same else 9)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    code, out, errors = ended(script(text, path, tmp_path))
    assert (code, out) == (0, "0\n"), errors


def test_a_run_in_a_daemon_thread_stops_with_the_interpreter(tmp_path):
    path = slow(tmp_path, steps=100_000)
    text = """
        import sys, threading, time
        import pstar

        begun = threading.Event()
        tell = lambda progress: begun.set() if progress.steps_done > 10 else None
        run = lambda: pstar.run(sys.argv[1], out=sys.argv[2], threads=2, progress=tell)
        threading.Thread(target=run, daemon=True).start()
        assert begun.wait(60)
    """
    code, _, errors = ended(script(text, path, tmp_path / "out"))
    assert (code, errors) == (0, "")
    left = pstar.load(tmp_path / "out")
    assert {arm["status"] for arm in left.record["arms"]} == {"interrupted"}


def test_exact_values_and_optima_are_those_of_the_program(tmp_path):
    path = ROOT / "experiments/toy-parity.ron"
    binary = host(tmp_path)

    def told(*arguments):
        return json.loads(subprocess.run([binary, *arguments, "--json"], check=True, capture_output=True).stdout)

    assert pstar.exact(path) == told("exact", path)
    assert pstar.exact(path, sweep={"lambda": [0.5, 2.0]}) == told("exact", path, "--sweep", "lambda=0.5,2")
    assert pstar.exact(path, sweep="power=0,2") == told("exact", path, "--sweep", "power=0,2")
    assert pstar.exact(path, method="dynamic-programming") == told("exact", path, "--method", "dynamic-programming")
    assert pstar.exact(path, kappa=True) == told("exact", path, "--kappa")
    assert pstar.optimum(path, boxes=0) == told("optimum", path, "--boxes", "0")
    assert pstar.exact(path, {"task.horizon": 3}) != pstar.exact(path)


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"method": "guess"}, ValueError),
        ({"sweep": "lambda"}, pstar.PstarError),
        ({"sweep": {"lambda": [-1.0]}}, pstar.PstarError),
        ({"sweep": {"lambda": [1.0], "beta": [1.0]}}, ValueError),
    ],
)
def test_bad_questions_are_refused(settings, error):
    with pytest.raises(error):
        pstar.exact(ROOT / "experiments/toy-parity.ron", **settings)


def test_values_of_python_are_written_as_experiments_are():
    from pstar._settings import assignments

    found = assignments(
        {
            "a": True,
            "b": None,
            "c": 1,
            "d": 1e-3,
            "e": 'say "ä"\n\\',
            "f": [1, (2, 3)],
            "g": {"beta": 0.5, "of": {"x y": 1}},
            "h": pstar.Ron("Adam(learning_rate: 0.1)"),
            "i": np.float64(0.25),
            "j": np.arange(2),
            "k": float("inf"),
            "l": {},
        }
    )
    assert found == [
        "a=true",
        "b=None",
        "c=1",
        "d=0.001",
        'e="say \\"ä\\"\\n\\\\"',
        "f=[1, (2, 3)]",
        'g=(beta: 0.5, of: {"x y": 1})',
        "h=Adam(learning_rate: 0.1)",
        "i=0.25",
        "j=[0, 1]",
        "k=inf",
        "l=()",
    ]


def test_signals_of_the_process_are_left_as_they_were(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run(write(tmp_path, RUST, steps=2), tmp_path / "out")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
