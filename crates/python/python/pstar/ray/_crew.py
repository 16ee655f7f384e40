"""Workers on a cluster: begun, awaited and stopped."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pstar.ray import _node
from pstar.ray._cluster import Node, name_of

#: Seconds in which a worker that is told to stop has given its arms back, else it is killed.
GRACE = 30.0

#: Characters of what Ray says of a worker that are told.
MOST_WORDS = 300

#: Resources that have names of their own in Ray's options.
OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


@dataclass(frozen=True)
class End:
    """How a worker ended."""

    #: The exit code of its program, negative for a signal; `None` where nobody is left to tell.
    code: int | None
    #: What it said last, or what Ray says of it.
    words: str
    #: Why its node cannot work on the run.
    refused: str | None
    #: The node, as far as that is known.
    node: str
    #: Seconds that it lived, or since it was asked for where nobody knows.
    seconds: float

    @property
    def found_nothing_more(self) -> bool:
        """Whether it ended because every arm has a result or is another's."""
        return self.code in (0, 4)

    @property
    def is_refusal(self) -> bool:
        """Whether it would end in the same way wherever and whenever it is begun again."""
        return self.refused is not None or self.code in (2, 3)

    def __str__(self) -> str:
        how = (
            "it died" if self.code is None
            else f"ended by signal {-self.code}" if self.code < 0
            else f"exit code {self.code}"
        )  # fmt: skip
        return f"{self.node}: {how}" + (f": {self.words}" if self.words else "")


class Crew:
    """The workers of one run.

    Ray tries none of its tasks again: the driver does, which knows whether anything gets on.
    """

    def __init__(
        self,
        ray: Any,
        demands: Mapping[str, float],
        nodes: Sequence[Node],
        place: dict[str, str],
        arguments: list[str],
        environment: dict[str, str],
    ) -> None:
        self._ray = ray
        self._checked = {node.id for node in nodes}
        options = {option: demands[name] for name, option in OPTIONS.items() if name in demands}
        resources = {name: amount for name, amount in demands.items() if name not in OPTIONS}
        work = ray.remote(_node.work)
        self._task = work.options(**options, resources=resources, max_retries=0, name="pstar worker")
        # It lives where the driver does, and no longer.
        here = ray.get_runtime_context().get_node_id()
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        there = strategies.NodeAffinitySchedulingStrategy(here, soft=True)
        bell = ray.remote(_node.Bell).options(num_cpus=0, max_concurrency=1_000_000, scheduling_strategy=there)
        self._bell = bell.remote()
        self._given = (place, arguments, environment, self._bell, GRACE)
        self._begun: dict[Any, float] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def begin(self) -> None:
        """Asks for one more worker."""
        self._begun[self._task.remote(*self._given)] = time.monotonic()

    def ended(self, timeout: float) -> list[End]:
        """The workers that ended, once one has or the time, in seconds, is over."""
        if not self._begun:
            time.sleep(timeout)
            return []
        done, _ = self._ray.wait(list(self._begun), num_returns=1, timeout=timeout)
        if done:
            # Others may have ended as well.
            done, _ = self._ray.wait(list(self._begun), num_returns=len(self._begun), timeout=0)
        return [self._end_of(task) for task in done]

    def _end_of(self, task: Any) -> End:
        seconds = time.monotonic() - self._begun.pop(task)
        try:
            found = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            words = " ".join(str(error).split())
            return End(None, words[:MOST_WORDS], None, "a worker", seconds)
        name = next((name_of(node) for node in self._ray.nodes() if node["NodeID"] == found["node"]), "that is gone")
        refused = found.get("refused")
        if refused is not None and found["node"] in self._checked:
            # It did before: its file server has a bad moment.
            return End(None, refused, None, f"node {name}", 0.0)
        seconds = found.get("seconds", 0.0)
        return End(found.get("code"), found.get("words", ""), refused, f"node {name}", seconds)

    def stop(self) -> None:
        """Has every worker give its arms back; those that do not are killed."""
        begun, self._begun = list(self._begun), {}
        if not begun:
            return
        left = begun
        try:
            try:
                heard = self._ray.get(self._bell.ring.remote(), timeout=GRACE)
            except self._ray.exceptions.RayError:
                # The node of the bell is gone, and so is the driver's.
                heard = set()
            # The others wait for a processor.
            running = [task for task in begun if task.task_id().hex() in heard]
            if running:
                self._ray.wait(running, num_returns=len(running), timeout=GRACE + 5)
            # What has ended must not be cancelled as well: that may end the driver.
            _, left = self._ray.wait(begun, num_returns=len(begun), timeout=0)
        finally:
            for task in left:
                self._ray.cancel(task, force=True)
