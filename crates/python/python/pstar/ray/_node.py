"""What runs on the nodes. It is sent to them, and needs nothing there but Python's own library and Ray.

What is given and returned are plain values, since a node may have another version of the package, which is told.
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
import time
from types import FrameType
from typing import Any

#: Between two looks at a worker, in seconds.
LOOK = 0.2

#: Bytes of a worker's last words that are told.
WORDS = 4000

#: Becomes a program that is told to end (SIGTERM) once its parent has died, however that was.
LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(128 + signal.SIGTERM)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def fault(place: dict[str, str]) -> str | None:
    """Why this node cannot work on a run; nothing if it can.

    `place`: the `run`, a file in it that the driver wrote as a `sign`, its `words`, and the `version` of the package.
    """
    run = place["run"]
    try:
        version = importlib.metadata.version("pstar-lab")
    except importlib.metadata.PackageNotFoundError:
        return f"pstar-lab is not installed for {sys.executable}, expected version {place['version']}"
    if version != place["version"]:
        return f"pstar-lab {version} is installed for {sys.executable}, expected {place['version']} as where it was begun"
    if not os.path.exists(os.path.join(run, "experiment.ron")):
        return f"there is no run in `{run}`"
    # What was written a moment ago may take another to be seen.
    for _ in range(5):
        try:
            with open(os.path.join(run, place["sign"])) as file:
                if file.read() == place["words"]:
                    return None if os.access(run, os.W_OK) else f"`{run}` cannot be written to"
        except OSError:
            pass
        time.sleep(1)
    return f"`{run}` is a folder of its own: what was written there elsewhere is not in it"


def work(place: dict[str, str], arguments: list[str], environment: dict[str, str], grace: float) -> dict[str, Any]:
    """Runs a worker to its end: its exit code and last words.

    Told to stop, as `ray.cancel` does, it passes that on (SIGTERM), and the worker gives its arms back; one that has not
    done so after `grace` seconds is killed.
    """
    import ray

    node = ray.get_runtime_context().get_node_id()
    stop: list[float] = []

    def stopped(_: int, __: FrameType | None) -> None:
        stop.append(time.monotonic())

    before = signal.signal(signal.SIGINT, stopped)
    try:
        refused = fault(place)
        if refused is not None:
            return {"node": node, "refused": refused}
        # The run's folder holds no modules, which Python would look for in the current one.
        with tempfile.TemporaryFile() as said, subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCH, str(os.getpid()), "-m", "pstar", *arguments],
            cwd=place["run"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process:
            told = False
            while process.poll() is None:
                if stop and not told:
                    told = True
                    process.terminate()
                if stop and time.monotonic() > stop[0] + grace:
                    process.kill()
                time.sleep(LOOK)
            said.seek(max(0, said.seek(0, os.SEEK_END) - WORDS))
            words = said.read().decode(errors="replace").strip()
            return {"node": node, "code": process.returncode, "words": words}
    finally:
        signal.signal(signal.SIGINT, before)
