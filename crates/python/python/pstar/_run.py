"""Experiments, run in this process."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pstar import _native
from pstar._place import begin
from pstar._record import Run, load
from pstar._settings import Overrides, PathLike, assignments, plain_path, thread_count

# No thread may ask Python anything once it has ended.
atexit.register(_native.stop_runs)


@dataclass(frozen=True)
class Progress:
    """Where a run is, as `progress` is told some twenty times a second."""

    #: What it does: "training", or a phase before it.
    phase: str
    #: How many states or outputs of the task's exact values are worked out, and of how many at most.
    prepared: int
    prepared_of: int
    #: Arms that are trained in this run, those that ended, and the last of these.
    arms: int
    arms_ended: int
    last_arm: str
    #: Optimizer steps of all arms, and those taken.
    steps: int
    steps_done: int
    #: What the user should know, from the first on.
    words: list[str] = field(default_factory=list)


def run(
    path: PathLike,
    overrides: Overrides = None,
    *,
    out: PathLike | None = None,
    store: PathLike | None = None,
    fresh: bool = False,
    threads: int | None = None,
    progress: bool | Callable[[Progress], object] = True,
    plugin_dirs: Sequence[PathLike] = (),
) -> Run:
    """Runs an experiment, and gives what it found.

    The directory that it writes is the one that `pstar run` writes: `out`, or the first name below `runs` that is free
    or this experiment's own. Run again with the same arguments it goes on where it was stopped, and a run that is
    complete is read. Arms are kept in `store`, if there is one, and shared with other experiments. `fresh` leaves aside
    what an earlier run found.

    `progress`: `True` draws a bar on standard error where that is a terminal; a function is called with `Progress`, on
    this thread.

    Ctrl-C stops every arm behind its present step and raises `KeyboardInterrupt`, which says where to go on; what is
    done is kept. A second one raises at once. An arm that fails does not raise: `Run.failures` has it. Plugins run in
    this process: one that crashes ends it, where `pstar run` goes on without it.

    Raises `PstarError` with what is wrong with the experiment, as the program prints it.
    """
    begin()
    told = None
    if callable(progress):
        tell = progress

        def told(*known: object) -> None:
            tell(Progress(*known))  # type: ignore[arg-type]

    elif not isinstance(progress, bool):
        raise TypeError(f"progress: expected True, False or a function, found {progress!r}")
    directory = _native.run(
        plain_path(path, "path"),
        assignments(overrides),
        None if out is None else plain_path(out, "out"),
        None if store is None else plain_path(store, "store"),
        bool(fresh),
        thread_count(threads),
        [plain_path(folder, "plugin_dirs") for folder in plugin_dirs],
        progress is True,
        told,
    )
    return load(directory)
