"""`pstar.plugins` and `pstar.probe` answer as the program does."""

from __future__ import annotations

import json
import math
import subprocess
from typing import Any

import numpy as np
import pytest
from asked import batches
from conftest import ROOT

import pstar

EXPERIMENT = ROOT / "experiments/toy-parity.ron"


def program(host: str, *arguments: str, questions: list[Any] | None = None) -> list[Any]:
    text = "".join(json.dumps(question) + "\n" for question in questions or [])
    done = subprocess.run([host, *arguments], input=text, capture_output=True, text=True, encoding="utf-8", check=True)
    of_lines = questions is not None and arguments[:2] != ("probe", "objective")
    return [json.loads(line) for line in done.stdout.splitlines()] if of_lines else json.loads(done.stdout)


def test_one_component_by_name(host: str) -> None:
    found = pstar.plugins("grpo", "regex")
    assert sorted(component["name"] for component in found) == ["grpo", "regex"]
    assert found[0].keys() == program(host, "plugins", "grpo", "--json")["components"][0].keys()
    with pytest.raises(pstar.ConfigError, match="did you mean `grpo`"):
        pstar.plugins("gprpo")
    with pytest.raises(TypeError):
        pstar.plugins(["grpo"])  # type: ignore[arg-type]


def test_verifiers(host: str) -> None:
    config = '(pattern: "(ab)*")'
    questions = [{"response": "abab"}, {"prompt": "x", "response": "aba"}, {"response": ""}, {"response": "ß"}]
    expected = program(host, "probe", "verifier", "--plugin", "regex", "--config", config, questions=questions)
    for form in (config, {"pattern": "(ab)*"}):
        assert pstar.probe("verifier", questions, plugin="regex", config=form) == expected
    assert pstar.probe("verifier", (q["response"] for q in questions), plugin="regex", config=config) == expected
    assert [answer["valid"] for answer in expected] == [True, False, True, False]


def test_the_components_of_an_experiment(host: str) -> None:
    questions = [{"response": "ab"}, {"response": "b"}]
    for kind in ("verifier", "model"):
        expected = program(host, "probe", kind, "--experiment", str(EXPERIMENT), questions=questions)
        assert pstar.probe(kind, questions, experiment=EXPERIMENT) == expected  # type: ignore[call-overload]


def test_impossible_responses_are_infinite() -> None:
    config = {"order": 1, "table": {"": [0.25, 0.0, 0.75]}}
    found = pstar.probe("model", ["ab", "a"], plugin="ngram", config=config)
    assert found[0]["log_prob"] == -math.inf and found[0]["token_log_probs"][1] == -math.inf
    assert math.isclose(found[1]["log_prob"], math.log(0.25) + math.log(0.75), rel_tol=1e-15)


def test_objectives(host: str) -> None:
    for name, batch in batches().items():
        expected = program(host, "probe", "objective", "--plugin", "grpo-trl", questions=[batch])
        assert pstar.probe("objective", batch, plugin="grpo-trl") == expected, name
    rows = [{"group": 0, "reward": np.int64(1), "log_probs": np.array([-1.0, -np.inf])}, {"group": 0, "reward": 0, "log_probs": []}]
    assert pstar.probe("objective", {"step": 0, "sequences": rows}, plugin="rloo")["coefficients"] == [[1, 1], []]


@pytest.mark.parametrize(
    "arguments, settings, kind, words",
    [
        (("verifier", [{"response": "a"}, {"respons": "a"}]), {}, ValueError, "question 1: unknown field `respons`"),
        (("verifier", [{"response": 3}]), {}, ValueError, "question 0: invalid type"),
        (("verifier", ["a"]), {"config": "(pattern: 3)"}, ValueError, "expected a text in quotes, found `3`"),
        (("verifier", ["a"]), {"plugin": "regexp"}, ValueError, "did you mean `regex`"),
        (("verifier", ["a"]), {"plugin": None}, ValueError, "no component was named"),
        (("verifier", "a"), {}, TypeError, "expected a list of questions"),
        (("verifier", {"response": "a"}), {}, TypeError, "expected a list of questions"),
        (("verifier", [3]), {}, TypeError, "question 0 must be a dict"),
        (("verifier", [{"response": "\ud800"}]), {}, ValueError, "question 0"),
        (("policy", ["a"]), {}, ValueError, "`kind` must be one of"),
        (("objective", []), {}, TypeError, "one batch, a dict"),
        (("objective", {"step": 0}), {"plugin": "rloo"}, ValueError, "missing field `sequences`"),
        (("objective", {"step": 0, "sequences": [{"group": 0, "reward": 0.5, "log_probs": []}]}), {"plugin": "rloo"}, ValueError,
         "sequence 0: `reward` must be 0 or 1, found 0.5"),
        (("objective", {"step": float("nan")}), {"plugin": "rloo"}, ValueError, "holds NaN"),
        (("objective", {"step": object()}), {"plugin": "rloo"}, TypeError, "no JSON"),
        (("verifier", ["a"]), {"experiment": "missing.ron"}, ValueError, "missing.ron"),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], settings: dict[str, Any], kind: type[Exception], words: str) -> None:
    settings = {"plugin": "regex", "config": '(pattern: "a")' if arguments[0] == "verifier" else "()"} | settings
    with pytest.raises(kind) as refusal:
        pstar.probe(*arguments, **settings)
    assert words in str(refusal.value)
    assert isinstance(refusal.value, pstar.PstarError)
