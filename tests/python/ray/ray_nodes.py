"""A Ray of one machine, on loopback only, whose processes are all found and ended."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cluster"))
import cluster

#: Seconds in which a node must be there: a busy machine takes its time.
START = 180.0


#: `ray start`, which takes 127.0.0.1 at its word: else it takes the machine's outside address instead, and listens
#: there. The variable that keeps it from that (below) makes it refuse a second node.
RAY = """
from ray._private import ray_constants, services
services.resolve_ip_for_localhost = lambda host: host
ray_constants.ENABLE_RAY_CLUSTER = True
from ray.scripts.scripts import main
main()
"""


class Nodes:
    """A cluster below a folder: a head, and nodes that are added, each with an environment of its own.

    `ray stop` would end every Ray of the user, and an address that is not given may become another cluster: neither is
    done here.
    """

    def __init__(self, folder: Path, cpus: int) -> None:
        self.folder = folder
        self._mark = str(folder)
        # The names of Ray's sockets are some 70 bytes longer, and 107 are allowed.
        self._temporary = Path(cluster.short_dir(str(folder), 30))
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PSTAR_"))},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
            # Despite its name: 127.0.0.1 stays that.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "PSTAR_HEARTBEAT": "1",
        }
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        for _ in range(5):
            port = cluster.free_ports(1)[0]
            self.address = f"127.0.0.1:{port}"
            if self._start("head", cpus, ["--head", f"--port={port}", "--include-dashboard=false"]):
                break
        else:
            raise RuntimeError("Ray finds no port")
        self.environment["RAY_ADDRESS"] = self.address

    def add(self, name: str, cpus: int, *, prefix: list[str] | None = None, **environment: str) -> None:
        """Adds a node; `prefix` are words before its command, which may show it other files."""
        options = [f"--address={self.address}", f"--resources={{\"{name}\": {cpus}}}"]
        if not self._start(name, cpus, options, prefix or [], environment):
            raise RuntimeError(f"node {name} does not start: {self._log(name)}")

    def remove(self, name: str) -> None:
        """Ends a node that was added."""
        process = self._started.pop(name)
        self._end(cluster.ours(self._mark) & _family(process.pid))

    def stop(self) -> None:
        """Ends all of it, and says what cannot be ended."""
        self._end(cluster.ours(self._mark, [process.pid for process in self._started.values()]))
        left = cluster.ours(self._mark)
        shutil.rmtree(self._temporary, ignore_errors=True)
        assert not left, f"still alive: {left}"

    def _end(self, processes: set[int]) -> None:
        # What Ray's daemons leave to others ends with them; what does not is killed.
        cluster.end(processes, 2)
        for process in self._started.values():
            process.poll()

    def _start(
        self,
        name: str,
        cpus: int,
        options: list[str],
        prefix: list[str] | None = None,
        more: dict[str, str] | None = None,
    ) -> bool:
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = self._started[name] = subprocess.Popen(
                [
                    *(prefix or []),
                    sys.executable, "-c", RAY, "start", "--block", f"--node-name={name}",
                    "--node-ip-address=127.0.0.1", f"--num-cpus={cpus}", "--num-gpus=0",
                    f"--object-store-memory={96 << 20}", "--disable-usage-stats", *options,
                    *([f"--temp-dir={self._temporary}/ray"] if "--head" in options else []),
                ],
                env={**self.environment, **(more or {}), cluster.MARK: self._mark, "SPT_NOENV": "1"},
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + START
        while process.poll() is None and time.monotonic() < until:
            if "Ray runtime started" in self._log(name):
                return True
            time.sleep(0.1)
        self._end(cluster.ours(self._mark, [process.pid]) & _family(process.pid))
        if "in use" in self._log(name):
            return False
        raise RuntimeError(f"node {name} does not start: {self._log(name)}")

    def _log(self, name: str) -> str:
        return str(cluster.text(str(self.folder / f"{name}.log")))


def _family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {process: parent for process, parent in processes()}
    found = {pid}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def processes() -> list[tuple[int, int]]:
    """The processes that live, with their parents."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                state, parent = cluster._stat(name)
            except (OSError, IndexError):
                continue
            if state not in "ZX":
                found.append((int(name), parent))
    return found


def workers(run: Path) -> dict[int, int]:
    """The workers of a run that live, with the processes that began them."""
    found = {}
    for pid, parent in processes():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        # Before it is the program, what becomes it has the same arguments.
        if b"worker" in words and os.fsencode(run) in words and b"pstar" in words:
            found[pid] = parent
    return found
