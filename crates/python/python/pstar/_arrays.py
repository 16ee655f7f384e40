"""Arrays of whatever library, as the arrays of numpy that the extension reads: C order, native numbers, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pstar._errors import BatchError, WrongTypeError

if TYPE_CHECKING:
    import numpy.typing as npt

#: What becomes an array: of numpy, a tensor of torch on any device, nested lists, whatever has `__array__`.
ArrayLike: TypeAlias = Any

_MOST_GROUP = 2**32 - 1
_MOST_UNSIGNED = 2**64 - 1


def array(name: str, values: ArrayLike) -> npt.NDArray[Any]:
    """An array of numpy of the same numbers."""
    if isinstance(values, np.ma.MaskedArray):
        raise WrongTypeError(f"`{name}` is a masked array, whose mask would be lost; give `mask` or `lengths`")
    if not isinstance(values, np.ndarray) and callable(getattr(values, "detach", None)):
        values = _of_tensor(values)
    try:
        found = np.asarray(values)
    except ValueError as error:
        raise BatchError(
            f"`{name}` is no array of rows of one length ({error}); of rows of different lengths give "
            f"np.concatenate(rows) and lengths=[len(row) for row in rows]"
        ) from error
    if found.dtype == object:
        raise _objects(name, found)
    return found


def _objects(name: str, found: npt.NDArray[Any]) -> Exception:
    """What is said of an array of objects."""
    if found.size and all(isinstance(value, int) for value in found.flat):
        return BatchError(f"`{name}` holds the number {max(found.flat, key=abs)}, which is too large")
    first = f" such as {found.flat[0]!r}"[:100] if found.size else ""
    return WrongTypeError(f"`{name}` must hold numbers, found objects{first}{_labels(name)}")


def _labels(name: str) -> str:
    """How groups are numbered."""
    return "; np.unique(labels, return_inverse=True)[1] numbers labels" if name == "groups" else ""


def _of_tensor(tensor: Any) -> npt.NDArray[Any]:
    """The values of a tensor of torch, which need not be installed."""
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        # Numpy has no such numbers; these hold them all.
        tensor = tensor.float()
    made: npt.NDArray[Any] = tensor.numpy()
    return made


def tokens(name: str, values: ArrayLike) -> npt.NDArray[Any]:
    """Numbers of tokens: N x T as float64 or float32, or one row as float64."""
    found = array(name, values)
    if found.ndim not in (1, 2):
        raise BatchError(
            f"`{name}` has the shape {found.shape}, expected N x T with `mask` or `lengths`, or the tokens of all sequences "
            "one behind the other with `lengths`"
        )
    kind = found.dtype.kind
    if kind in "fiu":
        small = found.dtype in (np.float16, np.float32) and found.ndim == 2
        return np.ascontiguousarray(found, np.float32 if small else np.float64)
    if kind == "V" and found.dtype.fields is None and "float" in found.dtype.name:
        # Numbers of eight or sixteen bits that another package defines.
        return np.ascontiguousarray(found.astype(np.float64))
    raise WrongTypeError(f"`{name}` must hold real numbers, found {found.dtype}")


def per_sequence(name: str, values: ArrayLike, rows: int | None = None) -> npt.NDArray[Any]:
    """One number a sequence, of the type that it has."""
    found = array(name, values)
    if found.ndim != 1 or (rows is not None and len(found) != rows):
        expected = "one a sequence" if rows is None else f"one for each of {rows} sequences"
        raise BatchError(f"`{name}` must be a row of numbers, {expected}, found the shape {found.shape}")
    if found.dtype.kind not in "fiub":
        raise WrongTypeError(f"`{name}` must hold numbers, found {found.dtype}{_labels(name)}")
    return found


def numbers(name: str, values: ArrayLike, rows: int) -> npt.NDArray[np.float64]:
    """One real number a sequence."""
    return np.ascontiguousarray(per_sequence(name, values, rows), np.float64)


def rewards(values: ArrayLike, rows: int) -> npt.NDArray[np.float64]:
    """Rewards, each 0 or 1."""
    found = numbers("rewards", values, rows)
    wrong = np.flatnonzero(~((found == 0) | (found == 1)))
    if len(wrong):
        i = int(wrong[0])
        more = f" ({len(wrong)} such of {rows})" if len(wrong) > 1 else ""
        raise BatchError(
            f"sequence {i}: `rewards` must be 0 or 1, found {found[i]}{more}; a sequence without a verdict is left out of the batch"
        )
    return found


def marks(name: str, values: ArrayLike, rows: int) -> npt.NDArray[np.uint8]:
    """One yes or no a sequence, as 1 or 0."""
    return np.ascontiguousarray(_truth(name, per_sequence(name, values, rows)), np.uint8)


def _truth(name: str, found: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Yes and no, from truth values or from 0 and 1."""
    if found.dtype == np.bool_:
        return np.asarray(found.view(np.uint8) != 0)
    if found.dtype.kind not in "fiu":
        raise WrongTypeError(f"`{name}` must hold truth values, found {found.dtype}")
    wrong = np.argwhere(~((found == 0) | (found == 1)))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise BatchError(f"`{name}` must hold truth values, or 0 and 1, found {found[place]} at {list(place)}")
    return np.asarray(found != 0)


def mask(values: ArrayLike) -> npt.NDArray[np.uint8]:
    """N x T: 0 behind sequences, and nowhere else."""
    found = array("mask", values)
    if found.ndim != 2:
        raise BatchError(f"`mask` must be N x T, found the shape {found.shape}")
    if found.dtype == np.bool_:
        return np.ascontiguousarray(found).view(np.uint8)
    return np.ascontiguousarray(_truth("mask", found), np.uint8)


def whole_numbers(
    name: str, values: ArrayLike, rows: int | None, most: int = _MOST_UNSIGNED
) -> npt.NDArray[np.uint64]:
    """One whole number a sequence, from 0 to `most`."""
    if isinstance(values, (list, tuple)) and all(type(value) is int for value in values):
        # Of great ones numpy would make reals, or objects.
        values = _of_whole_numbers(name, values, most)
    found = per_sequence(name, values, rows)
    if not len(found):
        return np.zeros(0, np.uint64)
    if found.dtype.kind not in "iu":
        raise WrongTypeError(f"`{name}` must hold whole numbers, found {found.dtype}{_labels(name)}")
    wrong = np.flatnonzero((found < 0) | (found.astype(np.uint64) > np.uint64(most)))
    if len(wrong):
        i = int(wrong[0])
        raise BatchError(f"sequence {i}: `{name}` must be from 0 to {most}, found {found[i]}")
    return np.ascontiguousarray(found, np.uint64)


def _of_whole_numbers(name: str, values: Sequence[int], most: int) -> npt.NDArray[np.uint64]:
    wrong = next((i for i, value in enumerate(values) if not 0 <= value <= most), None)
    if wrong is not None:
        raise BatchError(f"sequence {wrong}: `{name}` must be from 0 to {most}, found {values[wrong]}")
    return np.array(values, np.uint64)


def groups(values: ArrayLike) -> npt.NDArray[np.uint32]:
    """The number of each sequence's group."""
    return np.ascontiguousarray(whole_numbers("groups", values, None, _MOST_GROUP), np.uint32)
