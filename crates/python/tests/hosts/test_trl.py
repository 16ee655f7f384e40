"""Gradients of TRL with an objective against those by hand."""

from __future__ import annotations

import by_hand
import pytest
import torch
from by_hand import Asks
from tiny import copied
from trl_rig import train

import pstar

#: By name: the objective, and its coefficients by hand.
OBJECTIVES = {
    "reinforce-loo": ("reinforce", "(baseline: LeaveOneOut)", by_hand.loo),
    "grpo-trl": ("grpo-trl", "()", by_hand.grpo_trl),
    "grpo": ("grpo", "()", None),
    "alpha": ("alpha", "(alpha: 0.5)", None),
    "alpha-dpg": ("alpha-dpg", "(alpha: 0.5)", None),
    "forward-kl": ("forward-kl", "()", None),
}


def errors(run, name: str) -> list[tuple[float, float]]:
    """Of every optimizer step: error, and the longest row's sum of |log q| if q is not b."""
    plugin, config, formula = OBJECTIVES[name]
    asks = formula or Asks(plugin, config)
    base = copied(run.base)
    found = []
    for step in run.steps:
        q, b, a = (by_hand.scored(model, step.rows, run.temperature) for model in (step.policy, step.behaviour, base))
        expected = by_hand.gradient(step.policy, step.rows, asks(step.rows, q, b, a), run.temperature)
        found.append((by_hand.error(step.gradient, expected), by_hand.longest(q) if step.number else 0.0))
    return found


def check(run, name: str, steps: int = 2, exact: float | None = None) -> float:
    """Every step within the tolerance; the largest error."""
    found = errors(run, name)
    assert len(found) == steps
    for error, longest in found:
        assert error <= (exact if exact is not None else 1e-6 * (1 + longest)), (name, found)
    return max(error for error, _ in found)


def objective(name: str) -> pstar.Objective:
    return pstar.Objective(*OBJECTIVES[name][:2])


@pytest.mark.parametrize("accumulation", [1, 2, 4])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_on_policy(name, kind, accumulation, record_error):
    run = train(objective(name), kind, gradient_accumulation_steps=accumulation)
    record_error("TRL, on-policy, float32", check(run, name))
