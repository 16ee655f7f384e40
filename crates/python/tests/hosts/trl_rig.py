"""Trains a tiny model in TRL with an objective, and keeps what is needed to take every gradient by hand."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
import trl
from by_hand import Row
from datasets import Dataset
from tiny import EOS, LONGEST, PAD, copied, model, tokenizer, verdict
from transformers import TrainerCallback

from pstar.trl import GRPOTrainer

#: Prompts of one length, and of several.
EQUAL = ["a b c", "d e f", "g h i", "b d j"]
UNEQUAL = ["a", "d e f g", "g h", "b d j"]


@dataclass
class Step:
    """An optimizer step: what was sampled, and the models and gradient there."""

    rows: list[Row]
    behaviour: Any
    policy: Any
    gradient: dict[str, torch.Tensor]
    #: Number of the pass over the samples.
    number: int


@dataclass
class Run:
    """A training."""

    steps: list[Step] = field(default_factory=list)
    trainer: Any = None
    base: Any = None
    temperature: float = 1.0
    logs: list[dict[str, Any]] = field(default_factory=list)


def rewarded(completion_ids, prompts, **_):
    """The verdicts, from tokens."""
    made = tokenizer()
    return [verdict(made(prompt)["input_ids"], ids) for prompt, ids in zip(prompts, completion_ids, strict=True)]


def settings(**changed: Any) -> trl.GRPOConfig:
    """16 rows an optimizer step on one process: 4 groups of 4."""
    accumulation = changed.get("gradient_accumulation_steps", 2)
    values: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(prefix="pstar-trl-"),
        "per_device_train_batch_size": 16 // accumulation,
        "gradient_accumulation_steps": accumulation,
        "num_generations": 4,
        "max_completion_length": LONGEST,
        "learning_rate": 0.05,
        "lr_scheduler_type": "constant",
        "optim": "sgd",
        "max_grad_norm": 0.0,
        "max_steps": 2,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
        "activation_checkpointing": False,
        "seed": 3,
    }
    return trl.GRPOConfig(**{**values, **changed})


def train(
    objective: Any,
    kind: str = "gpt2",
    *,
    prompts: list[str] | None = None,
    dtype: torch.dtype = torch.float32,
    trainer_class: type = GRPOTrainer,
    base: Any = None,
    evaluate: bool = False,
    resume: str | None = None,
    reward: Any = rewarded,
    **changed: Any,
) -> Run:
    """Trains, and keeps what is needed to take every gradient again."""
    run = Run(base=model(kind, 12, dtype) if base is None else base)
    policy = model(kind, 11, dtype)
    args = settings(**changed)
    run.temperature = args.temperature

    class Watched(trainer_class):
        def _generate_and_score_completions(self, inputs):
            output = super()._generate_and_score_completions(inputs)
            if self.model.training:
                self.watched = (rows_of(self, output), copied(self.model), 0)
            return output

    class Watch(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, **_):
            rows, behaviour, number = run.trainer.watched
            gradient = {name: value.grad.clone() for name, value in run.trainer.model.named_parameters()}
            run.steps.append(Step(rows, behaviour, copied(run.trainer.model), gradient, number))
            run.trainer.watched = (rows, behaviour, number + 1)

        def on_log(self, args, state, control, logs=None, **_):
            run.logs.append(dict(logs or {}))

    chosen = prompts or (EQUAL if kind == "gpt2" else UNEQUAL)
    data = Dataset.from_dict({"prompt": [chosen[number % len(chosen)] for number in range(4 * len(chosen))]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        run.trainer = Watched(
            objective=objective,
            base=run.base,
            model=policy,
            reward_funcs=reward,
            args=args,
            train_dataset=data,
            eval_dataset=data.select(range(4)) if evaluate else None,
            processing_class=tokenizer(),
            callbacks=[Watch()],
        )
        run.trainer.train(resume_from_checkpoint=resume)
    return run


def rows_of(trainer: Any, output: dict[str, Any]) -> list[Row]:
    """Rows without padding, from the tokens."""
    rows = []
    for number in range(len(output["completion_ids"])):
        prompt = output["prompt_ids"][number][output["prompt_mask"][number] == 1].tolist()
        ids = output["completion_ids"][number].tolist()
        ids = ids[: ids.index(EOS) + 1] if EOS in ids else ids
        assert EOS in ids or len(ids) == LONGEST
        # A random model samples the padding too; where it stands last, TRL takes a completion for ended.
        ended = ids[-1] in (EOS, PAD)
        counts = ended or not trainer.args.mask_truncated_completions
        first = trainer.accelerator.process_index * len(output["completion_ids"])
        group = (first + number) // trainer.args.num_generations
        rows.append(Row(prompt, ids, verdict(prompt, ids), group, ended, counts))
    return rows
