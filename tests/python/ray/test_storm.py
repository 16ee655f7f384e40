"""Workers and Ray's own processes are killed at random: no bit is lost."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from conftest import Driver, differing, files, results, status, write
from ray_nodes import Nodes, workers

#: Without end the storm would be longer than the work on a slow machine.
BLOWS = int(os.environ.get("PSTAR_STORM_BLOWS", "40"))
ARMS = int(os.environ.get("PSTAR_STORM_ARMS", "200"))
STEPS = int(os.environ.get("PSTAR_STORM_STEPS", "2500"))


def near_failure(run: Path) -> set[int]:
    """Workers on arms that others died over: three in a row leave an arm failed, which is no part of this test."""
    found = set()
    for path in run.glob("arms/*/claim.*"):
        try:
            claim = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if claim["deaths"] > 0:
            found.add(int(claim["owner"]["process"]))
    return found


def blow(run: Path, kind: str) -> bool:
    """Kills a worker, or the process of Ray's that began it, if there is one."""
    found = workers(run)
    spared = near_failure(run)
    victims = sorted(pid for pid in found if pid not in spared)
    if not victims:
        return False
    victim = random.choice(victims)
    try:
        os.kill(victim if kind == "worker" else found[victim], signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_a_storm_of_kills_costs_no_bit(nodes: Nodes, tmp_path: Path, host: str) -> None:
    random.seed(1)
    experiment, alone, run = write(tmp_path / "storm.ron", ARMS, STEPS), tmp_path / "alone", tmp_path / "run"
    began = time.monotonic()
    subprocess.run([host, "run", experiment, "--out", alone], check=True, capture_output=True)
    undisturbed = time.monotonic() - began
    began = time.monotonic()
    driver = Driver(nodes, tmp_path, experiment, "--out", run, "--workers", "8", "--checkpoint", "1")
    # On a fast machine the blows follow fast.
    gap = min(max(undisturbed / BLOWS, 0.05), 0.4)
    kinds = itertools.cycle(["worker", "Ray's"])
    kind = next(kinds)
    blows: Counter[str] = Counter()
    most = 0
    while driver.process.poll() is None:
        most = max(most, len(workers(run)))
        # The last arms are left in peace, so that the end is the end of the work.
        if blows.total() < BLOWS and 0 < results(run) < ARMS - 8 and blow(run, kind):
            blows[kind] += 1
            kind = next(kinds)
        time.sleep(random.uniform(0, 2 * gap))
    code, said = driver.end()
    took = time.monotonic() - began
    assert code == 0, said
    # One whose parent was killed may give its arm back while the next begins.
    assert most >= 8
    assert min(blows["worker"], blows["Ray's"]) >= 5, blows
    assert differing(run, alone) == []
    assert not [name for name in files(run) if ".ray-" in name]

    # What is told never goes back, and ends with all.
    lines = [line for line in said.splitlines() if "arms are done" in line]
    counts = [int(line.split()[0]) for line in lines]
    assert counts == sorted(counts) and counts[-1] == ARMS and len(set(counts)) > 2, lines
    replaced = [int(found[1]) for line in lines if (found := re.search(r"(\d+) replaced", line))]
    assert replaced == sorted(replaced) and 10 <= replaced[-1] <= blows.total(), (replaced, blows)
    assert status(run)["summarised"] is True
    print(f"{ARMS} arms: {undisturbed:.1f} s undisturbed, {took:.1f} s with 8 workers and {dict(blows)} killed")
