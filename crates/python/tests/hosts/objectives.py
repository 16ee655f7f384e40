"""The objectives that are trained with, and their coefficients by hand."""

from __future__ import annotations

from typing import Any

import by_hand

import pstar

#: By name: plugin, configuration, and the formula where one is written out.
OBJECTIVES: dict[str, tuple[str, str, Any]] = {
    "reinforce-loo": ("reinforce", "(baseline: LeaveOneOut)", by_hand.loo),
    "grpo-trl": ("grpo-trl", "()", by_hand.grpo_trl),
    "grpo": ("grpo", "()", None),
    "alpha": ("alpha", "(alpha: 0.5)", None),
    "alpha-dpg": ("alpha-dpg", "(alpha: 0.5)", None),
    "forward-kl": ("forward-kl", "()", None),
}

#: Those whose c has the weight p*/q of a whole sequence where what samples is the policy, too: rounding of float32
#: log-probabilities is multiplied by their sum.
WEIGHTED = {"forward-kl"}


def objective(name: str) -> pstar.Objective:
    """As a shim is given it."""
    return pstar.Objective(*OBJECTIVES[name][:2])


def asks(name: str) -> Any:
    """Its coefficients: the formula, or an objective of its own asked with ragged columns of float64."""
    plugin, config, formula = OBJECTIVES[name]
    return formula or by_hand.Asks(plugin, config)
