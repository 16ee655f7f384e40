"""Gradients of verl's own functions with an objective against those by hand."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import batches
import by_hand
import numpy as np
import pytest
import torch
from objectives import OBJECTIVES, WEIGHTED, asks, objective
from tiny import copied, model

import pstar

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import verl
    from verl import DataProto
    from verl.trainer.ppo import core_algos, ray_trainer

import pstar.verl
from pstar.verl import HostError


@pytest.fixture(autouse=True)
def forget():
    """No objective is left from another test."""
    yield
    pstar.verl.use(None)


def data_of(rows, policy, behaviour, base, reward=None):
    """A batch as verl's trainer has it when advantages are asked for."""
    ids, mask = batches.padded(rows)
    rewards = torch.zeros(mask.shape, dtype=torch.float32)
    for number, row in enumerate(rows):
        rewards[number, len(row.tokens) - 1] = row.reward if reward is None else reward
    with torch.no_grad():
        tensors = {
            "responses": ids,
            "response_mask": mask,
            "token_level_rewards": rewards,
            "old_log_probs": batches.padded_log_probs(policy, rows),
            "ref_log_prob": batches.padded_log_probs(base, rows),
        }
        if behaviour is not None:
            tensors["rollout_log_probs"] = batches.padded_log_probs(behaviour, rows)
    # Prompts are named, and rows of a group need not stand together.
    return DataProto.from_dict(tensors, non_tensors={"uid": np.array([f"prompt {row.group}" for row in rows], object)})


def actor(rows, **changed):
    """What the policy loss reads of the actor's configuration."""
    info = {"dp_size": 1, "batch_num_tokens": sum(len(row.tokens) for row in rows), "global_batch_size": len(rows)}
    values = {"global_batch_info": {**info, "loss_scale_factor": 7}, "ppo_epochs": 1, **changed}
    return SimpleNamespace(**values, get=values.get)


def gradient_of(policy, rows, data, size, config=None, mode="token-mean", name="pstar"):
    """Micro-batches of `size` rows through a policy loss."""
    policy.zero_grad()
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        log_prob = batches.padded_log_probs(policy, rows)[part]
        fields = {name: data.batch[name][part] for name in ("old_log_probs", "advantages", "response_mask")}
        loss, _ = core_algos.get_policy_loss_fn(name)(
            old_log_prob=fields["old_log_probs"],
            log_prob=log_prob,
            advantages=fields["advantages"],
            response_mask=fields["response_mask"].bool(),
            loss_agg_mode=mode,
            config=config or actor(rows),
        )
        loss.backward()
    return {name: value.grad.clone() for name, value in policy.named_parameters()}


def models(kind, dtype, off_policy):
    policy, base = model(kind, 11, dtype), model(kind, 12, dtype)
    return policy, model(kind, 13, dtype) if off_policy else None, base


def expected_of(name, rows, policy, behaviour, base):
    double = copied(policy)
    q = by_hand.scored(double, rows)
    b = by_hand.scored(copied(behaviour), rows) if behaviour is not None else q
    return by_hand.gradient(double, rows, asks(name)(rows, q, b, by_hand.scored(copied(base), rows))), by_hand.longest(
        q
    )


@pytest.mark.parametrize("off_policy", [False, True], ids=["on-policy", "off-policy"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients(name, size, dtype, off_policy, record_error):
    for seed in range(3):
        rows = batches.rows(seed)
        rows = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
        policy, behaviour, base = models("gpt2", dtype, off_policy)
        data = data_of(rows, policy, behaviour, base)
        pstar.verl.use(objective(name))
        data = ray_trainer.compute_advantage(data, "pstar")
        mode = ("token-mean", "seq-mean-token-mean", "seq-mean-token-sum-norm")[seed]
        found = gradient_of(policy, rows, data, size, mode=mode)
        expected, longest = expected_of(name, rows, policy, behaviour, base)
        error = by_hand.error(found, expected)
        double = dtype == torch.float64
        assert error <= (1e-12 if double else 1e-6 * (1 + longest) if off_policy or name in WEIGHTED else 1e-6)
        record_error(f"verl, {'off' if off_policy else 'on'}-policy, {'float64' if double else 'float32'}", error)


def test_the_name_is_registered_and_the_trainer_wrapped():
    assert ray_trainer.compute_advantage.pstar
    assert core_algos.get_adv_estimator_fn("pstar") is pstar.verl.estimator


def test_other_estimators_are_verls():
    rows = batches.rows(0)
    data = data_of(rows, *models("gpt2", torch.float32, False))
    found = ray_trainer.compute_advantage(data, core_algos.AdvantageEstimator.GRPO).batch["advantages"]
    expected, _ = core_algos.compute_grpo_outcome_advantage(
        data.batch["token_level_rewards"], data.batch["response_mask"], data.non_tensor_batch["uid"]
    )
    assert torch.equal(found, expected)


def whole(**changed):
    """The configuration of a run, as OmegaConf has it."""
    from omegaconf import OmegaConf

    actor = {"ppo_mini_batch_size": 4, "ppo_epochs": 1, "policy_loss": {"loss_mode": "pstar"}, "entropy_coeff": 0}
    actor |= {"use_kl_loss": True, "kl_loss_coef": 0.0}
    settings = {
        "algorithm": {"adv_estimator": "pstar", "pstar": {"objective": "alpha-dpg", "config": "(alpha: 0.5)"}},
        "actor_rollout_ref": {"actor": {**actor, **changed}, "rollout": {"n": 4}},
    }
    return OmegaConf.create(settings).algorithm


def test_the_configuration_names_the_objective():
    rows = batches.rows(0)
    three = models("gpt2", torch.float64, False)
    data = ray_trainer.compute_advantage(data_of(rows, *three), "pstar", config=whole())
    expected, _ = expected_of("alpha-dpg", rows, *three)
    assert by_hand.error(gradient_of(three[0], rows, data, 4), expected) <= 1e-12


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ppo_epochs": 2}, "ppo_epochs"),
        ({"ppo_mini_batch_size": 2}, "one update a batch"),
        ({"entropy_coeff": 0.01}, "entropy_coeff"),
        ({"kl_loss_coef": 0.001}, "kl_loss_coef"),
        ({"policy_loss": {"loss_mode": "vanilla"}}, "loss_mode"),
    ],
)
def test_settings_that_change_the_loss_are_refused(changed, told):
    data = data_of(batches.rows(0), *models("gpt2", torch.float32, False))
    with pytest.raises(HostError, match=told):
        ray_trainer.compute_advantage(data, "pstar", config=whole(**changed))


