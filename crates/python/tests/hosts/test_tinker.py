"""The weights that tinker's client makes of an objective, and their gradient, against those by hand."""

from __future__ import annotations

from types import SimpleNamespace

import batches
import by_hand
import numpy as np
import pytest
import tinker
import torch
from objectives import OBJECTIVES, WEIGHTED, asks, objective
from tiny import copied, model
from tinker.lib.public_interfaces.training_client import TrainingClient

import pstar.tinker
from pstar.tinker import HostError


def datum(row, policy=None, behaviour=None, base=None, **changed):
    """A row as tinker takes it: the prompt is scored too."""
    tokens = row.prompt + row.tokens
    before = len(row.prompt) - 1

    def column(scored):
        return np.concatenate([np.full(before, -9.0), scored]).astype(np.float32)

    inputs = {
        "target_tokens": np.array(tokens[1:]),
        "mask": np.concatenate([np.zeros(before), np.ones(len(row.tokens))]).astype(np.float32),
        "reward": np.array([row.reward], np.float32),
        "group": np.array([row.group]),
    }
    inputs |= {} if behaviour is None else {"log_b": column(behaviour)}
    inputs |= {} if base is None else {"log_a": column(base)}
    inputs |= changed
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={name: value for name, value in inputs.items() if value is not None},
    )


def outputs(policy, rows):
    """What the server answers: log-probabilities of all tokens but the first, in float32."""
    answer = []
    for row in rows:
        tokens = torch.tensor([row.prompt + row.tokens])
        every = torch.log_softmax(policy(tokens).logits[0, :-1], dim=-1)
        answer.append(every.gather(1, tokens[0, 1:, None]).squeeze(1))
    return answer


def weights_of(data, scored, loss):
    """The weights that the client sends, by its own code."""
    sent = [{"logprobs": tinker.TensorData.from_torch(values.detach().float())} for values in scored]
    made = TrainingClient._compute_custom_loss(data, loss, SimpleNamespace(loss_fn_outputs=sent))
    found = next(getattr(made, name) for name in ("data", "linear_loss_data") if hasattr(made, name))
    return [row.loss_fn_inputs["weights"].to_torch() for row in found], made


@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients(name, off_policy, record_error):
    for seed in range(3):
        rows = batches.rows(seed)
        policy, base = model("gpt2", 11), model("gpt2", 12)
        double = copied(policy)
        q, a = by_hand.scored(double, rows), by_hand.scored(copied(base), rows)
        b = by_hand.scored(copied(model("gpt2", 13)), rows) if off_policy else None
        data = [datum(row, None, None if b is None else b[at], a[at]) for at, row in enumerate(rows)]
        scored = outputs(policy, rows)
        found, _ = weights_of(data, scored, pstar.tinker.loss(objective(name), group_size=4, horizon=10))
        policy.zero_grad()
        (-sum((weights * values).sum() for weights, values in zip(found, scored, strict=True))).backward()
        gradient = {key: value.grad for key, value in policy.named_parameters()}
        expected = by_hand.gradient(double, rows, asks(name)(rows, q, q if b is None else b, a))
        error = by_hand.error(gradient, expected)
        assert error <= (1e-6 * (1 + by_hand.longest(q)) if off_policy or name in WEIGHTED else 1e-6)
        record_error(f"tinker, {'off' if off_policy else 'on'}-policy, float32", error)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_weights_are_the_coefficients_over_the_rows(name):
    rows = batches.rows(5)
    policy = model("gpt2", 11)
    a = [values.astype(np.float32) for values in by_hand.scored(copied(model("gpt2", 12)), rows)]
    scored = outputs(policy, rows)
    found, _ = weights_of(
        [datum(row, base=a[at]) for at, row in enumerate(rows)], scored, pstar.tinker.loss(objective(name))
    )
    q = [values.detach().double().numpy()[len(row.prompt) - 1 :] for row, values in zip(rows, scored, strict=True)]
    plugin, config, _ = OBJECTIVES[name]
    expected = by_hand.Asks(plugin, config)(rows, q, q, [values.astype(np.float64) for values in a])
    for row, weights, c in zip(rows, found, expected, strict=True):
        before = len(row.prompt) - 1
        assert not weights[:before].any()
        assert torch.equal(weights[before:], torch.from_numpy((c / len(rows)).astype(np.float32)))


def test_half_precision_is_asked_in_double():
    rows = batches.rows(0)
    scored = [values.detach().bfloat16().requires_grad_() for values in outputs(model("gpt2", 11), rows)]
    loss, _ = pstar.tinker.loss(objective("reinforce-loo"))([datum(row) for row in rows], scored)
    loss.backward()
    assert all(values.grad is not None for values in scored)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reward": np.array([0.5], np.float32)}, "reward of row 0 in this batch is 0.5"),
        ({"reward": np.array([np.nan], np.float32)}, "None or NaN"),
        ({"mask": None}, "row 0 lacks `mask`"),
        ({"group": None}, "row 0 lacks `group`"),
        ({"mask": np.array([1.0, 0.0, 1.0] + [0.0] * 20, np.float32)}, "numbers, expected"),
        ({"group": np.array([1, 2])}, "2 numbers, expected 1"),
    ],
)
def test_rows_that_cannot_be_asked_about_are_refused(changed, told):
    rows = batches.rows(0)
    data = [datum(row, **(changed if at == 0 else {})) for at, row in enumerate(rows)]
    with pytest.raises(HostError, match=told):
        pstar.tinker.loss(objective("reinforce-loo"))(data, outputs(model("gpt2", 11), rows))


def test_what_is_missing_or_does_not_fit_is_refused():
    rows = batches.rows(0)
    scored = outputs(model("gpt2", 11), rows)
    holes = datum(rows[0])
    mask = holes.loss_fn_inputs["mask"].to_numpy().copy()
    mask[:] = 0
    mask[[0, -1]] = 1
    data = [datum(rows[0], mask=mask)] + [datum(row) for row in rows[1:]]
    with pytest.raises(HostError, match="holes"):
        pstar.tinker.loss(objective("reinforce-loo"))(data, scored)
    with pytest.raises(HostError, match="row 1 lacks `log_a`"):
        some = [datum(row, base=np.zeros(len(row.tokens)) if at == 0 else None) for at, row in enumerate(rows)]
        pstar.tinker.loss(objective("alpha-dpg"))(some, scored)
    with pytest.raises(HostError, match="at most 0"):
        some = [datum(row, base=np.full(len(row.tokens), 0.5)) for row in rows]
        pstar.tinker.loss(objective("alpha-dpg"))(some, scored)
    with pytest.raises(HostError, match="group 0 in this batch has 4 rows, expected 5"):
        pstar.tinker.loss(objective("reinforce-loo"), group_size=5)([datum(row) for row in rows], scored)
    with pytest.raises(pstar.PstarError, match="base"):
        pstar.tinker.loss(objective("alpha-dpg"))([datum(row) for row in rows], scored)
    with pytest.raises(HostError, match="found the text 'rloo'"):
        pstar.tinker.loss("rloo")
