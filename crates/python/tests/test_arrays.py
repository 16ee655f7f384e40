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
        lambda x: np.asmatrix(x),
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
    answers = [3, 3, 3, 4, 5, 4]
    tokens = np.zeros((N, T), np.int64)
    tokens[:, 0] = answers
    # Tokens behind a sequence are none of its answer; the first is of every one but that of length 0.
    longer = np.maximum(LENGTHS, 1)
    tokens[np.arange(T) >= longer[:, None]] = DRAWS.integers(0, 99, (np.arange(T) >= longer[:, None]).sum())
    mask = np.arange(T) < longer[:, None]
    forms = [answers, np.array(answers, np.int32), list("cccded"), np.array(list("cccded")), [(a,) for a in answers]]
    found = [asked("cue-grpo", outcomes=form, mask=mask) for form in [*forms, tokens]]
    assert all(np.array_equal(values, found[0]) for values in found)
    assert not np.array_equal(found[0], asked("cue-grpo", outcomes=range(N), mask=mask))


def test_groups_that_are_not_updated_have_no_coefficients() -> None:
    whole = asked("dapo")
    for now, rows in (([2], [0, 2, 4]), ({0}, [1, 3, 5]), (np.array([True, False] * 3), [0, 2, 4])):
        found = asked("dapo", updated=now)
        assert np.array_equal(found[rows], whole[rows]) and found[rows].any()
        others = [i for i in range(N) if i not in rows]
        assert not found[others].any()
    ragged = {name: values[MASK] for name, values in LOGS.items()}
    found = asked("dapo", **ragged, mask=None, lengths=LENGTHS, updated=[2])
    assert np.array_equal(found, np.where(np.isin(REST["groups"], [2])[:, None], whole, 0)[MASK])


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
