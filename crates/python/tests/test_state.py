"""What objectives learn is kept: by state, pickle, copies, and through failures."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import pstar

DRAWS = np.random.default_rng(11)
LEARNING = [
    ("curverl", "()"),
    ("alpha", "(alpha: 0.5, partition: Running)"),
    ("trajectory-balance", "(beta: 0.5)"),
    ("flow-rl", "()"),
]


def batch(seed: int) -> dict[str, Any]:
    draws = np.random.default_rng(seed)
    logs = {name: -draws.exponential(0.5, (12, 6)) for name in ("log_probs", "behaviour_log_probs", "base_log_probs")}
    mask = np.arange(6) < draws.integers(1, 7, 12)[:, None]
    return {**logs, "mask": mask, "rewards": draws.integers(0, 2, 12), "groups": np.repeat([5, 3, 8], 4)}


def answers(objective: pstar.Objective, seeds: range) -> list[bytes]:
    return [objective.coefficients(**batch(seed)).values.tobytes() for seed in seeds]


@pytest.mark.parametrize("name, config", LEARNING)
def test_what_is_kept_goes_on_with_the_same_bits(name: str, config: str) -> None:
    whole = pstar.Objective(name, config)
    first, rest = answers(whole, range(3)), answers(whole, range(3, 6))
    assert answers(pstar.Objective(name, config), range(3, 6)) != rest, "it learns nothing that matters here"
    begun = pstar.Objective(name, config)
    assert answers(begun, range(3)) == first
    restored = pstar.Objective(name, config)
    restored.restore(json.loads(json.dumps(begun.state)))
    copies = [pickle.loads(pickle.dumps(begun, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in [restored, copy.copy(begun), copy.deepcopy(begun), *copies]:
        assert other.state == begun.state
        assert (other.name, other.config, repr(other)) == (name, config, repr(begun))
        assert answers(other, range(3, 6)) == rest
    # A copy is one: what it learnt is its own.
    assert answers(begun, range(3, 6)) == rest


def test_batches_are_counted() -> None:
    objective = pstar.Objective("rloo")
    assert objective.state == {"step": 0, "learnt": ""}
    objective.coefficients(**batch(0))
    objective.coefficients(**batch(0), epoch=1)
    assert objective.state["step"] == 1
    objective.coefficients(**batch(1), step=7)
    assert objective.state["step"] == 8


def test_another_pass_teaches_nothing() -> None:
    objective = pstar.Objective("curverl")
    objective.coefficients(**batch(0))
    before = objective.state
    objective.coefficients(**batch(0), epoch=1)
    assert objective.state == before
    objective.coefficients(**batch(0))
    assert objective.state["learnt"] != before["learnt"]


@pytest.mark.parametrize("name, config", LEARNING)
def test_a_batch_that_fails_leaves_the_state(name: str, config: str) -> None:
    for begun in (0, 2):
        objective = pstar.Objective(name, config)
        answers(objective, range(begun))
        before = objective.state
        # Log-probabilities that are impossible under the policy have no finite coefficient.
        wrong = batch(9) | {"log_probs": np.full((12, 6), -np.inf)}
        try:
            objective.coefficients(**wrong)
        except pstar.PstarError:
            assert objective.state == before
        other = pstar.Objective(name, config)
        if objective.state == before:
            answers(other, range(begun))
            assert answers(objective, range(3, 5)) == answers(other, range(3, 5))


@pytest.mark.parametrize(
    "state, kind",
    [
        (None, TypeError),
        ({}, TypeError),
        ({"step": 0}, TypeError),
        ({"step": 0, "learnt": b""}, TypeError),
        ({"step": -1, "learnt": ""}, ValueError),
        ({"step": 0, "learnt": "(nonsense: 1)"}, ValueError),
        ({"step": 0, "learnt": "\0" * 100}, ValueError),
    ],
)
def test_what_is_no_state(state: Any, kind: type[Exception]) -> None:
    for name in ("rloo", "curverl"):
        objective = pstar.Objective(name)
        with pytest.raises(kind):
            objective.restore(state)
        assert objective.state == pstar.Objective(name).state


def test_threads_on_one_object() -> None:
    objective = pstar.Objective("alpha", {"alpha": 0.5, "partition": "Group"})
    expected = answers(objective, range(4))
    wrong: list[int] = []

    def ask(seed: int) -> None:
        for _ in range(200):
            if objective.coefficients(**batch(seed)).values.tobytes() != expected[seed]:
                wrong.append(seed)

    threads = [threading.Thread(target=ask, args=(i % 4,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert objective.state["step"] == 4 + 8 * 200


def test_the_lock_is_released() -> None:
    """Another thread counts while a call of 2 million tokens runs: with the lock held it would stand still."""
    objective = pstar.Objective("grpo")
    n, t = 1024, 2048
    logs = np.full((n, t), -0.5, np.float32)
    asked = {"rewards": np.arange(n) % 2, "groups": np.arange(n) // 8, "log_probs": logs, "base_log_probs": logs}
    counted, ended = [0], threading.Event()

    def count() -> None:
        while not ended.is_set():
            counted[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    before = counted[0]
    for _ in range(5):
        objective.coefficients(**asked, lengths=np.full(n, t))
    gained = counted[0] - before
    ended.set()
    counter.join()
    assert gained > 20_000, gained


def test_a_declaration_is_a_dict_of_its_own() -> None:
    objective = pstar.Objective("alpha", {"alpha": 0.5, "target": {"Power": 0.5}})
    declared = objective.declaration
    assert declared["base_log_probs"] is True and declared["power"] == 0.5 and declared["partition"] == "Welcome"
    assert declared["divergence"] == {"AlphaToPower": {"alpha": 0.5, "power": 0.5}}
    declared["base_log_probs"] = False
    assert objective.declaration["base_log_probs"] is True
    assert pstar.Objective("uniqueness-aware").declaration["outcomes"] is True
    assert pstar.Objective("rloo").declaration["minimum_group"] == 2
    assert pstar.Objective("grpo-trl").declaration["equal_lengths"] == {"BinaryGroup": {"group": 8}}
