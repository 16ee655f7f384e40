"""Arrays of every layout, precision and library mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pstar

DRAWS = np.random.default_rng(3)
N, T = 6, 5
LENGTHS = np.array([5, 1, 3, 0, 4, 2])
MASK = np.arange(T) < LENGTHS[:, None]
# What half precision holds, so that all hold the same.
LOGS = {name: -(DRAWS.integers(1, 200, (N, T)) / 64.0) for name in ("log_probs", "behaviour_log_probs", "base_log_probs")}
REST = {"rewards": [1, 0, 1, 0, 0, 1], "groups": [2, 0, 2, 0, 2, 0]}


def asked(objective: str = "grpo", **change: Any) -> np.ndarray:
    return pstar.Objective(objective).coefficients(**({**REST, **LOGS, "mask": MASK} | change)).values


EXPECTED = asked()


def test_what_is_expected_is_not_symmetric() -> None:
    """Transposed, or with rows exchanged, it would be something else."""
    assert len(np.unique(EXPECTED[MASK])) > 10


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(">f8"),
        lambda x: x.astype(">f4"),
        lambda x: np.asfortranarray(x.astype(np.float32)),
        lambda x: x.astype(np.longdouble),
        lambda x: x.tolist(),
        lambda x: [list(row) for row in x],
        lambda x: memoryview(np.ascontiguousarray(x)),
    ],
)
def test_layouts_and_precisions(layout: Any) -> None:
    assert np.array_equal(asked(**{name: layout(values) for name, values in LOGS.items()}), EXPECTED)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_masks(dtype: Any, order: Any) -> None:
    assert np.array_equal(asked(mask=MASK.astype(dtype, order=order)), EXPECTED)
    assert np.array_equal(asked(mask=None, lengths=LENGTHS.astype(dtype if dtype in (np.uint8, np.int64) else np.int32)), EXPECTED)


def test_a_truth_value_is_any_byte_but_0() -> None:
    assert np.array_equal(asked(mask=(MASK.astype(np.uint8) * 7).view(np.bool_)), EXPECTED)


def test_ragged_in_and_out_of_order() -> None:
    ragged = {name: values[MASK] for name, values in LOGS.items()}
    assert np.array_equal(asked(**ragged, mask=None, lengths=LENGTHS), EXPECTED[MASK])
    order = np.argsort(REST["groups"], kind="stable")
    by_group = {name: np.concatenate([values[i, : LENGTHS[i]] for i in order]) for name, values in LOGS.items()}
    rest = {name: np.array(values)[order] for name, values in REST.items()}
    found = asked(**by_group, **rest, mask=None, lengths=LENGTHS[order])
    assert np.array_equal(found, np.concatenate([EXPECTED[i, : LENGTHS[i]] for i in order]))


class Tensor:
    """What the package uses of a tensor of torch, on a device, with a gradient, of a type that numpy has not."""

    def __init__(self, values: np.ndarray, dtype: str) -> None:
        self.values, self.dtype, self.places = values, dtype, ["device", "graph"]

    def detach(self) -> Tensor:
        self.places.remove("graph")
        return self

    def cpu(self) -> Tensor:
        self.places.remove("device")
        return self

    def float(self) -> Tensor:
        self.dtype, self.values = "torch.float32", self.values.astype(np.float32)
        return self

    def numpy(self) -> np.ndarray:
        assert not self.places and self.dtype != "torch.bfloat16"
        return self.values

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


@pytest.mark.parametrize("dtype", ["torch.bfloat16", "torch.float32"])
def test_tensors(dtype: str) -> None:
    rest = {"rewards": Tensor(np.array(REST["rewards"]), "torch.int64"), "groups": Tensor(np.array(REST["groups"]), "torch.int64")}
    logs = {name: Tensor(values, dtype) for name, values in LOGS.items()}
    assert np.array_equal(asked(**logs, **rest, mask=Tensor(MASK, "torch.bool")), EXPECTED)


def test_arrays_are_read_and_not_written() -> None:
    kept = {name: values.copy() for name, values in LOGS.items()}
    for values in LOGS.values():
        values.flags.writeable = False
    found = asked()
    assert all(np.array_equal(LOGS[name], values) for name, values in kept.items())
    found[0, 0] = 5.0
    assert np.array_equal(asked(), EXPECTED)


def test_outcomes_may_be_numbers_texts_or_tokens() -> None:
    answers = [3, 3, 3, 4, 5, 5]
    tokens = np.zeros((N, T), np.int64)
    tokens[:, 0] = answers
    # Tokens behind a sequence are none of its answer; the shortest has one.
    longer = np.maximum(LENGTHS, 1)
    behind = np.arange(T) >= longer[:, None]
    tokens[behind] = DRAWS.integers(6, 99, behind.sum())
    rest = {"rewards": [1, 1, 1, 0, 0, 1], "groups": [0] * N, "mask": ~behind}
    forms = [answers, np.array(answers, np.int32), list("cccdee"), np.array(list("cccdee")), [(a,) for a in answers]]
    found = [asked("uniqueness-aware", outcomes=form, **rest) for form in forms]
    assert all(np.array_equal(values, found[0]) for values in found)
    assert not np.array_equal(found[0], asked("uniqueness-aware", outcomes=range(N), **rest))
    # Responses of tokens: one of another length is another answer, whatever stands behind it.
    rest["mask"] = np.arange(T) < np.array([1, 1, 2, 1, 1, 1])[:, None]
    by_tokens = asked("uniqueness-aware", outcomes=tokens, **rest)
    assert np.array_equal(by_tokens, asked("uniqueness-aware", outcomes=[3, 3, 30, 4, 5, 5], **rest))
    rows = [row[:length] for row, length in zip(tokens, rest["mask"].sum(axis=1))]
    assert np.array_equal(by_tokens, asked("uniqueness-aware", outcomes=rows, **rest))


def test_groups_that_are_not_updated_have_no_coefficients() -> None:
    ragged = {name: values[MASK] for name, values in LOGS.items()}
    # Rows and tokens: of group 2 three rows of 12 tokens, of group 0 three of 3, of all six of 15. A mean over tokens is one
    # over those that are updated: c relative to 1/N of their sequences holds N/(number of tokens).
    for objective, of_2, of_0 in (("rloo", 1, 1), ("dapo", (3 / 12) / (6 / 15), (3 / 3) / (6 / 15))):
        whole = asked(objective)
        for now, share, rows in (([2], of_2, [0, 2, 4]), ({0}, of_0, [1, 3, 5]), (np.array([True, False] * 3), of_2, [0, 2, 4])):
            found = asked(objective, updated=now)
            assert found[rows].any() and np.allclose(found[rows], whole[rows] * share, rtol=1e-14, atol=0)
            assert not np.delete(found, rows, axis=0).any()
            same = asked(objective, **ragged, mask=None, lengths=LENGTHS, updated=now)
            assert np.array_equal(same, found[MASK])
    assert not asked("dapo", updated=[]).any()


def test_the_entropy_s_part_is_told() -> None:
    batch = {**REST, **LOGS, "mask": MASK}
    exact = {"entropy": {"coefficient": 0.25, "form": "Exact"}}
    found = pstar.Objective("policy-gradient", exact).coefficients(**batch)
    assert found.entropy is not None and found.entropy.shape == (N, T)
    assert (found.entropy[MASK] == 0.25).all() and not found.entropy[~MASK].any()
    assert pstar.Objective("policy-gradient").coefficients(**batch).entropy is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 0)])
def test_thin_batches(shape: tuple[int, int]) -> None:
    n, t = shape
    found = pstar.Objective("reinforce", {"baseline": "None"}).coefficients(
        rewards=np.ones(n), groups=np.zeros(n, int), log_probs=np.full(shape, -0.5), mask=np.ones(shape, bool)
    )
    assert found.values.tolist() == np.ones(shape).tolist()
