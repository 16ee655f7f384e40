"""The command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from experiments import LOO, contents, program, python, write

#: What `pip` puts beside the interpreter.
SCRIPT = Path(sys.executable).parent / "pstar"


def slow(folder, steps=400):
    return write(folder, {"mine": python("mine:Learning", "(seconds: 0.01)")}, steps=steps, modules={"mine.py": LOO})


def test_exit_codes_say_what_happened(tmp_path):
    good = write(tmp_path / "good", {"mine": python("mine:Loo")}, modules={"mine.py": LOO}, steps=3)
    fails = write(
        tmp_path / "fails",
        {"mine": python("mine:Mine")},
        modules={"mine.py": "class Mine:\n    def step(self, b): pass\n"},
        steps=3,
    )
    absent = write(tmp_path / "absent", {"mine": python("mine:Mine")})
    unknown = write(tmp_path / "unknown", {"mine": '(plugin: "nobody")'})
    for path, code in ((good, 0), (fails, 4), (absent, 2), (unknown, 3), (tmp_path / "none.ron", 2)):
        result = program("run", path, "--out", tmp_path / f"out-{code}-{path.parent.name}")
        assert result.returncode == code, result.stderr
    assert program("run", good, "--out", "/dev/null/out").returncode == 2
    assert program("--no-such-option").returncode == 2
    assert program("--version").stdout.startswith("pstar ")


def test_a_missing_class_is_underlined(tmp_path):
    path = write(tmp_path, {"mine": python("mine:Mine")}, modules={"mine.py": LOO})
    result = program("validate", path)
    assert result.returncode == 2
    assert "`mine` has no class `Mine`" in result.stderr and "─────" in result.stderr and "`Loo`" in result.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_keep_what_is_done(tmp_path, number, code):
    path, out = slow(tmp_path), tmp_path / "out"
    command = [sys.executable, "-m", "pstar", "run", path, "--out", out, "--threads", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Arms have been begun when their folders are there.
    until = time.monotonic() + 60
    while not (out.exists() and any(out.glob("arms/*"))):
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert f"stopped by signal {number.value}: 2 of 2 arms did not end" in errors
    assert f"to go on: pstar run {path}" in errors
    assert json.loads((out / "summary.json").read_text())["complete"] is False
    assert program("run", path, "--out", out).returncode == 0
    assert program("run", path, "--out", tmp_path / "whole").returncode == 0
    assert contents(out) == contents(tmp_path / "whole")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    command = f"{sys.executable} -m pstar plugins | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "0" and result.stderr == ""


def test_closed_standard_output_is_told(tmp_path):
    result = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pstar plugins >&-; echo $? >&2"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr.splitlines()[-1] == "5" and "standard output is closed" in result.stderr


def test_what_a_class_prints_stays_out_of_the_json(tmp_path):
    module = (
        LOO
        + "\n\nclass Loud(Loo):\n    def step(self, batch):\n"
        + "        print('hello')\n        return super().step(batch)\n"
    )
    path = write(tmp_path, {"mine": python("mine:Loud")}, modules={"mine.py": module}, steps=3)
    result = program("run", path, "--out", tmp_path / "out", "--json")
    assert json.loads(result.stdout)["complete"] is True
    assert "hello" in result.stderr


CRASH = """
import ctypes

from mine import Loo


class Crash(Loo):
    def step(self, batch):
        if batch.step == 2:
            ctypes.string_at(0)
        return super().step(batch)
"""


@pytest.mark.parametrize("options", [[], ["--isolate"]])
def test_a_crash_costs_its_own_arms_alone(tmp_path, options):
    objectives = {"good": python("mine:Loo"), "bad": python("crash:Crash")}
    path = write(tmp_path, objectives, modules={"mine.py": LOO, "crash.py": CRASH}, steps=10)
    result = program("run", path, "--out", tmp_path / "out", "--threads", "2", *options)
    assert result.returncode == 4, result.stderr
    record = json.loads((tmp_path / "out/summary.json").read_text())
    status = {(arm["objective"], arm["status"]) for arm in record["arms"]}
    assert status == {("good", "complete"), ("bad", "failed")}
    assert any("SIGSEGV" in arm["failure"]["message"] for arm in record["arms"] if arm["status"] == "failed")


def test_an_isolated_run_and_workers_write_the_same(tmp_path):
    objectives = {"mine": python("mine:Loo"), "rust": '(plugin: "reinforce")'}
    path = write(tmp_path, objectives, modules={"mine.py": LOO}, steps=10)
    assert program("run", path, "--out", tmp_path / "plain").returncode == 0
    assert program("run", path, "--out", tmp_path / "isolated", "--isolate", "--threads", "2").returncode == 0
    prepared = program("run", path, "--out", tmp_path / "worked", "--prepare")
    assert "4 of 4 arms are to be run: pstar worker" in prepared.stdout
    # What it needs is in its own folder.
    (tmp_path / "mine.py").rename(tmp_path / "gone.py")
    assert program("worker", tmp_path / "worked", cwd="/").returncode == 0
    plain = contents(tmp_path / "plain")
    assert contents(tmp_path / "isolated") == plain and contents(tmp_path / "worked") == plain


@pytest.mark.skipif(not SCRIPT.exists(), reason="the package is not installed here")
def test_the_script_is_the_module():
    said = subprocess.run([SCRIPT, "plugins", "--json"], check=True, capture_output=True, text=True).stdout
    assert said == program("plugins", "--json").stdout
    assert {"objective", "verifier"} == {c["kind"] for c in json.loads(said)["components"] if c["name"] == "python"}


def test_help_calls_it_what_it_is_called():
    for arguments in (["--help"], ["run", "--help"], ["check", "--help"], ["plugins"], ["probe", "--help"]):
        said = program(*arguments).stdout
        assert "host run" not in said and "host check" not in said and "host plugins" not in said, arguments
    assert "pstar run experiments/compare.ron" in program("--help").stdout


def test_the_environment_of_the_process_is_left_alone(tmp_path):
    path = write(tmp_path, {"mine": python("mine:Loo")}, modules={"mine.py": LOO}, steps=2)
    environment = {**os.environ, "PSTAR_PLUGIN_PATH": str(tmp_path / "nowhere")}
    result = program("run", path, "--out", tmp_path / "out", env=environment)
    assert result.returncode != 0 and "nowhere" in result.stderr
    result = subprocess.run([sys.executable, "-c", "import pstar"], env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, ""), "importing loads no plugin"
