"""The arguments of a batch, checked and laid out as the extension reads them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pstar import _arrays, _native
from pstar._arrays import ArrayLike
from pstar._errors import BatchError, WrongTypeError

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST_EPOCH = 2**32 - 1
_MOST = 2**64 - 1


@dataclass(frozen=True)
class Tokens:
    """Where the tokens of N sequences are: N x T of which each row has a beginning, or one behind the other."""

    lengths: npt.NDArray[np.uint64]
    #: The shape of every column of tokens.
    shape: tuple[int, ...]

    @classmethod
    def of(cls, log_probs: npt.NDArray[Any], mask: ArrayLike | None, lengths: ArrayLike | None, rows: int) -> Tokens:
        """Where they are by a mask or by lengths, one of which there must be."""
        if (mask is None) == (lengths is None):
            found = "both" if mask is not None else "neither"
            raise WrongTypeError(
                f"expected `mask` (N x T) or `lengths` (N numbers of tokens), found {found}: they say which values are tokens"
            )
        shape = log_probs.shape
        if log_probs.ndim == 2 and shape[0] != rows:
            raise BatchError(f"`log_probs` has {shape[0]} rows of {shape[1]}, expected one for each of {rows} sequences")
        if mask is None:
            found_lengths = _arrays.whole_numbers("lengths", lengths, rows)
            cls._check_lengths(found_lengths, shape)
            return cls(found_lengths, shape)
        inside = _arrays.mask(mask)
        if log_probs.ndim != 2:
            raise BatchError("`log_probs` is one row of tokens, which `lengths` divides; `mask` is for N x T")
        if inside.shape != shape:
            raise BatchError(f"`mask` has the shape {inside.shape}, `log_probs` {shape}, expected the same")
        return cls(_native.lengths_of(inside), shape)

    @staticmethod
    def _check_lengths(lengths: npt.NDArray[np.uint64], shape: tuple[int, ...]) -> None:
        if len(shape) == 1:
            total = sum(lengths.tolist())
            if total != shape[0]:
                raise BatchError(f"`lengths` add up to {total} tokens, `log_probs` has {shape[0]}")
            return
        longer = np.flatnonzero(lengths > shape[1])
        if len(longer):
            i = int(longer[0])
            raise BatchError(f"sequence {i}: `lengths` says {lengths[i]} tokens, a row of `log_probs` has {shape[1]}")

    def column(self, name: str, values: ArrayLike | None) -> npt.NDArray[Any] | None:
        """Another column of tokens."""
        if values is None:
            return None
        found = _arrays.tokens(name, values)
        if found.shape != self.shape:
            raise BatchError(f"`{name}` has the shape {found.shape}, `log_probs` {self.shape}, expected the same")
        return found


def outcomes(values: ArrayLike | None, groups: npt.NDArray[np.uint32], tokens: Tokens) -> npt.NDArray[np.uint64] | None:
    """A number a sequence that equal answers of a group share: as given, or made of texts or of tokens."""
    if values is None:
        return None
    rows = len(groups)
    keys = _keys(values, tokens, rows)
    if isinstance(keys, np.ndarray):
        return _arrays.whole_numbers("outcomes", keys, rows)
    if len(keys) != rows:
        raise BatchError(f"`outcomes` has {len(keys)} answers, expected one for each of {rows} sequences")
    first: dict[tuple[int, object], int] = {}
    try:
        numbers = [first.setdefault((int(group), key), i) for i, (group, key) in enumerate(zip(groups, keys))]
    except TypeError as error:
        raise WrongTypeError(f"`outcomes` must be numbers, texts or rows of tokens: {error}") from error
    return np.asarray(numbers, np.uint64)


def _keys(values: ArrayLike, tokens: Tokens, rows: int) -> list[object] | npt.NDArray[Any]:
    """What says that answers are equal: numbers as they are, or a key a sequence."""
    if isinstance(values, (list, tuple)) and any(not isinstance(value, (int, np.integer)) for value in values):
        return [value if isinstance(value, str) else _row_of_tokens(value) for value in values]
    if isinstance(values, np.ndarray) and (values.dtype == object or values.dtype.kind in "US"):
        return list(values.tolist())
    found = _arrays.array("outcomes", values)
    if found.ndim != 2:
        return found
    if found.shape != tokens.shape or found.dtype.kind not in "iu":
        raise BatchError(
            f"`outcomes` is {found.dtype} of the shape {found.shape}, expected a number or text a sequence, or token numbers of "
            f"the shape of `log_probs`, {tokens.shape}"
        )
    return [row[:length].tobytes() for row, length in zip(np.ascontiguousarray(found), tokens.lengths.tolist())]


def _row_of_tokens(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if hasattr(value, "__array__") or hasattr(value, "detach"):
        return tuple(_arrays.array("outcomes", value).ravel().tolist())
    return value


def updated(values: ArrayLike | None, groups: npt.NDArray[np.uint32]) -> set[int] | None:
    """The groups that are updated now: from their numbers, or from marks of sequences."""
    if values is None:
        return None
    if isinstance(values, (set, frozenset)):
        values = sorted(values)
    found = _arrays.array("updated", values)
    if found.dtype != np.bool_:
        named = {int(group) for group in _arrays.whole_numbers("updated", found, None)}
        unknown = named.difference(groups.tolist())
        if unknown:
            raise BatchError(f"`updated` names group {min(unknown)}, of which there is no sequence")
        return named
    marks = _arrays.marks("updated", found, len(groups))
    now = {int(group) for group in np.unique(groups[marks == 1])}
    cut = [group for group in now if not marks[groups == group].all()]
    if cut:
        raise BatchError(f"`updated` marks some sequences of group {min(cut)} and not others: a step is of whole groups")
    return now


def logarithms(name: str, values: Mapping[int, float] | None, most: float) -> dict[int, float]:
    """Logarithms by group, at most `most`."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise WrongTypeError(f"`{name}` must be a dict from groups to logarithms, found {type(values).__name__}")
    found: dict[int, float] = {}
    for group, value in values.items():
        number = whole(f"{name}: group", group, 2**32 - 1)
        try:
            found[number] = float(value)
        except (TypeError, ValueError) as error:
            raise WrongTypeError(f"`{name}` of group {number} must be a number, found {value!r}") from error
        if not found[number] <= most:
            raise BatchError(f"`{name}` of group {number} must be a natural logarithm, at most {most}, found {value!r}")
    return found


def whole(name: str, value: object, most: int = _MOST) -> int:
    """A whole number from 0 to `most`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise WrongTypeError(f"`{name}` must be a whole number, found {value!r}") from error
    if not 0 <= number <= most:
        raise BatchError(f"`{name}` must be from 0 to {most}, found {number}")
    return number


def epoch(value: object) -> int:
    """The number of a pass."""
    return whole("epoch", value, _MOST_EPOCH)
