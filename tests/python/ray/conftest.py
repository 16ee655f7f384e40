"""What the tests under Ray share. `PSTAR_HOST` names the program that runs are held against."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ray_nodes import Nodes, workers

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reference" / "survival"))
import contents  # type: ignore[import-not-found]

EXPERIMENT = """(
    name: "ray",
    task: (
        alphabet: Chars("ab"), horizon: 8, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
        verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
    ),
    policies: {"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)},
    objectives: {
        "reinforce": (plugin: "reinforce"),
        OTHER
    },
    training: (gradient: Sampled(prompts: 1, group: 32), steps: STEPS, optimizer: Adam(learning_rate: 0.01)),
    evaluation: (every: EVERY, k: [1, 4], optima: false),
    seeds: [SEEDS],
)
"""

FORWARD_KL = '"forward-kl": (plugin: "forward-kl", config: (partition: Running)),'


def write(path: Path, arms: int, steps: int, other: str = FORWARD_KL) -> Path:
    """Writes an experiment of so many arms."""
    text = EXPERIMENT.replace("OTHER", other).replace("STEPS", str(steps)).replace("EVERY", str(max(steps // 4, 1)))
    path.write_text(text.replace("SEEDS", ", ".join(str(seed) for seed in range(1, arms // 2 + 1))))
    return path


def prepare(experiment: Path, run: Path) -> None:
    """Makes a run's directory."""
    command = [sys.executable, "-m", "pstar", "run", str(experiment), "--out", str(run), "--prepare"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def files(run: Path) -> dict[str, bytes]:
    """The files of a run, but for signs of life of workers that were killed, which another one sweeps."""
    found: dict[str, bytes] = contents.files(str(run))
    return {name: content for name, content in found.items() if not name.startswith("workers/")}


def differing(found: Path, expected: Path) -> list[str]:
    """The names of files that differ, but for the page, which tells the program and the plugins that a run was made with."""
    one, other = files(found), files(expected)
    assert len(one) > 8
    assert one.pop("report.html") and other.pop("report.html")
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def status(run: Path) -> dict[str, Any]:
    """What `pstar status` says."""
    told = subprocess.run(
        [sys.executable, "-m", "pstar", "status", run, "--json"], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def await_(what: Callable[[], bool], seconds: float = 90.0) -> None:
    """Waits until something is so; a busy machine takes its time."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


def results(run: Path) -> int:
    """How many arms have a result."""
    return len(list(run.glob("arms/*/result.json")))


class Driver:
    """`python -m pstar.ray`, in a process of its own."""

    def __init__(self, nodes: Nodes, folder: Path, *words: str | Path, **environment: str) -> None:
        self.log = folder / "driver.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pstar.ray", *map(str, words)],
                cwd=folder, env={**nodes.environment, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip

    def end(self, seconds: float = 240.0) -> tuple[int, str]:
        """The exit code and all that was said."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"the driver does not end within {seconds} s: {self.log.read_text()}")
        return code, self.log.read_text()


@pytest.fixture(scope="session")
def host() -> str:
    """The program that was built from the same sources."""
    return os.environ["PSTAR_HOST"]


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A cluster of one node with room for eight workers, whatever the machine has."""
    made = Nodes(tmp_path_factory.mktemp("ray"), cpus=8)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def _nobody_is_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a worker."""
    yield
    await_(lambda: not any(workers(path.parent) for path in tmp_path.glob("*/experiment.ron")), 30)
