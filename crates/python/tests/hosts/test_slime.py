"""Lists as slime hands them to a custom advantage function. slime itself is not here: its loss is written out."""

from __future__ import annotations

from types import SimpleNamespace

import batches
import by_hand
import numpy as np
import pytest
import torch
from objectives import OBJECTIVES, WEIGHTED, asks, objective
from tiny import copied, model

import pstar.slime
from pstar.slime import HostError


def arguments(**changed):
    """slime's arguments, as far as they are read."""
    return SimpleNamespace(**{"n_samples_per_prompt": 4, "rollout_batch_size": 4, "global_batch_size": 16, **changed})


def data_of(rows, q, b=None, a=None, **changed):
    """Lists with an entry a row."""
    data = {
        "rewards": [row.reward for row in rows],
        "log_probs": [torch.from_numpy(values).float() for values in q],
        "response_lengths": [len(row.tokens) for row in rows],
        "sample_indices": list(range(len(rows))),
        "loss_masks": [torch.ones(len(row.tokens), dtype=torch.int) for row in rows],
        "truncated": [0] * len(rows),
    }
    data |= {} if b is None else {"rollout_log_probs": [torch.from_numpy(values).float() for values in b]}
    data |= {} if a is None else {"ref_log_probs": [torch.from_numpy(values).float() for values in a]}
    return data | changed


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients(name, record_error):
    rows = batches.rows(1)
    policy = model("gpt2", 11)
    double = copied(policy)
    q, a = by_hand.scored(double, rows), by_hand.scored(copied(model("gpt2", 12)), rows)
    data = data_of(rows, q, a=a)
    pstar.slime.advantages(objective(name))(arguments(rollout_max_response_len=10), data)
    # slime's policy loss before the first update: the mean over rows of means over tokens of ratio times advantage.
    loss = torch.zeros(())
    for row, advantages in zip(rows, data["advantages"], strict=True):
        now = by_hand.log_probs(policy, row)
        loss = loss - (torch.exp(now - now.detach()) * advantages).mean() / len(rows)
    loss.backward()
    gradient = {key: value.grad for key, value in policy.named_parameters()}
    error = by_hand.error(gradient, by_hand.gradient(double, rows, asks(name)(rows, q, q, a)))
    assert error <= (1e-6 * (1 + by_hand.longest(q)) if name in WEIGHTED else 1e-6)
    record_error("slime's arithmetic, on-policy, float32", error)
    assert len(data["returns"]) == len(rows)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"normalize_advantages": True}, "normalize_advantages"),
        ({"calculate_per_token_loss": True}, "calculate_per_token_loss"),
        ({"kl_coef": 0.1}, "kl_coef"),
        ({"use_kl_loss": True, "kl_loss_coef": 0.1}, "kl_loss_coef"),
        ({"entropy_coef": 0.1}, "entropy_coef"),
        ({"global_batch_size": 8}, "one update"),
        ({"data_parallel_size": 2}, "per_rank"),
        ({"n_samples_per_prompt": 3, "global_batch_size": 12}, "expected 3"),
    ],
)
def test_settings_are_refused(changed, told):
    rows = batches.rows(1)
    q = by_hand.scored(copied(model("gpt2", 11)), rows)
    with pytest.raises(HostError, match=told):
        pstar.slime.advantages(objective("reinforce-loo"))(arguments(**changed), data_of(rows, q))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rewards": [0.5] * 16}, "disable-rewards-normalization"),
        ({"log_probs": None}, "no `log_probs`"),
        ({"rewards": [1.0] * 15}, "15 rows, expected 16"),
        ({"loss_masks": [torch.zeros(1)] * 16}, "leaves out tokens"),
    ],
)
def test_batches_are_refused(changed, told):
    rows = batches.rows(1)
    q = by_hand.scored(copied(model("gpt2", 11)), rows)
    with pytest.raises(HostError, match=told):
        pstar.slime.advantages(objective("reinforce-loo"))(arguments(), data_of(rows, q, **changed))


def test_arrays_do_as_well_as_tensors():
    rows = batches.rows(1)
    q = by_hand.scored(copied(model("gpt2", 11)), rows)
    data = data_of(rows, q, log_probs=[values.astype(np.float32) for values in q])
    pstar.slime.advantages(objective("reinforce-loo"), per_rank=True)(arguments(data_parallel_size=2), data)
    assert all(isinstance(row, np.ndarray) for row in data["advantages"])
