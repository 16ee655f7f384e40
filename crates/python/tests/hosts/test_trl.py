"""Gradients of TRL with an objective against those by hand, at every optimizer step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import by_hand
import pytest
import torch
from objectives import OBJECTIVES, WEIGHTED, asks, objective
from tiny import copied
from trl_rig import Run, train

HERE = Path(__file__).parent


def errors(run: Run, name: str) -> list[tuple[float, float]]:
    """Of every optimizer step: error, and the largest sum of |log q| over a row if c weighs sequences by it."""
    asked, base = asks(name), copied(run.base)
    found = []
    for step in run.steps:
        q, b, a = (by_hand.scored(model, step.rows, run.temperature) for model in (step.policy, step.behaviour, base))
        expected = by_hand.gradient(step.policy, step.rows, asked(step.rows, q, b, a, step.number), run.temperature)
        found.append(
            (by_hand.error(step.gradient, expected), by_hand.longest(q) if step.number or name in WEIGHTED else 0.0)
        )
    return found


def check(run: Run, name: str, steps: int = 2) -> float:
    """Every step within the tolerance; the largest error."""
    found = errors(run, name)
    assert len(found) == steps
    for error, longest in found:
        assert error <= 1e-6 * (1 + longest), found
    return max(error for error, _ in found)


@pytest.mark.parametrize("accumulation", [1, 2, 4])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_on_policy(name, kind, accumulation, record_error):
    """GPT-2 with prompts of one length; Llama with prompts of several."""
    run = train(objective(name), kind, gradient_accumulation_steps=accumulation)
    record_error("TRL, on-policy", check(run, name))


@pytest.mark.parametrize("loss_type", ["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"])
@pytest.mark.filterwarnings("ignore:.*do nothing here")
def test_the_loss_type_means_nothing(loss_type, record_error):
    run = train(objective("grpo-trl"), "llama", loss_type=loss_type)
    record_error("TRL, on-policy", check(run, "grpo-trl"))


@pytest.mark.parametrize("accumulation", [1, 2, 4])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_second_pass(name, accumulation, record_error):
    """`num_iterations=2`: the objective is asked again with log q that moved."""
    run = train(objective(name), "gpt2", gradient_accumulation_steps=accumulation, num_iterations=2, max_steps=4)
    assert [step.number for step in run.steps] == [0, 1, 0, 1]
    moved = by_hand.scored(run.steps[1].policy, run.steps[1].rows)
    assert (
        max(
            abs(a - b).max()
            for a, b in zip(moved, by_hand.scored(run.steps[1].behaviour, run.steps[1].rows), strict=True)
        )
        > 1e-3
    )
    record_error("TRL, second pass over samples", check(run, name, steps=4))


@pytest.mark.parametrize("name", ["reinforce-loo", "alpha"])
def test_temperature(name, record_error):
    run = train(objective(name), "llama", temperature=1.7, num_iterations=2)
    record_error("TRL, temperature 1.7, two passes", check(run, name))


@pytest.mark.parametrize("name", ["grpo-trl", "grpo", "alpha-dpg"])
def test_truncated_completions_count_as_rows(name, record_error):
    run = train(objective(name), "llama", mask_truncated_completions=True, seed=5)
    rows = [row for step in run.steps for row in step.rows]
    assert {row.counts for row in rows} == {True, False}
    record_error("TRL, truncated completions masked", check(run, name))


def test_gradient_checkpointing(record_error):
    run = train(objective("alpha-dpg"), "llama", activation_checkpointing=True)
    record_error("TRL, on-policy", check(run, "alpha-dpg"))


def test_double_precision(record_error):
    """The model in float64; TRL's head answers in float32 all the same, so the tolerance is no sharper."""
    run = train(objective("alpha"), "llama", dtype=torch.float64)
    record_error("TRL, on-policy", check(run, "alpha"))


def test_half_precision_trains():
    """bfloat16: coarse log-probabilities, the same gradient but for rounding of 8 bits."""
    run = train(objective("reinforce-loo"), "gpt2", dtype=torch.bfloat16)
    assert all(torch.isfinite(value).all() for step in run.steps for value in step.gradient.values())
    assert max(error for error, _ in errors(run, "reinforce-loo")) < 0.1


@pytest.mark.parametrize("iterations", [1, 2])
@pytest.mark.parametrize(("name", "accumulation"), [("alpha", 1), ("grpo-trl", 2), ("alpha-dpg", 2)])
def test_two_processes(name, accumulation, iterations, tmp_path, record_error):
    """gloo: a group of four lies across two processes; every rank has the gradient of all rows."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    settings = [name, str(accumulation), str(iterations), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, str(HERE / "one_rank.py"), *settings], env=environment, capture_output=True, text=True, timeout=600
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in (0, 1)]
    assert ranks[0]["logged"] == ranks[1]["logged"]
    assert ranks[0]["across"]
    for one, other in zip(*(rank["run"].steps for rank in ranks), strict=True):
        one.rows = one.rows + other.rows
        for key, value in one.gradient.items():
            assert torch.equal(value, other.gradient[key])
    record_error("TRL, two processes", check(ranks[0]["run"], name, steps=2))
