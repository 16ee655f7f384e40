"""A sign in a run's directory, by which nodes know that theirs is the very same."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pstar.ray._errors import ClusterError

_PREFIX = ".ray-"


@contextmanager
def signed(run: Path) -> Iterator[tuple[str, str]]:
    """The name of a new file in the run's directory and what stands in it, while the driver is at work."""
    _sweep(run)
    name = _PREFIX + secrets.token_hex(8)
    words = json.dumps({"machine": socket.gethostname(), "process": os.getpid(), "sign": name})
    path = run / name
    try:
        path.write_text(words)
    except OSError as error:
        raise ClusterError(f"`{run}` cannot be written to: {error.strerror}") from error
    try:
        yield name, words
    finally:
        path.unlink(missing_ok=True)


def _sweep(run: Path) -> None:
    """Removes the signs of drivers of this machine that were killed."""
    for path in run.glob(_PREFIX + "*"):
        try:
            told = json.loads(path.read_text())
            if told["machine"] == socket.gethostname() and not _lives(int(told["process"])):
                path.unlink(missing_ok=True)
        except (OSError, ValueError, KeyError, TypeError):
            # Of another machine's driver, perhaps, which is writing it.
            continue


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
