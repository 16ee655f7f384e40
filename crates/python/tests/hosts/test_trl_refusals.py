"""What the trainer refuses, what it warns of, what it logs and keeps."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trl
from objectives import objective
from tiny import model, tokenizer
from trl_rig import UNEQUAL, rewarded, settings, train

import pstar.trl
from pstar.trl import GRPOTrainer, HostError


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"beta": 0.04}, "`beta` is 0.04: a KL belongs to the objective"),
        ({"top_entropy_quantile": 0.5}, "`top_entropy_quantile` is 0.5"),
        ({"off_policy_mask_threshold": 0.1}, "`off_policy_mask_threshold`"),
        ({"entropy_coef": 0.01}, "`entropy_coef`"),
        ({"use_adaptive_entropy": True}, "`use_adaptive_entropy`"),
        ({"use_vllm": True}, "`vllm_importance_sampling_correction`"),
        ({"steps_per_generation": 4}, "`steps_per_generation` is 4: expected 2"),
        ({"steps_per_generation": 1}, "`steps_per_generation` is 1: expected 2"),
    ],
)
def test_settings_that_change_the_loss(changed, told):
    with pytest.raises(HostError, match=told):
        train(objective("reinforce-loo"), **changed)


@pytest.mark.parametrize(
    ("reward", "told"), [(0.5, "0.5"), (-1.0, "-1"), (None, "None or NaN"), (float("nan"), "None or NaN")]
)
def test_other_rewards_than_verdicts(reward, told):
    def odd(completion_ids, **_):
        return [1.0, *[reward] * (len(completion_ids) - 1)]

    with pytest.raises(HostError, match=f"row 1.*{told}|{told}.*row 1"):
        train(objective("reinforce-loo"), reward=odd)


def test_weighted_sums_of_several_rewards():
    def other(completion_ids, **_):
        return [0.0] * len(completion_ids)

    with pytest.raises(HostError, match="is 0.5.*weighted sum of the reward functions"):
        train(objective("reinforce-loo"), reward=[rewarded, other], reward_weights=[0.5, 0.5])
    run = train(objective("reinforce-loo"), reward=[rewarded, other], reward_weights=[1.0, 1.0])
    assert len(run.steps) == 2


def test_dropout():
    with pytest.raises(HostError, match=r"dropout is on \(.*attention_dropout = 0.1"):
        train(objective("reinforce-loo"), base=model("llama", 12), kind="llama", **_policy_with_dropout("llama"))
    with pytest.raises(HostError, match="dropout is on"):
        train(objective("reinforce-loo"), **_policy_with_dropout("gpt2"))
    run = train(objective("reinforce-loo"), disable_dropout=True, **_policy_with_dropout("gpt2"))
    assert len(run.steps) == 2


def _policy_with_dropout(kind):
    class Dropping(GRPOTrainer):
        def __init__(self, **keywords):
            super().__init__(**{**keywords, "model": model(kind, 11, dropout=0.1)})

    return {"trainer_class": Dropping}


def test_padding_before_prompts_with_learned_positions():
    with pytest.raises(HostError, match="absolute positions"):
        train(objective("reinforce-loo"), "gpt2", prompts=UNEQUAL)


def test_a_base_that_is_missing_or_the_policy_itself():
    policy = model("gpt2", 11)
    common = {"model": policy, "reward_funcs": rewarded, "args": settings(), "processing_class": tokenizer()}
    with pytest.raises(HostError, match="it would move with it"):
        GRPOTrainer(objective=objective("alpha-dpg"), base=policy, **common)
    with pytest.raises(HostError, match="expected an objective .* found the text 'rloo'"):
        GRPOTrainer(objective="rloo", **common)

    class Baseless(GRPOTrainer):
        def __init__(self, **keywords):
            super().__init__(**{**keywords, "base": None})

    with pytest.raises(pstar.PstarError, match="base"):
        train(objective("alpha-dpg"), trainer_class=Baseless)


def test_versions_and_signatures(monkeypatch):
    monkeypatch.setattr(trl, "__version__", "1.17.0")
    with pytest.raises(HostError, match=r"TRL 1\.17\.0 is not known.*Known: 1\.16"):
        pstar.trl.check_host()
    monkeypatch.setattr(trl, "__version__", "1.16.3")
    pstar.trl.check_host()
    monkeypatch.setattr(trl.GRPOTrainer, "_compute_loss", lambda self, model, inputs, more: None)
    with pytest.raises(HostError, match=r"takes \(self, model, inputs, more\), expected \(self, model, inputs\)"):
        pstar.trl.check_host()
    monkeypatch.delattr(trl.GRPOTrainer, "_compute_loss")
    with pytest.raises(HostError, match="has no `_compute_loss`"):
        pstar.trl.check_host()


def test_settings_without_effect_are_told():
    with pytest.warns(UserWarning, match="`loss_type`, `epsilon`, `scale_rewards` of TRL's own losses do nothing here"):
        pstar.trl.check_settings(settings(loss_type="dr_grpo", epsilon=0.1, scale_rewards="batch"))
    with pytest.warns(UserWarning, match="`top_p`.*another distribution"):
        pstar.trl.check_settings(settings(top_p=0.9))
    plain = settings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pstar.trl.check_settings(plain)


def test_evaluation_is_trls():
    run = train(
        objective("reinforce-loo"), evaluate=True, eval_strategy="steps", eval_steps=1, per_device_eval_batch_size=4
    )
    assert len(run.steps) == 2
    assert any("eval_reward" in line for line in run.logs)


def test_what_the_objective_reports_is_logged():
    run = train(objective("grpo-trl"))
    logged = [line["pstar/clipped_fraction"] for line in run.logs if "pstar/clipped_fraction" in line]
    assert logged == [0.0, 0.0]
    assert all("entropy" in line for line in run.logs if "loss" in line)


class Counting:
    """An objective in Python that learns: c is the number of batches that it saw."""

    name, config = "counting", "()"

    def __init__(self):
        self.state = {"batches": 0}
        self.asked = []
        self.groups = []

    def restore(self, state):
        self.state = state

    def coefficients(self, *, log_probs, mask, epoch, ended, horizon, rewards, groups, **_):
        self.state = {"batches": self.state["batches"] + 1}
        self.asked.append((epoch, horizon, len(rewards), mask.shape == log_probs.shape))
        self.groups.append(groups.tolist())
        batches = float(self.state["batches"])
        return SimpleNamespace(values=np.where(mask, batches, 0.0), diagnostics={"batches": batches})


def test_an_objective_learns_over_steps_and_from_checkpoints():
    counting = Counting()
    run = train(counting, num_iterations=2, max_steps=4, save_strategy="steps", save_steps=4)
    assert counting.asked == [(0, 10, 16, True), (1, 10, 16, True)] * 2
    assert [line["pstar/batches"] for line in run.logs if "pstar/batches" in line] == [1, 2, 3, 4]
    checkpoint = Path(run.trainer.args.output_dir) / "checkpoint-4"
    assert json.loads((checkpoint / pstar.trl.STATE).read_text())["state"] == {"batches": 4}
    again = train(Counting(), num_iterations=2, max_steps=6, resume=str(checkpoint))
    assert again.trainer.objective.state == {"batches": 6}
    # Prompts have the numbers that they had.
    known = run.trainer._pstar_prompts.known()
    assert again.trainer._pstar_prompts.known()[: len(known)] == known
    other = Counting()
    other.config = "(other: 1)"
    with pytest.raises(HostError, match="an objective of the config"):
        train(other, num_iterations=2, max_steps=6, resume=str(checkpoint))


def test_an_objective_knows_prompts_by_number():
    counting = Counting()
    run = train(counting, max_steps=6)
    prompts = {}
    for step, groups in zip(run.steps, counting.groups, strict=True):
        assert len(set(groups)) == 4
        for row, group in zip(step.rows, groups, strict=True):
            assert prompts.setdefault(group, row.prompt) == row.prompt
    # Six batches of four groups, of four prompts: they come back.
    assert len({tuple(prompt) for prompt in prompts.values()}) == 4
    assert len(prompts) < 24


def test_rows_of_another_prompt_in_a_group():
    made = trl.GRPOTrainer._get_train_sampler

    def one_off(self, dataset=None):
        order = list(made(self, dataset))
        return order[1:] + order[:1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trl.GRPOTrainer, "_get_train_sampler", one_off)
        with pytest.raises(HostError, match="answers another prompt than the others of its group"):
            train(objective("reinforce-loo"))


def test_coefficients_that_are_no_numbers():
    class Broken(Counting):
        def coefficients(self, *, mask, **_):
            return SimpleNamespace(values=np.full(mask.shape, np.nan), diagnostics={})

    with pytest.raises(HostError, match="no finite numbers"):
        train(Broken())


def test_tools_and_images_are_refused():
    class Tools(GRPOTrainer):
        def _pstar_check_positions(self, local):
            raise AssertionError("asked too late")

    made = trl.GRPOTrainer._generate_and_score_completions

    def with_tools(self, inputs):
        output = made(self, inputs)
        return {**output, "tool_mask": output["completion_mask"]}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trl.GRPOTrainer, "_generate_and_score_completions", with_tools)
        with pytest.raises(HostError, match="completions with tools are not supported"):
            train(objective("reinforce-loo"), trainer_class=Tools)
