"""What the shims of training libraries share: what they refuse, and columns out of tensors."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pstar import PstarError

#: What the rounding of log-softmax may leave above 0.
ROUNDING = 1e-2


class HostError(PstarError):  # type: ignore[misc, unused-ignore]
    """What a shim refuses of a training library: a version, a flag or a batch."""


class Asked(Protocol):
    """What is asked for coefficients: a `pstar.Objective`, or what has its method."""

    def coefficients(self, *args: Any, **columns: Any) -> Any:
        """Coefficients of a batch, as `pstar.Objective.coefficients`."""


def check_objective(objective: object) -> None:
    """Refuses what cannot be asked."""
    if not callable(getattr(objective, "coefficients", None)):
        found = f"the text {objective!r}" if isinstance(objective, str) else f"a {type(objective).__name__}"
        raise HostError(f"expected an objective such as `pstar.Objective('rloo')`, found {found}")
    told = declared(objective)
    if told.get("outcomes"):
        raise HostError(
            "the objective reads which answers are equal, which training libraries do not tell; use another"
        )


def declared(objective: object) -> Mapping[str, Any]:
    """What an objective declares that it needs; nothing where it does not say."""
    told = getattr(objective, "declaration", None)
    return told if isinstance(told, Mapping) else {}


def check_version(host: str, found: str, known: Sequence[str]) -> None:
    """Refuses versions that are not of the series `known`, such as `1.16`."""
    if not any(found == series or found.startswith(series + ".") for series in known):
        raise HostError(
            f"{host} {found} is not known: what is overridden is private to it and moves. Known: {', '.join(known)}; "
            f"install one of these, or a newer pstar-lab"
        )


def check_parameters(
    function: Callable[..., Any], expected: Sequence[str], host: str, known: Sequence[str], *, only: bool = True
) -> None:
    """Refuses a function with other parameters than these in this order; with `only=False`, one that lacks any."""
    found = list(inspect.signature(function).parameters)
    fits = found == list(expected) if only else set(expected) <= set(found)
    if not fits:
        name = getattr(function, "__qualname__", repr(function))
        raise HostError(
            f"`{name}` of {host} takes ({', '.join(found)}), expected ({', '.join(expected)}) as in "
            f"{host} {', '.join(known)}; install one of these, or a newer pstar-lab"
        )


def array(values: Any) -> NDArray[Any]:
    """An array of a tensor of any precision and device, of what `to_numpy` makes one of, or of a list."""
    if hasattr(values, "detach"):
        values = values.detach()
        values = values.double() if values.is_floating_point() else values
        return np.asarray(values.cpu().numpy())
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    found = np.asarray(values)
    return found.astype(np.float64) if found.dtype.kind == "f" else found


def verdicts(rewards: Any, where: str, hint: str = "") -> NDArray[np.float64]:
    """Rewards as a column of 0 and 1; refuses all else.

    Shape: N.
    """
    found = array(rewards).astype(np.float64)
    wrong = np.flatnonzero(~((found == 0) | (found == 1)))
    if wrong.size:
        row = int(wrong[0])
        value = "none (None or NaN)" if np.isnan(found[row]) else f"{found[row]:g}"
        more = f", and {wrong.size - 1} more" if wrong.size > 1 else ""
        raise HostError(
            f"the reward of row {row} in {where} is {value}{more}: expected the verdict 0 or 1 of every row{hint}"
        )
    return found


def token_log_probs(values: Any, what: str) -> NDArray[np.float64]:
    """Log-probabilities in nats as float64; what rounding left above 0 is 0, what is more is refused."""
    found = array(values).astype(np.float64)
    if found.size and (most := float(np.max(found, initial=-np.inf))) > ROUNDING:
        raise HostError(f"{what}: a log-probability is {most:g}, expected at most 0, in nats")
    return np.minimum(found, 0.0)


class Prompts:
    """Numbers of prompts, the same over a run: an objective that learns of prompts knows them by their number."""

    def __init__(self, known: Iterable[Sequence[int]] = ()) -> None:
        self._numbers = {(int(key), int(occurrence)): number for number, (key, occurrence) in enumerate(known)}

    def known(self) -> list[tuple[int, int]]:
        """What makes the same numbers again."""
        return list(self._numbers)

    def numbers(self, groups: Iterable[Hashable], keys: Iterable[int]) -> NDArray[np.uint32]:
        """Of every row the number of its prompt, by the name of its group in this batch and the key of its prompt.

        Two groups of one prompt in a batch remain two: the second has a number of its own, the same in every batch.
        """
        seen: dict[int, int] = {}
        found: dict[Hashable, int] = {}
        answer = []
        for group, key in zip(groups, keys, strict=True):
            if group not in found:
                occurrence = seen[key] = seen.get(key, -1) + 1
                found[group] = self._numbers.setdefault((key, occurrence), len(self._numbers))
            answer.append(found[group])
        return np.asarray(answer, np.uint32)


def key_of(prompt: object) -> int:
    """63 bits of the hash of a text, of tokens or of a conversation."""
    told = json.dumps(prompt, sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "big") >> 1


def whole_numbers(values: Any, what: str) -> NDArray[np.uint32]:
    """Numbers of groups; refuses what is no whole number below 2^32."""
    found = array(values).ravel()
    wrong = np.flatnonzero(~((found >= 0) & (found < 2**32) & (found == np.floor(found))))
    if wrong.size:
        raise HostError(
            f"{what} of row {int(wrong[0])} is {found[wrong[0]]}, expected a whole number from 0, below 2^32"
        )
    return found.astype(np.uint32)


def check_groups(groups: NDArray[np.uint32], size: int, where: str) -> None:
    """Refuses groups of another size."""
    numbers, sizes = np.unique(groups, return_counts=True)
    wrong = np.flatnonzero(sizes != size)
    if wrong.size:
        raise HostError(
            f"group {int(numbers[wrong[0]])} in {where} has {int(sizes[wrong[0]])} rows, expected {size}: "
            "an objective is asked about whole groups"
        )


def check_prefix(mask: NDArray[np.bool_], where: str) -> None:
    """Refuses a mask of rows that is not true from the first token on and false from some token on.

    Shape: N x T.
    """
    lengths = mask.sum(axis=1)
    wrong = np.flatnonzero((mask != (np.arange(mask.shape[1])[None, :] < lengths[:, None])).any(axis=1))
    if wrong.size:
        raise HostError(
            f"the mask of row {int(wrong[0])} in {where} has holes: expected the tokens of a completion without a gap, "
            "as without tools or turns of others in between"
        )


def ask(
    objective: Asked,
    *,
    base_log_probs: NDArray[np.float64] | None,
    without_base: str,
    **columns: Any,
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Coefficients and figures of a batch; `without_base` tells what to do where a base is read and none is there."""
    if base_log_probs is None and declared(objective).get("base_log_probs"):
        raise HostError(f"the objective reads log-probabilities under a base: {without_base}")
    answer = objective.coefficients(base_log_probs=base_log_probs, **columns)
    entropy = getattr(answer, "entropy", None)
    if entropy is not None and np.any(np.asarray(entropy) != 0):
        raise HostError(
            "the objective adds the gradient of the exact entropy, which the laboratory alone takes: configure Sampled"
        )
    values = np.asarray(answer.values, np.float64)
    if not np.isfinite(values).all():
        raise HostError("the objective gave coefficients that are no finite numbers")
    return values, {str(name): float(value) for name, value in dict(answer.diagnostics).items()}
