"""The check of gradients bites: each of these mistakes, made on purpose, is an error far above the tolerance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from objectives import objective
from test_trl import errors
from trl_rig import train

import pstar.trl
from pstar.trl import GRPOTrainer


def worst(name: str, **settings) -> float:
    return max(error for error, _ in errors(train(objective(name), settings.pop("kind", "gpt2"), **settings), name))


def scaled(monkeypatch, factor):
    """The loss times a factor of the trainer and its inputs."""
    made = GRPOTrainer._compute_loss
    monkeypatch.setattr(
        GRPOTrainer, "_compute_loss", lambda self, model, inputs: made(self, model, inputs) * factor(self, inputs)
    )


def changed_question(monkeypatch, change):
    """Other columns in the question."""
    made = pstar.trl._host.ask
    monkeypatch.setattr(pstar.trl._host, "ask", lambda asked, **columns: made(asked, **change(columns)))


def test_without_a_mutation_the_errors_are_small():
    assert worst("reinforce-loo", num_iterations=2) < 1e-4


MUTATIONS = {
    "N of the micro-batch": lambda self, inputs: 2.0,
    "the micro-batch's tokens in place of N (bnpo)": lambda self, inputs: 16 / inputs["completion_mask"].sum(),
    "the longest completion in the denominator (dr_grpo)": lambda self, inputs: 1 / self.max_completion_length,
    "the batch's tokens in place of N (dapo)": lambda self, inputs: 16 / inputs["num_items_in_batch"],
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_another_denominator(mutation, monkeypatch):
    scaled(monkeypatch, MUTATIONS[mutation])
    assert worst("reinforce-loo") > 1e-2


def test_means_over_the_tokens_of_rows(monkeypatch):
    """loss_type grpo: each row divided by its length."""
    begin = GRPOTrainer._pstar_begin_step

    def mutated(self, samples):
        fresh = self._step % self.args.gradient_accumulation_steps == 0
        begin(self, samples)
        if fresh:
            lengths = samples.local["completion_mask"].sum(dim=1, keepdim=True)
            samples.coefficients = samples.coefficients / lengths

    monkeypatch.setattr(GRPOTrainer, "_pstar_begin_step", mutated)
    assert worst("reinforce-loo") > 1e-2


def test_log_b_for_log_q_in_the_second_pass(monkeypatch):
    changed_question(monkeypatch, lambda columns: {**columns, "log_probs": columns["behaviour_log_probs"]})
    assert worst("reinforce-loo", num_iterations=2) > 1e-2


def test_log_q_for_log_b_in_the_second_pass(monkeypatch):
    changed_question(monkeypatch, lambda columns: {**columns, "behaviour_log_probs": columns["log_probs"]})
    assert worst("reinforce-loo", num_iterations=2) > 1e-2


def test_coefficients_of_the_first_pass_in_the_second(monkeypatch):
    begin = GRPOTrainer._pstar_begin_step
    monkeypatch.setattr(
        GRPOTrainer, "_pstar_begin_step", lambda self, samples: None if samples.passes else begin(self, samples)
    )
    assert worst("reinforce-loo", num_iterations=2, gradient_accumulation_steps=1) > 1e-2


def test_rows_that_are_not_followed_through_the_shuffle(monkeypatch):
    made = GRPOTrainer._compute_loss

    def mutated(self, model, inputs):
        if self.model.training:
            rows = len(inputs["pstar_row"])
            first = rows * (self._step % self.args.gradient_accumulation_steps)
            inputs = {**inputs, "pstar_row": torch.arange(first, first + rows)}
        return made(self, model, inputs)

    monkeypatch.setattr(GRPOTrainer, "_compute_loss", mutated)
    assert worst("reinforce-loo") > 1e-2


def test_groups_of_the_next_prompt(monkeypatch):
    changed_question(monkeypatch, lambda columns: {**columns, "groups": _shifted(columns)})
    assert worst("reinforce-loo") > 1e-2


def _shifted(columns):
    groups = columns["groups"].copy()
    groups[1:] = columns["groups"][:-1]
    return groups


def test_prompts_that_are_numbered_anew_in_every_batch(monkeypatch):
    """`alpha` learns log Z of a prompt: from the second batch on it would take that of another."""
    changed_question(monkeypatch, lambda columns: {**columns, "groups": np.arange(16, dtype=np.uint32) // np.uint32(4)})
    assert worst("alpha", max_steps=3) > 1e-2


def test_the_policy_for_the_base(monkeypatch):
    changed_question(monkeypatch, lambda columns: {**columns, "base_log_probs": columns["behaviour_log_probs"]})
    assert worst("alpha") > 1e-2


def test_a_temperature_that_is_ignored():
    run = train(objective("reinforce-loo"), "gpt2", temperature=1.7)
    assert max(error for error, _ in errors(run, "reinforce-loo")) < 1e-5
    run.temperature = 1.0
    assert max(error for error, _ in errors(run, "reinforce-loo")) > 1e-2


def test_truncated_rows_that_are_left_out_of_n(monkeypatch):
    made = GRPOTrainer._compute_loss

    def mutated(self, model, inputs):
        kept = self._pstar_samples.mask.any(axis=1).sum()
        return made(self, model, inputs) * (16 / float(kept))

    monkeypatch.setattr(GRPOTrainer, "_compute_loss", mutated)
    assert worst("grpo-trl", kind="llama", mask_truncated_completions=True, seed=5) > 1e-2


def test_the_advantages_of_trl():
    """TRL's own trainer with its default loss makes another gradient than the objective that is compared."""

    class Plain(GRPOTrainer):
        def _compute_loss(self, model, inputs):
            return super(GRPOTrainer, self)._compute_loss(model, inputs)

    assert (
        max(error for error, _ in errors(train(objective("reinforce-loo"), trainer_class=Plain), "reinforce-loo"))
        > 1e-2
    )
