"""How far a run on a cluster is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a run is, as `progress` is told at every change; arms that ended never become fewer."""

    #: Arms of the run.
    arms: int
    #: Arms that ended well, those that failed, and those that somebody alive works on.
    complete: int
    failed: int
    running: int
    #: Workers of this call that are at work or wait for a processor.
    workers: int
    #: How many of them ended before their time and were replaced.
    replaced: int
    #: Seconds until the last arm ends, at the pace of the last ones; `None` where that cannot be told.
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """Arms that ended, well or not."""
        return self.complete + self.failed

    @property
    def left(self) -> int:
        """Arms without a result."""
        return self.arms - self.ended

    def __str__(self) -> str:
        counts = {"failed": self.failed, "running": self.running}
        text = f"{self.complete} of {self.arms} arms are done"
        text += "".join(f", {count} {what}" for what, count in counts.items() if count)
        if self.workers:
            text += f"; {self.workers} {'worker' if self.workers == 1 else 'workers'}"
        if self.replaced:
            text += f", {self.replaced} replaced"
        if self.seconds_left is not None and self.left:
            text += f"; {duration(self.seconds_left)} left at this pace"
        return text


def duration(seconds: float) -> str:
    """A time as people say it."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


class Teller:
    """Tells of changes, in their order: what a file server shows late is no step back."""

    def __init__(self, progress: bool | Callable[[Progress], object]) -> None:
        if not callable(progress) and not isinstance(progress, bool):
            raise TypeError(f"progress: expected True, False or a function, found {progress!r}")
        self._tell: Callable[[Progress], object] = progress if callable(progress) else _print if progress else _nothing
        self.last: Progress | None = None

    def look(self, status: Mapping[str, Any], workers: int, replaced: int) -> bool:
        """Tells what a status says, if anything changed; whether arms have ended since the last one."""
        found = Progress(
            arms=int(status["arms"]),
            complete=int(status["complete"]),
            failed=len(status["failed"]),
            running=sum(int(worker["arms"]) for worker in status["workers"] if not worker["is_dead"]),
            workers=workers,
            replaced=replaced,
            seconds_left=status.get("seconds_left"),
        )
        last = self.last
        if last is not None and found.ended < last.ended:
            return False
        if last is None or _counts(found) != _counts(last):
            self.last = found
            self._tell(found)
        return last is None or found.ended > last.ended


def _counts(progress: Progress) -> tuple[int, int, int, int]:
    return progress.complete, progress.failed, progress.replaced, progress.workers


def _print(progress: Progress) -> None:
    print(progress, file=sys.stderr, flush=True)


def _nothing(_: Progress) -> None:
    pass
