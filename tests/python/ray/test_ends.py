"""How a run on a cluster ends: with an arm that kills its workers, stopped by signals, and when nobody gets on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import Driver, await_, differing, prepare, results, status, write
from ray_nodes import Nodes, workers

#: Ends the process of every arm that asks it.
DEADLY = """
import os, signal

class Deadly:
    def step(self, batch):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_arm_that_kills_its_workers_fails_and_the_others_end(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY)
    other = '"deadly": (plugin: "python", config: (import: "deadly:Deadly")),'
    experiment, run = write(tmp_path / "deadly.ron", 4, 200, other), tmp_path / "run"
    driver = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "3")
    code, said = driver.end()
    assert code == 4, said
    found = status(run)
    assert (found["complete"], len(found["failed"]), found["summarised"]) == (2, 2, True)
    assert all("it has ended 3 processes" in arm["message"] for arm in found["failed"])
    assert said.count("failed: bigram · deadly · seed ") == 2 and f"written to {run}" in said, said
    assert "2 of 4 arms are done, 2 failed" in said


#: Of the run that is stopped.
ARMS = 10


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, host: str) -> Path:
    """An experiment, and beside it what a single process finds."""
    folder = tmp_path_factory.mktemp("stopped")
    experiment = write(folder / "stop.ron", ARMS, 16_000)
    subprocess.run([host, "run", experiment, "--out", folder / "alone"], check=True, capture_output=True)
    return experiment


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_gives_the_arms_back(nodes: Nodes, tmp_path: Path, stopped: Path, number: int, code: int) -> None:
    experiment, alone, run = stopped, stopped.parent / "alone", tmp_path / "run"
    words: list[str | Path] = [experiment, "--out", run, "--workers", "3"]
    driver = Driver(nodes, tmp_path, *words)
    await_(lambda: len(workers(run)) == 3 and results(run) >= 1)
    driver.process.send_signal(number)
    ended, said = driver.end(60)
    assert ended == code, said
    assert f"to go on: python -m pstar.ray {run}" in said
    assert workers(run) == {}
    found = status(run)
    left = ARMS - found["complete"]
    assert left > 0 and found["workers"] == [] and found["failed"] == []
    assert found["stopped"] > 0
    # Each that was begun and not ended was given back behind a checkpoint, and nothing else is left of the driver.
    assert len(list(run.glob("arms/*/checkpoint"))) == found["stopped"]
    assert list(run.glob(".ray-*")) == []

    code, said = Driver(nodes, tmp_path, *words).end()
    assert code == 0, said
    assert differing(run, alone) == []


def test_a_driver_that_is_killed_leaves_no_worker(nodes: Nodes, tmp_path: Path) -> None:
    experiment, run = write(tmp_path / "killed.ron", 4, 20_000), tmp_path / "run"
    driver = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "2")
    await_(lambda: len(workers(run)) == 2)
    driver.process.kill()
    driver.process.wait()
    await_(lambda: not workers(run), 60)
    assert len(list(run.glob(".ray-*"))) == 1
    # The next one clears its sign away.
    code, said = Driver(nodes, tmp_path, run, "--workers", "2", "--quiet").end()
    assert code == 0 and "arms are done" not in said, said
    assert list(run.glob(".ray-*")) == []


def test_workers_that_never_get_on_are_not_begun_for_ever(nodes: Nodes, tmp_path: Path) -> None:
    """A component that ends every process before an arm is claimed."""
    early = "import os, signal\nif os.environ.get('EARLY') != 'no':\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    (tmp_path / "early.py").write_text(early + DEADLY)
    other = '"early": (plugin: "python", config: (import: "early:Deadly")),'
    experiment, run = write(tmp_path / "early.ron", 2, 100, other), tmp_path / "run"
    # The driver's own questions pass.
    driver = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "2", EARLY="no")
    code, said = driver.end()
    assert code == 5, said
    assert "8 workers ended, one after the other, and no arm did; 2 are left" in said
    assert "`head` (127.0.0.1): ended by signal 9" in said


CALL = """
import sys
import pstar.ray

seen = []
run = pstar.ray.run(sys.argv[1], {"training.steps": 60}, out=sys.argv[2], workers=2, progress=seen.append, every=0.2)
assert run.complete and len(run.record["arms"]) == 8 and run.failures == []
assert [now.ended for now in seen] == sorted(now.ended for now in seen)
assert seen[-1].complete == seen[-1].arms == 8 and seen[-1].left == 0
assert pstar.ray.run(sys.argv[2], progress=False).record == run.record
"""


def test_a_call_gives_the_run(nodes: Nodes, tmp_path: Path) -> None:
    experiment = write(tmp_path / "call.ron", 8, 100)
    ended = subprocess.run(
        [sys.executable, "-c", CALL, experiment, tmp_path / "run"],
        env=nodes.environment, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("arms, threads", [(2, 2), (8, 1)])
def test_others_that_work_take_part(nodes: Nodes, tmp_path: Path, arms: int, threads: int) -> None:
    """A worker that is not Ray's has all arms that are left, which are waited for, or one of many."""
    experiment, run = write(tmp_path / "others.ron", arms, 40_000), tmp_path / "run"
    prepare(experiment, run)
    program = [sys.executable, "-m", "pstar"]
    other = subprocess.Popen([*program, "worker", run, "--threads", str(threads)], stdout=subprocess.DEVNULL)
    try:
        await_(lambda: len(list(run.glob("arms/*/claim.1"))) == threads)
        driver = Driver(nodes, tmp_path, run, "--workers", "2", "--linger", "0", "--every", "0.2")
        helped = False
        while driver.process.poll() is None:
            helped = helped or bool(workers(run).keys() - {other.pid})
            time.sleep(0.05)
        code, said = driver.end()
        assert code == 0, said
        assert f"{arms} of {arms} arms are done\n" in said
        assert helped == (arms > threads), said
        assert other.wait(60) == 0
    finally:
        other.kill()
