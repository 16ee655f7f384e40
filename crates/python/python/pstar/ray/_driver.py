"""A run on a cluster, from the experiment to what it found."""

from __future__ import annotations

import importlib.metadata
import math
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pstar._record import Run, load
from pstar._settings import Overrides, PathLike, assignments, plain_path
from pstar.ray._cluster import check, connected, nodes_for, refusal
from pstar.ray._crew import Crew, End
from pstar.ray._errors import ClusterError, ProgramError, StuckError
from pstar.ray._program import Program
from pstar.ray._progress import Progress, Teller
from pstar.ray._sign import signed

#: Seconds that a worker should have to do, at least.
WORTH = 300.0

#: Seconds in which a worker is likely to have brought an arm further.
FRUITFUL = 60.0

#: Times that all workers may end young, one after the other, without an arm that ends; a single one counts as two.
ROUNDS = 4

#: A look at a run of many arms costs its file server something: so many times as long is waited for the next.
SPARING = 5

#: Looks at a run that may fail, one after the other: file servers have bad moments.
BLIND = 5

#: Between two looks at the workers, in seconds.
TICK = 0.5

#: Variables of the driver that workers are given too.
HANDED_ON = ("PSTAR_CACHE_DIR", "PSTAR_HEARTBEAT", "PSTAR_PLUGIN_PATH")


def run(
    run_or_experiment: PathLike,
    overrides: Overrides = None,
    *,
    out: PathLike | None = None,
    workers: int | None = None,
    cpus: int = 1,
    address: str | None = None,
    resources: Mapping[str, float] | None = None,
    linger: int = 90,
    checkpoint: int | None = None,
    progress: bool | Callable[[Progress], object] = True,
    every: float = 2.0,
    plugin_dirs: Sequence[PathLike] = (),
) -> Run:
    """Has a Ray cluster do what is left of a run, and gives what it found, as `pstar.run` does.

    `run_or_experiment` is a run's directory, or an experiment's file, of which one is made: `out`, or the first name
    below `runs`. All nodes that have room for a worker must see it at its path, and have this version of the package;
    those that do not are named before anything runs. A worker takes `cpus` processors of Ray's, runs as many arms at a
    time, and takes `resources` of Ray's beside, by which nodes can be chosen. There are `workers` of them; by default
    as many as have five minutes to do each, and as the cluster has room for. There are never more than arms.

    Workers that die are replaced, wherever Ray finds room. One that finds only arms that others work on ends after
    `linger` seconds: in those it takes over what others left behind, on another machine after a minute of silence.
    `checkpoint` is the seconds between two checkpoints of an arm.

    `address` is the cluster's, RAY_ADDRESS where it is left out; "local" starts one on this machine. `progress`: `True`
    prints a line on standard error at every change, a function is called with `Progress`; how far the run is is read
    from its directory each `every` seconds, or less often where that takes long.

    Ctrl-C has the workers give back their arms and raises `KeyboardInterrupt`, which says how to go on; a second one
    does not wait for them. An arm that fails does not raise: `Run.failures` has it; `pstar worker RUN --retry-failed`
    tries it again.

    Raises `ClusterError`, a `PstarError`: with what is wrong with the experiment, as the program prints it; if Ray, the
    cluster or one of its nodes does not do; and `StuckError` if workers end again and again without ending an arm.
    """
    demands = _demands(cpus, resources)
    _whole(workers, "workers", 1, optional=True)
    _whole(linger, "linger", 0)
    _whole(checkpoint, "checkpoint", 0, optional=True)
    if not (isinstance(every, (int, float)) and every > 0):
        raise ValueError(f"every: expected seconds above 0, found {every!r}")
    teller = Teller(progress)
    program = Program([plain_path(folder, "plugin_dirs") for folder in plugin_dirs])
    with connected(address) as ray:
        path = _directory(program, run_or_experiment, overrides, out)
        with signed(path) as (sign, words):
            version = importlib.metadata.version("pstar-lab")
            place = {"run": str(path), "sign": sign, "words": words, "version": version}
            nodes = nodes_for(ray, demands)
            if not nodes and workers is None:
                raise ClusterError(
                    f"no node of the cluster has {_told(demands)}, which a worker takes; "
                    "where nodes join on demand, say how many `workers` there are to be"
                )
            check(ray, nodes, place)
            environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
            crew = Crew(ray, demands, nodes, place, program.worker(path, cpus, linger, checkpoint), environment)
            room = sum(node.room for node in nodes)
            shift = _Shift(program, path, crew, teller, every, len(nodes))
            try:
                shift.go_on(lambda left: _count(program, path, left, cpus, workers, room))
            except KeyboardInterrupt:
                crew.stop()
                raise KeyboardInterrupt(shift.how_to_go_on()) from None
            except BaseException:
                crew.stop()
                raise
    return load(path)


