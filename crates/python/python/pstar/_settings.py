"""How experiments and their overrides are given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pstar._ron import value_as_ron

#: Fields of an experiment that are replaced: `{"training.steps": 100}` with values as in the
#: configuration of an objective, or texts as the command line takes them,
#: `["training.steps=100"]`.
Overrides: TypeAlias = "Mapping[str, object] | Sequence[str] | None"

#: A path.
PathLike: TypeAlias = "str | os.PathLike[str]"


def assignments(overrides: Overrides) -> list[str]:
    """The overrides as the command line takes them."""
    if overrides is None:
        return []
    if isinstance(overrides, Mapping):
        return [f"{path}={value_as_ron(value, path)}" for path, value in overrides.items()]
    if isinstance(overrides, str):
        raise TypeError('overrides: expected a dict or a list of texts such as "training.steps=100", found a text')
    texts = list(overrides)
    for text in texts:
        if not isinstance(text, str) or "=" not in text:
            raise TypeError(f'overrides: expected texts such as "training.steps=100", found {text!r}')
    return texts


def plain_path(path: PathLike, what: str) -> str:
    """A path as a text."""
    try:
        plain = os.fspath(path)
    except TypeError:
        raise TypeError(f"{what}: expected a path, found `{type(path).__name__}`") from None
    if isinstance(plain, bytes):
        plain = os.fsdecode(plain)
    return plain


def thread_count(threads: int | None) -> int:
    """Threads as the extension takes them: 0 for one a core."""
    if threads is None:
        return 0
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads: expected a whole number from 1 or None, found {threads!r}")
    return threads
