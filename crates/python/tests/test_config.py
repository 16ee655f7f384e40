"""Configurations as dicts, put into RON."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pstar
from pstar._ron import as_ron


class Level(str, enum.Enum):
    TOKEN = "Token"


@pytest.mark.parametrize(
    "config, text",
    [
        ({}, "()"),
        ({"alpha": 0.5, "clip": None}, "(alpha: 0.5, clip: None)"),
        ({"as_released": True, "k": 3, "a": -0.0}, "(as_released: true, k: 3, a: -0.0)"),
        ({"baseline": "LeaveOneOut"}, "(baseline: LeaveOneOut)"),
        ({"clip": {"Ppo": {"low": 0.2, "high": 0.3}}}, "(clip: Ppo(low: 0.2, high: 0.3))"),
        ({"prompt_weight": {"Focal": 2.0}}, "(prompt_weight: Focal(2.0))"),
        ({"clip": {"Gamma": {"positive": [2.0, 3.0]}}}, "(clip: Gamma(positive: [2.0, 3.0]))"),
        ({"x": {"Pair": (1, 2)}}, "(x: Pair(1, 2))"),
        ({"x": {"Of": [1, 2]}}, "(x: Of([1, 2]))"),
        ({"x": {"Some": {"Tilted": 1.0}}}, "(x: Some(Tilted(1.0)))"),
        ({"x": {"Unit": {}}}, "(x: Unit())"),
        ({"scale": [{"Std": {"epsilon": 1e-6}}, {"Mean": {"epsilon": 0.0}}]}, "(scale: [Std(epsilon: 1e-06), Mean(epsilon: 0.0)])"),
        ({"reward_kl": {"estimator": "K1", "per": "ToGo"}}, "(reward_kl: (estimator: K1, per: ToGo))"),
        ({"penalties": [{"estimator": "K3"}]}, "(penalties: [(estimator: K3)])"),
        ({"pattern": "a*b"}, '(pattern: "a*b")'),
        ({"import": "mod:Class"}, '(import: "mod:Class")'),
        ({"x": pstar.Ron('"Group"'), "y": pstar.Ron('{"a": 1.0}')}, '(x: "Group", y: {"a": 1.0})'),
        ({"x": 'q"\\\n\t\x01\x7fé😀'}, '(x: "q\\"\\\\\\n\\t\\u{1}\\u{7f}é😀")'),
        ({"x": (1, "a"), "y": Path("b")}, '(x: (1, "a"), y: "b")'),
        ({"table": {"^": [0.5], "a": [1.0]}}, '(table: {"^": [0.5], "a": [1.0]})'),
        ({"x": {"Ppo": 1, "Tppo": 2}}, '(x: {"Ppo": 1, "Tppo": 2})'),
        ({"x": float("inf")}, "(x: inf)"),
        ({"x": np.float32(0.5), "y": np.int64(3), "z": np.bool_(True)}, "(x: 0.5, y: 3, z: true)"),
        ({"x": np.array([1.0, 2.0]), "y": Level.TOKEN}, "(x: [1.0, 2.0], y: Token)"),
        ("(alpha: 0.5) // as it is", "(alpha: 0.5) // as it is"),
        (pstar.Ron("(a: 1)"), "(a: 1)"),
    ],
)
def test_what_is_written(config: Any, text: str) -> None:
    assert as_ron(config) == text


@pytest.mark.parametrize(
    "config, kind, words",
    [
        ({"x": float("nan")}, pstar.ConfigError, "`config.x` is NaN"),
        ({"x": [1, {"y": 3 + 1j}]}, pstar.WrongTypeError, "`config.x[1].y` is of the type complex"),
        ({"x": {1: 2}}, pstar.ConfigError, "`config.x` has the key 1"),
        ({1: 2}, pstar.ConfigError, "`config` has the key 1"),
        ({"Ppo": {}}, pstar.ConfigError, "`config` has the key 'Ppo'"),
        ({"x": {1, 2}}, pstar.WrongTypeError, "`config.x` is of the type set"),
        ({"x": "\ud800"}, pstar.ConfigError, "surrogate"),
        ([1], pstar.WrongTypeError, "`config` must be RON text or a dict, found list"),
    ],
)
def test_what_has_no_word_in_ron(config: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as refusal:
        as_ron(config)
    assert words in str(refusal.value)


def test_nothing_is_nested_without_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(pstar.ConfigError, match="nested more than"):
        as_ron({"x": endless})
    deep: Any = {"x": 1}
    for _ in range(5000):
        deep = {"x": deep}
    with pytest.raises(pstar.ConfigError, match="nested more than"):
        as_ron(deep)


def test_dicts_and_text_make_the_same_objective() -> None:
    text = "(clip: Ppo(low: 0.1, high: 0.3), scale: [Std(epsilon: 1e-6, ddof: 0)], aggregate: TokenMean)"
    config = {
        "clip": {"Ppo": {"low": 0.1, "high": 0.3}},
        "scale": [{"Std": {"epsilon": 1e-6, "ddof": 0}}],
        "aggregate": "TokenMean",
    }
    logs = np.array([-0.5, -0.1, -0.7, -1.5])
    batch = {"rewards": [1, 0], "groups": [0, 0], "lengths": [3, 1], "log_probs": logs, "behaviour_log_probs": logs * 1.3}
    found = [pstar.Objective("ppo-clip", form).coefficients(**batch).values for form in (text, config)]
    assert np.array_equal(*found) and found[0].any()
    assert not np.array_equal(found[0], pstar.Objective("ppo-clip").coefficients(**batch).values)


def test_listed_defaults_can_be_written_as_dicts() -> None:
    """Fields begin small and names with a capital, on which the rules rest."""
    for component in pstar.plugins():
        for field in component["config"]:
            assert field["name"][0].islower(), (component["name"], field["name"])
