"""Configurations as Python writes them, put into RON, the language of experiments.

Text is RON already and stays as it is. A dict is put into RON by these rules, at any depth:

=========================================  ====================================  ==================================
Python                                     RON                                   what it is
=========================================  ====================================  ==================================
`{"alpha": 0.5, "clip": None}`             `(alpha: 0.5, clip: None)`            fields, whose names begin small
`"LeaveOneOut"`                            `LeaveOneOut`                         a name, which begins with a capital
`{"Ppo": {"low": 0.2, "high": 0.3}}`       `Ppo(low: 0.2, high: 0.3)`            a name with fields
`{"Tilted": 1.0}`, `{"Gamma": (2.0, 3)}`   `Tilted(1.0)`, `Gamma(2.0, 3)`        a name with values
`[{"Std": {"epsilon": 1e-6}}]`             `[Std(epsilon: 1e-06)]`               a list
`(1, 2)`                                   `(1, 2)`                              values without names
`"a*b"`, `Path("a.txt")`                   `"a*b"`, `"a.txt"`                    every other text, and a path
`{"^": [1.0], "a": [2.0]}`                 `{"^": [1.0], "a": [2.0]}`            a map: a key is neither field nor name
`True`, `3`, `0.5`, `None`                 `true`, `3`, `0.5`, `None`            as they are
`pstar.Ron("Focal(2.0)")`                  `Focal(2.0)`                          RON, whatever it says
=========================================  ====================================  ==================================

So `pstar.Ron('"Group"')` is a text that looks like a name, and `pstar.Ron('{"a": 1.0}')` a map whose keys look like fields. The
reader of a configuration refuses a name where it expects a text, and the other way round: neither is taken for the other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from os import PathLike, fsdecode
from typing import TypeAlias, Union

import numpy as np

from pstar._errors import WrongTypeError, ConfigError

_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*", re.ASCII)
_FIELD = re.compile(r"[a-z_][A-Za-z0-9_]*", re.ASCII)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Deepest nesting; the reader of RON has a limit of its own, below this one.
_DEEPEST = 200


class Ron(str):
    """RON that stands in a dict as it is: `{"prompt_weight": pstar.Ron("Focal(2.0)")}`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"pstar.Ron({str.__str__(self)!r})"


#: What a configuration may be: RON, or a dict that is put into RON.
Config: TypeAlias = Union[str, "Mapping[str, object]"]


def as_ron(config: Config) -> str:
    """The RON text of a configuration.

    Raises `ConfigError` for a value that RON has no word for, and `WrongTypeError` for one that no configuration is made of.
    """
    if isinstance(config, str):
        return str.__str__(config)
    if not isinstance(config, Mapping):
        raise WrongTypeError(f"`config` must be RON text or a dict, found {type(config).__name__}")
    return _fields(config, "config", 0)


def value_as_ron(value: object, place: str) -> str:
    """The RON text of any value, named by its place where it has none."""
    return _value(value, place, 0)


def _value(value: object, place: str, depth: int) -> str:
    if depth > _DEEPEST:
        raise ConfigError(f"`{place}` is nested more than {_DEEPEST} deep")
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, Ron):
        return str.__str__(value)
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if math.isnan(value):
            raise ConfigError(f"`{place}` is NaN, expected a number")
        return float.__repr__(value)
    if isinstance(value, str):
        return str.__str__(value) if _NAME.fullmatch(value) else _quoted(value)
    if isinstance(value, PathLike):
        return _quoted(fsdecode(value))
    if isinstance(value, Mapping):
        return _named_or_fields(value, place, depth)
    if isinstance(value, (list, np.ndarray)):
        return "[" + _values(value, place, depth) + "]"
    if isinstance(value, tuple):
        return "(" + _values(value, place, depth) + ")"
    raise WrongTypeError(
        f"`{place}` is of the type {type(value).__name__}, which no configuration is made of; "
        "expected numbers, texts, None, lists, tuples and dicts of them, or pstar.Ron(...)"
    )


def _values(values: object, place: str, depth: int) -> str:
    assert isinstance(values, (list, tuple, np.ndarray))
    return ", ".join(_value(value, f"{place}[{i}]", depth + 1) for i, value in enumerate(values))


def _named_or_fields(value: Mapping[object, object], place: str, depth: int) -> str:
    keys = list(value)
    if len(keys) == 1 and isinstance(keys[0], str) and _NAME.fullmatch(keys[0]):
        name = keys[0]
        content = value[name]
        inner = f"{place}.{name}"
        if isinstance(content, Mapping) and not _is_named(content):
            return name + _fields(content, inner, depth + 1)
        if isinstance(content, tuple):
            return f"{name}({_values(content, inner, depth)})"
        return f"{name}({_value(content, inner, depth + 1)})"
    if all(isinstance(key, str) for key in keys) and not all(_FIELD.fullmatch(str(key)) for key in keys):
        entries = (f"{_quoted(str(key))}: {_value(of, f'{place}.{key}', depth + 1)}" for key, of in value.items())
        return "{" + ", ".join(entries) + "}"
    return _fields(value, place, depth)


def _is_named(value: Mapping[object, object]) -> bool:
    """Whether a dict stands for a name with content."""
    return len(value) == 1 and all(isinstance(key, str) and _NAME.fullmatch(key) for key in value)


def _fields(value: Mapping[str, object] | Mapping[object, object], place: str, depth: int) -> str:
    written = []
    for key, content in value.items():
        if not isinstance(key, str) or not _FIELD.fullmatch(key):
            raise ConfigError(
                f"`{place}` has the key {key!r}, expected names of fields, which begin small; pstar.Ron(...) writes everything else"
            )
        written.append(f"{key}: {_value(content, f'{place}.{key}', depth + 1)}")
    return "(" + ", ".join(written) + ")"


def _quoted(text: str) -> str:
    def escaped(character: str) -> str:
        code = ord(character)
        if character in _ESCAPES:
            return _ESCAPES[character]
        return f"\\u{{{code:x}}}" if code < 32 or code == 127 else character

    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ConfigError(f"the text {text!r} holds half of a surrogate pair, which no file can")
    return '"' + "".join(map(escaped, text)) + '"'
