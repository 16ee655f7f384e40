"""Asking a single component, outside of any run: the same questions and answers as `pstar probe`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import Any, Literal, overload

import numpy as np

from pstar import _native
from pstar._errors import BatchError, WrongTypeError
from pstar._place import begin
from pstar._plugins import folders
from pstar._ron import Config, as_ron

_KINDS = ("objective", "verifier", "model")


@overload
def probe(
    kind: Literal["objective"],
    questions: Mapping[str, Any],
    *,
    plugin: str | None = None,
    config: Config = "()",
    experiment: str | PathLike[str] | None = None,
    plugin_dirs: Sequence[str | PathLike[str]] = (),
) -> dict[str, Any]: ...


@overload
def probe(
    kind: Literal["verifier", "model"],
    questions: Iterable[str | Mapping[str, Any]],
    *,
    plugin: str | None = None,
    config: Config = "()",
    experiment: str | PathLike[str] | None = None,
    plugin_dirs: Sequence[str | PathLike[str]] = (),
) -> list[dict[str, Any]]: ...


def probe(
    kind: str,
    questions: Any,
    *,
    plugin: str | None = None,
    config: Config = "()",
    experiment: str | PathLike[str] | None = None,
    plugin_dirs: Sequence[str | PathLike[str]] = (),
) -> Any:
    """The answers of a component to questions.

    kind "verifier": questions are dicts of `response` and, where it matters, `prompt`, or responses alone; answers are dicts of
        `valid` (None where there is no verdict, with `no_verdict`) and, where the verifier tells it, `answer`.
    kind "model": questions are the same, with `ended` for whether the end symbol follows; answers are dicts of `log_prob` and
        `token_log_probs`, natural logarithms.
    kind "objective": one batch, a dict of `step`, `sequences` and what else `pstar probe objective` reads; the answer is a dict
        of `coefficients`, a row a sequence, and `diagnostics`. `Objective` asks with arrays, and keeps what is learnt.

    plugin, config: the component; without it the experiment's own verifier or base model.
    experiment: a file whose task is meant; without one the alphabet is the characters met.

    Infinite numbers are floats of Python's in questions and in answers.

    >>> import pstar
    >>> pstar.probe("verifier", ["abba", "abc"], plugin="regex", config={"pattern": "a*b*a*"})
    [{'valid': True}, {'valid': False}]

    Raises `ConfigError` or `BatchError` (`ValueError`s) for what is refused, `PstarError` for what fails.
    """
    if kind not in _KINDS:
        raise BatchError(f"`kind` must be one of {', '.join(map(repr, _KINDS))}, found {kind!r}")
    if kind == "objective":
        if not isinstance(questions, Mapping):
            raise WrongTypeError(f"an objective is asked about one batch, a dict, found {type(questions).__name__}")
        text = _json(questions, "the batch")
    else:
        if isinstance(questions, (str, bytes, Mapping)) or not isinstance(questions, Iterable):
            raise WrongTypeError(f"expected a list of questions, found {type(questions).__name__}")
        asked = ({"response": question} if isinstance(question, str) else question for question in questions)
        text = "".join(_json(question, f"question {i}") + "\n" for i, question in enumerate(asked))
    begin()
    component = None if plugin is None else (plugin, as_ron(config))
    file = None if experiment is None else fspath(experiment)
    answers = _native.probe(kind, text, component, file, folders(plugin_dirs))
    if kind == "objective":
        answer = json.loads(answers)
        answer["diagnostics"] = {name: _number(value) for name, value in answer["diagnostics"].items()}
        return answer
    found = [json.loads(line) for line in answers.splitlines()]
    if kind == "model":
        for answer in found:
            answer["log_prob"] = _number(answer["log_prob"])
            answer["token_log_probs"] = [_number(value) for value in answer["token_log_probs"]]
    return found


def _number(value: Any) -> Any:
    """A number as the program writes it: infinities are texts."""
    return float(value) if value in ("inf", "-inf") else value


def _json(question: object, which: str) -> str:
    """A question as the program reads it, on one line."""
    if not isinstance(question, Mapping):
        raise WrongTypeError(f"{which} must be a dict, found {type(question).__name__}")
    plain = _plain(question, which)
    try:
        return json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise WrongTypeError(f"{which} holds what is no JSON: {error}") from error


def _plain(value: object, which: str) -> object:
    """The same in JSON's own types, infinities as texts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, which) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, which) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist(), which)
    if isinstance(value, float):
        if math.isnan(value):
            raise BatchError(f"{which} holds NaN, expected numbers")
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
    return value
