"""What runs on the nodes. It is sent to them, and needs nothing there but Python's own library and Ray.

What is given and returned are plain values, since a node may have another version of the package, which is told.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import time
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
        expected = f"expected {place['version']} as where the run was started"
        return f"pstar-lab {version} is installed for {sys.executable}, {expected}"
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


class Bell:
    """An actor that has all workers stop: they wait for it to ring.

    `ray.cancel` is no way to tell them: of a task that returns at that very moment it ends the driver ("Tried to
    complete task that was not pending", Ray 2.60).
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._tasks: set[str] = set()

    async def ring(self) -> set[str]:
        """Has every call of `heard` return: the tasks that made one."""
        self._rung.set()
        return self._tasks

    async def heard(self, task: str) -> bool:
        """Returns once it has rung."""
        self._tasks.add(task)
        return await self._rung.wait()


def work(
    place: dict[str, str], arguments: list[str], environment: dict[str, str], bell: Any, grace: float
) -> dict[str, Any]:
    """Runs a worker to its end: its exit code and last words.

    Once the bell rings it is told to stop (SIGTERM), and gives its arms back; one that has not done so after `grace`
    seconds is killed.
    """
    ray: Any = importlib.import_module("ray")
    context = ray.get_runtime_context()
    node = context.get_node_id()
    # A future is asked whether it is there, since a task that waits for Ray lends its processors to others.
    rings = bell.heard.remote(context.get_task_id()).future()
    refused = fault(place)
    if refused is not None:
        return {"node": node, "refused": refused}
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCH, str(os.getpid()), "-m", "pstar", *arguments],
            # Python looks for modules in the current folder, and a run's holds none.
            cwd=place["run"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            while process.poll() is None and not (rings.done() and rings.exception() is None):
                time.sleep(LOOK)
        finally:
            # Also where Ray ends this process, which raises here.
            code = end(process, grace)
        said.seek(max(0, said.seek(0, os.SEEK_END) - WORDS))
        words = said.read().decode(errors="replace").strip()
        return {"node": node, "code": code, "words": words, "seconds": time.monotonic() - began}


def end(process: subprocess.Popen[bytes], grace: float) -> int:
    """The exit code of a process, which is told to end if it has not, and killed if it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
