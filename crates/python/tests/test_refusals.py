"""What is no batch is refused, with the argument, the sequence, and what was expected and found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pstar

GOOD: dict[str, Any] = {
    "rewards": [1, 0, 0],
    "groups": [0, 0, 1],
    "log_probs": np.array([[-0.5, -0.1, 0.0], [-0.7, -9.0, -9.0], [-0.3, -0.2, -0.1]]),
    "mask": np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], bool),
}
RAGGED: dict[str, Any] = {
    "rewards": [1, 0, 0],
    "groups": [0, 0, 1],
    "log_probs": [-0.5, -0.1, -0.7, -0.3, -0.2, -0.1],
    "lengths": [2, 1, 3],
}
NAN = float("nan")


def with_value(value: float, place: tuple[int, int]) -> np.ndarray:
    values = GOOD["log_probs"].copy()
    values[place] = value
    return values


VALUE, TYPE = pstar.BatchError, pstar.WrongTypeError
REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"rewards": [1, NAN, 0]}, VALUE, "sequence 1: `rewards` must be 0 or 1, found nan"),
    ({"rewards": [1, 0, 0.5]}, VALUE, "sequence 2: `rewards` must be 0 or 1, found 0.5"),
    ({"rewards": [2, -1, 0]}, VALUE, "sequence 0: `rewards` must be 0 or 1, found 2.0 (2 such of 3)"),
    ({"rewards": [1, None, 0]}, TYPE, "`rewards` must hold numbers, found objects such as 1"),
    ({"rewards": ["1", "0", "0"]}, TYPE, "`rewards` must hold numbers, found <U1"),
    ({"rewards": [1, 0]}, VALUE, "one for each of 3 sequences, found the shape (2,)"),
    ({"rewards": [[1, 0, 0]]}, VALUE, "found the shape (1, 3)"),
    ({"rewards": 1}, VALUE, "found the shape ()"),
    ({"groups": [0, 0, -1]}, VALUE, "sequence 2: `groups` must be from 0 to 4294967295, found -1"),
    ({"groups": [0, 2**32, 1]}, VALUE, "sequence 1: `groups` must be from 0 to 4294967295, found 4294967296"),
    ({"groups": [0, 0, 2**70]}, VALUE, f"sequence 2: `groups` must be from 0 to 4294967295, found {2**70}"),
    ({"groups": np.array([0, 0, 2**70], object)}, VALUE, f"`groups` holds the number {2**70}, which is too large"),
    ({"groups": [0.0, 0.0, 1.0]}, TYPE, "`groups` must hold whole numbers, found float64"),
    ({"groups": ["a", "a", "b"]}, TYPE, "np.unique(labels, return_inverse=True)[1] numbers labels"),
    ({"groups": np.array(["a", "a", "b"], object)}, TYPE, "found objects such as 'a'; np.unique(labels"),
    ({"groups": []}, VALUE, "the batch is empty"),
    ({"groups": [0, 0]}, VALUE, "`log_probs` has 3 rows of 3, expected one for each of 2 sequences"),
    ({"log_probs": GOOD["log_probs"][:, :, None]}, VALUE, "`log_probs` has the shape (3, 3, 1), expected N x T"),
    ({"log_probs": -0.5}, VALUE, "`log_probs` has the shape ()"),
    ({"log_probs": [[-1.0, -1.0, -1.0], [-1.0], [-1.0]]}, VALUE, "give np.concatenate(rows) and lengths="),
    ({"log_probs": GOOD["log_probs"].astype(complex)}, TYPE, "`log_probs` must hold real numbers, found complex128"),
    ({"log_probs": GOOD["mask"]}, TYPE, "`log_probs` must hold real numbers, found bool"),
    ({"log_probs": np.ma.masked_array(GOOD["log_probs"])}, TYPE, "`log_probs` is a masked array"),
    ({"log_probs": with_value(NAN, (2, 1))}, VALUE, "sequence 2, token 1: `log_probs` must hold natural logarithms"),
    ({"log_probs": with_value(0.7, (0, 1))}, VALUE, "sequence 0, token 1: `log_probs` must hold natural logarithms of "
     "probabilities, at most 0, found 0.7"),
    ({"log_probs": with_value(0.5, (0, 1)).astype(np.float32)}, VALUE, "at most 0, found 0.5"),
    ({"log_probs": with_value(float("inf"), (0, 0))}, VALUE, "sequence 0, token 0: `log_probs` must hold"),
    ({"base_log_probs": with_value(NAN, (1, 0))}, VALUE, "sequence 1, token 0: `base_log_probs` must hold"),
    ({"behaviour_log_probs": with_value(1, (1, 0))}, VALUE, "sequence 1, token 0: `behaviour_log_probs` must hold"),
    ({"base_log_probs": GOOD["log_probs"][:, :2]}, VALUE, "`base_log_probs` has the shape (3, 2), `log_probs` (3, 3)"),
    ({"behaviour_log_probs": [-1.0] * 6}, VALUE, "`behaviour_log_probs` has the shape (6,), `log_probs` (3, 3)"),
    ({"mask": [[1, 1, 0], [0, 1, 0], [1, 1, 1]]}, VALUE, "sequence 1: `mask` must be true for the first tokens of a row and false "
     "behind them, found it false at 0 and true at 1"),
    ({"mask": [[1, 0, 1], [1, 0, 0], [1, 1, 1]]}, VALUE, "sequence 0: `mask` must be true"),
    ({"mask": [[1, 2, 0], [1, 0, 0], [1, 1, 1]]}, VALUE, "`mask` must hold truth values, or 0 and 1, found 2 at [0, 1]"),
    ({"mask": [1, 1, 1]}, VALUE, "`mask` must be N x T, found the shape (3,)"),
    ({"mask": GOOD["mask"].T[:2].T}, VALUE, "`mask` has the shape (3, 2), `log_probs` (3, 3)"),
    ({"mask": None}, TYPE, "expected `mask` (N x T) or `lengths` (N numbers of tokens), found neither"),
    ({"lengths": [1, 1, 1]}, TYPE, "found both"),
    ({"mask": None, "lengths": [2, 4, 1]}, VALUE, "sequence 1: `lengths` says 4 tokens, a row of `log_probs` has 3"),
    ({"mask": None, "lengths": [2, -1, 1]}, VALUE, "sequence 1: `lengths` must be from 0 to"),
    ({"weights": [0.1, -0.1, 0.3]}, VALUE, "sequence 1: `weights` must be finite and at least 0, found -0.1"),
    ({"weights": [0.1, 0.1, NAN]}, VALUE, "sequence 2: `weights` must be finite"),
    ({"weights": [0.1]}, VALUE, "`weights` must be a row of numbers, one for each of 3 sequences"),
    ({"ended": [True, False, 3]}, VALUE, "`ended` must hold truth values, or 0 and 1, found 3 at [2]"),
    ({"ended": [True]}, VALUE, "`ended` must be a row of numbers, one for each of 3 sequences, found the shape (1,)"),
    ({"outcomes": [1, 2]}, VALUE, "one for each of 3 sequences"),
    ({"outcomes": ["a", "b"]}, VALUE, "`outcomes` has 2 answers, expected one for each of 3"),
    ({"outcomes": [1, 2, -3]}, VALUE, "sequence 2: `outcomes` must be from 0 to"),
    ({"outcomes": [{}, {}, {}]}, TYPE, "`outcomes` must be numbers, texts or rows of tokens"),
    ({"log_partition": [0.5]}, TYPE, "`log_partition` must be a dict from groups to logarithms, found list"),
    ({"log_partition": {0: 0.5}}, VALUE, "`log_partition` of group 0 must be a natural logarithm, at most 0.0, found 0.5"),
    ({"log_partition": {0: NAN}}, VALUE, "`log_partition` of group 0 must be"),
    ({"log_partition": {"0": -1.0}}, TYPE, "must be a whole number, found '0'"),
    ({"log_partition": {0: "x"}}, TYPE, "`log_partition` of group 0 must be a number, found 'x'"),
    ({"log_power_partition": {-1: 0.0}}, VALUE, "must be from 0 to 4294967295, found -1"),
    ({"horizon": -1}, VALUE, "`horizon` must be from 0"),
    ({"horizon": 1.5}, TYPE, "`horizon` must be a whole number, found 1.5"),
    ({"step": -1}, VALUE, "`step` must be from 0"),
    ({"step": 2**64}, VALUE, "`step` must be from 0"),
    ({"step": True}, TYPE, "`step` must be a whole number, found True"),
    ({"epoch": 2**32}, VALUE, "`epoch` must be from 0"),
    ({"seed": "x"}, TYPE, "`seed` must be a whole number, found 'x'"),
    ({"updated": [True, False, True]}, VALUE, "`updated` marks some sequences of group 0 and not others"),
    ({"updated": [True]}, VALUE, "`updated` must be a row of numbers, one for each of 3 sequences"),
    ({"updated": [0.5]}, TYPE, "`updated` must hold whole numbers"),
    ({"updated": [5]}, VALUE, "`updated` names group 5, of which there is no sequence"),
]


@pytest.mark.parametrize("change, kind, words", REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_is_no_batch_is_refused(change: dict[str, Any], kind: type[Exception], words: str) -> None:
    objective = pstar.Objective("curverl")
    before = objective.state
    with pytest.raises(kind) as refusal:
        objective.coefficients(**(GOOD | change))
    assert words in str(refusal.value)
    assert isinstance(refusal.value, pstar.PstarError)
    assert isinstance(refusal.value, ValueError if kind is VALUE else TypeError)
    assert objective.state == before


def test_a_good_batch_is_one() -> None:
    """The tests above differ from it in what they say alone."""
    padded = pstar.Objective("rloo").coefficients(**GOOD).values
    assert padded.tolist() == [[1, 1, 0], [-1, 0, 0], [0, 0, 0]]
    assert pstar.Objective("rloo").coefficients(**RAGGED).values.tolist() == [1, 1, -1, 0, 0, 0]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"lengths": [2, 1, 2]}, "`lengths` add up to 5 tokens, `log_probs` has 6"),
        ({"lengths": [2**63, 2**63, 6]}, "`lengths` add up to 18446744073709551622 tokens"),
        ({"lengths": [3, 3]}, "one for each of 3 sequences"),
        ({"lengths": None, "mask": GOOD["mask"]}, "`mask` is for N x T"),
    ],
)
def test_ragged_columns_that_lengths_do_not_divide(change: dict[str, Any], words: str) -> None:
    with pytest.raises(pstar.BatchError) as refusal:
        pstar.Objective("rloo").coefficients(**(RAGGED | change))
    assert words in str(refusal.value)


def test_what_rounding_leaves_above_0_is_taken() -> None:
    values = with_value(3e-6, (0, 1))
    assert pstar.Objective("rloo").coefficients(**(GOOD | {"log_probs": values})).values[0, 1] == 1
    impossible = with_value(-np.inf, (1, 0))
    assert pstar.Objective("rloo").coefficients(**(GOOD | {"log_probs": impossible})).values[1, 0] == -1


def test_what_the_objective_needs_is_said_before_it_is_asked() -> None:
    with pytest.raises(pstar.BatchError, match="objective `forward-kl` reads log-probabilities under the base model"):
        pstar.Objective("forward-kl").coefficients(**GOOD)
    with pytest.raises(pstar.BatchError, match="objective `cue-grpo` reads which answers are equal.*range.N. says that no two"):
        pstar.Objective("cue-grpo").coefficients(**GOOD)


def test_a_group_of_one_is_a_hint_and_no_nan() -> None:
    objective = pstar.Objective("alpha", "(alpha: 0.5, partition: Group)")
    with pytest.raises(pstar.BatchError, match="group"):
        objective.coefficients(**GOOD, base_log_probs=GOOD["log_probs"])


@pytest.mark.parametrize(
    "name, config, words",
    [
        ("gripo", "()", "help: did you mean `grpo`?"),
        ("grpo\n\x1b[31m", "()", "no loaded plugin offers the objective"),
        ("", "()", "no loaded plugin offers the objective"),
        ("regex", "()", "no loaded plugin offers the objective `regex`"),
        ("grpo", "(klip: None)", "klip"),
        ("grpo", "(", "the text ends before a bracket or quote is closed"),
        ("grpo", {"klip": None}, "klip"),
        ("grpo", {"baseline": "Meen"}, "Meen"),
        ("alpha", {"alpha": 1.5}, "`alpha` must be in"),
        ("alpha", "()", "alpha"),
    ],
)
def test_names_and_configurations(name: str, config: Any, words: str) -> None:
    with pytest.raises(pstar.ConfigError) as refusal:
        pstar.Objective(name, config)
    assert words in str(refusal.value) and isinstance(refusal.value, ValueError)
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize("arguments", [(None,), (3,), ("grpo", None), ("grpo", 3), ("grpo", b"()")])
def test_arguments_of_other_types(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        pstar.Objective(*arguments)


def test_folders_of_plugins(tmp_path: Any) -> None:
    with pytest.raises(TypeError, match="must be a list of folders"):
        pstar.Objective("rloo", plugin_dirs=str(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(pstar.PstarError, match="there is no file of a dynamic library"):
        pstar.Objective("rloo", plugin_dirs=[tmp_path])