@pytest.mark.parametrize("reward", [0.5, float("nan"), -1.0])
def test_other_rewards_than_verdicts_are_refused(reward):
    pstar.verl.use(objective("reinforce-loo"))
    data = data_of(batches.rows(0), *models("gpt2", torch.float32, False), reward=reward)
    with pytest.raises(HostError, match="reward of row 0"):
        ray_trainer.compute_advantage(data, "pstar")


def test_batches_that_cannot_be_asked_about_are_refused():
    rows = batches.rows(0)
    three = models("gpt2", torch.float32, False)
    with pytest.raises(HostError, match="no objective"):
        ray_trainer.compute_advantage(data_of(rows, *three), "pstar")
    pstar.verl.use(objective("alpha-dpg"))
    data = data_of(rows, *three)
    del data.non_tensor_batch["uid"]
    with pytest.raises(HostError, match="uid"):
        ray_trainer.compute_advantage(data, "pstar")
    data = data_of(rows, *three)
    data.batch["rollout_is_weights"] = torch.ones_like(data.batch["old_log_probs"])
    with pytest.raises(HostError, match="rollout_correction"):
        ray_trainer.compute_advantage(data, "pstar")
    data = data_of(rows, *three)
    data.batch["response_mask"][0, 0] = 0
    with pytest.raises(HostError, match="holes"):
        ray_trainer.compute_advantage(data, "pstar")
    with pytest.raises(HostError, match="no log-probabilities"):
        core_algos.get_adv_estimator_fn("pstar")(token_level_rewards=None, response_mask=None)


def test_the_loss_needs_the_size_of_the_whole_batch():
    rows = batches.rows(0)
    pstar.verl.use(objective("reinforce-loo"))
    three = models("gpt2", torch.float32, False)
    data = ray_trainer.compute_advantage(data_of(rows, *three), "pstar")
    with pytest.raises(HostError, match="global_batch_size"):
        gradient_of(three[0], rows, data, 4, actor(rows, global_batch_info={"dp_size": 1}))
    with pytest.raises(HostError, match="ppo_epochs"):
        gradient_of(three[0], rows, data, 4, actor(rows, ppo_epochs=2))


def test_padding_rows_are_left_out():
    rows = batches.rows(0)
    pstar.verl.use(objective("grpo-trl"))
    three = models("gpt2", torch.float64, False)
    data = data_of(rows, *three)
    more = DataProto.concat([data, data.select_idxs([0])])
    more.batch["response_mask"][-1] = 0
    plain = ray_trainer.compute_advantage(data, "pstar").batch["advantages"]
    found = ray_trainer.compute_advantage(more, "pstar").batch["advantages"]
    assert torch.equal(found[:-1], plain)
    assert not found[-1].any()


def test_prompts_keep_their_numbers():
    """By tokens where the batch has them, though `uid` is another in every batch."""
    asked = []

    class Listening:
        def coefficients(self, *, groups, mask, **_):
            asked.append(groups.tolist())
            return SimpleNamespace(values=np.zeros(mask.shape), diagnostics={})

    pstar.verl.use(Listening())
    rows = batches.rows(0)
    for again in (0, 1):
        data = data_of(rows, *models("gpt2", torch.float32, False))
        data.batch["prompts"] = torch.tensor([row.prompt for row in rows])
        data.non_tensor_batch["uid"] = np.array([f"{again} {row.group}" for row in rows], object)
        ray_trainer.compute_advantage(data, "pstar")
    assert asked[0] == asked[1]
    assert len(set(asked[0])) == 4


def test_a_failure_of_registering_is_kept(monkeypatch):
    monkeypatch.setattr(verl, "__version__", "0.10.0")
    monkeypatch.setattr(pstar.verl, "_failure", None)
    pstar.verl._register()
    with pytest.raises(HostError, match=r"verl 0\.10\.0 is not known.*Known: 0\.9\.1"):
        core_algos.get_adv_estimator_fn("pstar")()
    with pytest.raises(HostError, match="not known"):
        core_algos.get_policy_loss_fn("pstar")(None, None, None, None)