class _Shift:
    """The work on one run, until nothing is left of it."""

    def __init__(self, program: Program, run: Path, crew: Crew, teller: Teller, every: float, nodes: int) -> None:
        self._program, self._run, self._crew, self._teller = program, run, crew, teller
        self._every, self._nodes = every, nodes
        self._status: dict[str, Any] = {}
        self._due = 0.0
        self._blind = 0
        #: Workers that were replaced, and those of them that ended young since an arm last ended.
        self._replaced = 0
        self._fruitless: list[End] = []

    def go_on(self, count: Callable[[int], int]) -> None:
        """Begins workers, as many as `count` says of the arms that are left, until the run's summary is written."""
        self._look(must=True)
        ended_before: int | None = None
        while not self._is_over():
            ended = self._ended()
            if self._others_work() and (ended == ended_before or not self._is_free()):
                time.sleep(self._every)
                self._look(must=True)
                continue
            if ended == ended_before:
                raise StuckError(
                    f"{self._left()} arms of `{self._run}` are left, and workers that look for some find none: "
                    f"`pstar status {shlex.quote(str(self._run))}` says whose they are"
                )
            ended_before = ended
            self._work(count(self._left()))
            self._look(must=True)

    def how_to_go_on(self) -> str:
        """What is said where it is stopped."""
        try:
            self._look(must=True)
            left = f"{self._left()} of {self._status['arms']} arms did not end; "
        except (ProgramError, KeyError):
            left = ""
        return f"stopped: {left}to go on: python -m pstar.ray {shlex.quote(str(self._run))}"

    def _work(self, workers: int) -> None:
        """Keeps so many workers at it until each has found nothing more to do."""
        waiting = [0.0] * workers
        while waiting or len(self._crew):
            now = time.monotonic()
            for _ in range(sum(begin <= now for begin in waiting)):
                self._crew.begin()
            waiting = [begin for begin in waiting if begin > now]
            for end in self._crew.ended(TICK):
                if end.is_refusal:
                    self._refuse(end)
                if end.found_nothing_more:
                    continue
                self._replaced += 1
                if end.seconds < FRUITFUL:
                    self._fruitless.append(end)
                crew = max(2, workers)
                if len(self._fruitless) >= ROUNDS * crew:
                    self._look(must=True)
                    if self._fruitless:
                        self._give_up()
                # All of them once more at once, then ever later: what ends them may pass.
                waiting.append(time.monotonic() + 2.0 ** (len(self._fruitless) // crew) - 1)
            if time.monotonic() >= self._due:
                self._look(len(waiting))

    def _look(self, waiting: int = 0, *, must: bool = False) -> None:
        began = time.monotonic()
        try:
            self._status = self._program.status(self._run)
            self._blind = 0
        except ProgramError:
            self._blind += 1
            if must or self._blind >= BLIND:
                raise
        else:
            if self._teller.look(self._status, len(self._crew) + waiting, self._replaced):
                self._fruitless.clear()
        ended = time.monotonic()
        self._due = ended + max(self._every, SPARING * (ended - began))

    def _ended(self) -> int:
        return int(self._status["complete"]) + len(self._status["failed"])

    def _left(self) -> int:
        return int(self._status["arms"]) - self._ended()

    def _is_over(self) -> bool:
        return self._left() == 0 and bool(self._status["summarised"])

    def _others_work(self) -> bool:
        """Whether workers that are not this call's have arms: none of its own is at work then."""
        return any(worker["arms"] and not worker["is_dead"] for worker in self._status["workers"])

    def _is_free(self) -> bool:
        """Whether there are arms that nobody has."""
        return int(self._status["unbegun"]) + int(self._status["stopped"]) > 0

    def _refuse(self, end: End) -> None:
        if end.refused is not None:
            raise ClusterError(refusal({end.node.removeprefix("node "): end.refused}, max(1, self._nodes)))
        raise ProgramError(f"a worker on {end.node} is refused:\n{end.words}", end.code or 2)

    def _give_up(self) -> None:
        last = list(dict.fromkeys(str(end) for end in self._fruitless[-3:]))
        raise StuckError(
            f"{len(self._fruitless)} workers ended, one after the other, and no arm did; {self._left()} are left. "
            "The last ones:\n" + "\n".join(f"  {end}" for end in last)
        )


def _directory(program: Program, given: PathLike, overrides: Overrides, out: PathLike | None) -> Path:
    """The absolute path of the run's directory, which is made of an experiment."""
    path = plain_path(given, "run_or_experiment")
    changes = assignments(overrides)
    if os.path.exists(os.path.join(path, "experiment.ron")):
        if changes or out is not None:
            raise ValueError(f"`overrides` and `out` are for an experiment's file: `{path}` is a run")
        return Path(path).absolute()
    if os.path.isdir(path):
        raise ClusterError(f"`{path}` holds no run; name a run's directory, or an experiment's file")
    return program.prepare(path, changes, None if out is None else plain_path(out, "out"))


def _count(program: Program, run: Path, left: int, cpus: int, asked: int | None, room: int) -> int:
    """How many workers do what is left: enough that each has minutes to do, and none without an arm."""
    if asked is None:
        arms, seconds = program.estimate(run)
        share = seconds * left / max(arms, 1) / cpus
        asked = min(math.ceil(share / WORTH), room)
    return max(1, min(asked, math.ceil(left / cpus)))


def _demands(cpus: int, resources: Mapping[str, float] | None) -> dict[str, float]:
    _whole(cpus, "cpus", 1)
    demands = {"CPU": float(cpus)}
    for name, amount in (resources or {}).items():
        if not isinstance(name, str) or name == "CPU" or not isinstance(amount, (int, float)) or not amount > 0:
            raise ValueError(
                "resources: expected amounts above 0 by the names of Ray's resources, without CPU; "
                f"found {name!r}: {amount!r}"
            )
        demands[name] = float(amount)
    return demands


def _told(demands: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in demands.items())


def _whole(value: object, what: str, least: int, *, optional: bool = False) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        none = " or None" if optional else ""
        raise ValueError(f"{what}: expected a whole number from {least}{none}, found {value!r}")
