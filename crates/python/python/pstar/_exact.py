"""The exact values of an experiment, without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pstar import _native
from pstar._place import begin
from pstar._settings import Overrides, PathLike, assignments, plain_path, thread_count


def exact(
    path: PathLike,
    overrides: Overrides = None,
    *,
    sweep: str | Mapping[str, Sequence[float]] | None = None,
    method: Literal["auto", "enumeration", "dynamic-programming"] = "auto",
    kappa: bool = False,
    threads: int | None = None,
    plugin_dirs: Sequence[PathLike] = (),
) -> dict[str, Any]:
    """The exact values of an experiment's task, of its targets and of its policies at their start, in nats.

    What `pstar exact --json` prints. `sweep` puts other targets in the place of the experiment's own: `{"lambda": [0.5,
    1.0, 2.0]}`, `{"beta": …}` or `{"power": …}`, or a text, `"lambda=0.5,1,2"`. With `kappa` it is how fast the
    objectives climb that depend on rewards and counts alone. Infinities are the texts `"inf"` and `"-inf"`, what does
    not exist is `None`.
    """
    begin()
    if isinstance(sweep, Mapping):
        if len(sweep) != 1:
            raise ValueError(f'sweep: expected one name, such as {{"lambda": [0.5, 1.0]}}, found {list(sweep)}')
        [(name, numbers)] = sweep.items()
        sweep = f"{name}=" + ",".join(repr(float(number)) for number in numbers)
    text = _native.exact(
        plain_path(path, "path"),
        assignments(overrides),
        sweep,
        method,
        bool(kappa),
        thread_count(threads),
        [plain_path(folder, "plugin_dirs") for folder in plugin_dirs],
    )
    return _object(text)


def optimum(
    path: PathLike,
    overrides: Overrides = None,
    *,
    boxes: int | None = None,
    flow: bool = False,
    threads: int | None = None,
    plugin_dirs: Sequence[PathLike] = (),
) -> dict[str, Any]:
    """The best policy of each class of an experiment under each objective that declares its divergence.

    What `pstar optimum --json` prints. `boxes`: how many boxes of policies each proof may look at, 0 for none. `flow`
    also follows gradient ascent from the policy's start to its limit, where objectives have infinitely many optima.
    """
    begin()
    if boxes is not None and (isinstance(boxes, bool) or boxes < 0):
        raise ValueError(f"boxes: expected a whole number from 0 or None, found {boxes!r}")
    text = _native.optimum(
        plain_path(path, "path"),
        assignments(overrides),
        boxes,
        bool(flow),
        thread_count(threads),
        [plain_path(folder, "plugin_dirs") for folder in plugin_dirs],
    )
    return _object(text)


def _object(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
