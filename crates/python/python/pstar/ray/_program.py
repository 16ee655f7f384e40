"""What the driver asks of the program `pstar`, each in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pstar.ray._errors import ProgramError


class Program:
    """The program, with the folders of plugins that it is to know beside its own."""

    def __init__(self, plugin_dirs: Sequence[str]) -> None:
        self._plugins = [word for folder in plugin_dirs for word in ("--plugin-dir", os.path.abspath(folder))]

    def worker(self, run: Path, threads: int, linger: int, checkpoint: int | None) -> list[str]:
        """The arguments of a worker of a run."""
        options = {"--threads": threads, "--linger": linger, "--checkpoint": checkpoint}
        words = [word for name, value in options.items() if value is not None for word in (name, str(value))]
        return ["worker", str(run), *words, *self._plugins]

    def prepare(self, file: str, assignments: Sequence[str], out: str | None) -> Path:
        """Makes the directory of an experiment's run, or finds the one that there is; its absolute path."""
        changes = [word for text in assignments for word in ("--set", text)]
        told = self._ask("run", file, "--prepare", *changes, *(() if out is None else ("--out", out)))
        # `12 of 12 arms are to be run: pstar worker 'PATH'`
        run = Path(out) if out is not None else Path(shlex.split(told.splitlines()[-1])[-1])
        return run.absolute()

    def status(self, run: Path) -> dict[str, Any]:
        """How far a run is."""
        found: dict[str, Any] = json.loads(self._ask("status", str(run), "--json"))
        return found

    def estimate(self, run: Path) -> tuple[int, float]:
        """The arms of a run, and seconds that all of them take one processor."""
        found = json.loads(self._ask("run", str(run / "experiment.ron"), "--dry-run", "--json", "--threads", "1"))
        return int(found["arms"]), float(found["seconds"])

    def _ask(self, *words: str) -> str:
        command = [sys.executable, "-m", "pstar", *words, *self._plugins]
        nothing = subprocess.DEVNULL
        ended = subprocess.run(command, check=False, stdin=nothing, capture_output=True, text=True, errors="replace")
        if ended.returncode != 0:
            said = ended.stderr.strip() or f"`pstar {shlex.join(words)}` ended with {ended.returncode}"
            raise ProgramError(said, ended.returncode if ended.returncode > 0 else 128 - ended.returncode)
        return ended.stdout
