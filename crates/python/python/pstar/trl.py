# mypy: disable-error-code="attr-defined,import-not-found,import-untyped,misc,name-defined,no-any-return,unused-ignore"
"""`GRPOTrainer`: TRL's trainer with the loss of an objective.

    from pstar.trl import GRPOTrainer

    objective = pstar.Objective("alpha-dpg", "(alpha: 0.5)")
    trainer = GRPOTrainer(objective=objective, base=base, model=…, reward_funcs=…, args=…)
    trainer.train()

Of TRL stay sampling, rewards, optimiser, logging and checkpoints. The loss of an optimizer step over N completions
(of all processes) is -(1/N) sum of c log q over the tokens, with the coefficients c of the objective for the whole
step: it is asked once a step, about whole groups, with log q (the policy now), log b (the policy that sampled) and
log a (`base`). With `num_iterations` above 1 it is asked again for every pass over the samples, for a forward pass
more.

What q, b and a are: the models at `temperature`, without `top_p`, `top_k` and the like, so p* is that of the tempered
base. `loss_type`, `epsilon`, `delta`, `scale_rewards`, `importance_sampling_level` and what else belongs to TRL's own
losses does nothing (a warning says so where it is set); `advantages` and `frac_reward_zero_std` that are logged
remain TRL's. Truncated completions under `mask_truncated_completions` have no tokens, yet count in N and in
baselines. What the objective reports is logged as `pstar/NAME`; what it has learnt lies in checkpoints as
`pstar_objective.json`. Objectives that learn of prompts know them by their text.

Refused, each with a `HostError` that says why: another version of TRL; rewards other than 0 and 1; `beta`,
`top_entropy_quantile`, `off_policy_mask_threshold`, entropy bonuses, the auxiliary loss of routers and vLLM's
correction, which change the loss beside the objective; `steps_per_generation` other than
`gradient_accumulation_steps` (TRL shuffles rows before it slices, so that groups would be cut); dropout (log b would
not be log q); tools, environments and images; prompts of unequal length where the model has absolute positions (TRL
scores with others than it samples with).

Evaluation is TRL's own. Tried on CPU with one and two processes; not with DeepSpeed, FSDP, PEFT or vLLM.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import trl
from numpy.typing import NDArray
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl.models import prepare_deepspeed, prepare_fsdp
from trl.models.utils import disable_gradient_checkpointing
from trl.trainer import grpo_trainer

from pstar import _host
from pstar._host import Asked, HostError

__all__ = ["GRPOTrainer", "HostError", "KNOWN"]

#: Series of TRL that this file was written against.
KNOWN = ("1.16",)
#: Name of the objective's state in a checkpoint.
STATE = "pstar_objective.json"
#: What log-probabilities may differ by between a padded and an unpadded row, in nats: rounding, not other positions.
PADDING_TOLERANCE = 2e-3
#: The same in half precision.
HALF_PADDING_TOLERANCE = 0.2
#: Settings of TRL's own losses, which do nothing here.
WITHOUT_EFFECT = (
    "loss_type",
    "epsilon",
    "epsilon_high",
    "delta",
    "scale_rewards",
    "importance_sampling_level",
    "multi_objective_aggregation",
    "sapo_temperature_neg",
    "sapo_temperature_pos",
    "vespo_k_pos",
    "vespo_lambda_pos",
    "vespo_k_neg",
    "vespo_lambda_neg",
)
#: Settings that draw from another distribution than the one that is scored, and the values that do not.
TRUNCATION = {"top_p": (1.0,), "top_k": (0, None), "min_p": (None, 0.0), "repetition_penalty": (1.0,)}


def check_host() -> None:
    """Refuses a TRL whose trainer is not the one that this file overrides."""
    _host.check_version("TRL", trl.__version__, KNOWN)
    trainer = trl.GRPOTrainer
    expected = {
        "_calculate_rewards": ("self", "inputs", "prompts", "completions", "completion_ids_list"),
        "_generate_and_score_completions": ("self", "inputs"),
        "_compute_loss": ("self", "model", "inputs"),
        "_save_checkpoint": ("self", "model", "trial"),
        "_load_optimizer_and_scheduler": ("self", "checkpoint"),
    }
    for name, parameters in expected.items():
        if not hasattr(trainer, name):
            raise HostError(f"TRL's GRPOTrainer has no `{name}`, which TRL {', '.join(KNOWN)} has")
        _host.check_parameters(getattr(trainer, name), parameters, "TRL", KNOWN)
    called = ("model", "input_ids", "attention_mask", "logits_to_keep", "batch_size", "compute_entropy")
    _host.check_parameters(trainer._get_per_token_logps_and_entropies, called, "TRL", KNOWN, only=False)
    head = ("temperature", "cast_lm_head_to_fp32")
    _host.check_parameters(grpo_trainer.add_fused_lm_head, head, "TRL", KNOWN, only=False)


def check_settings(args: Any) -> None:
    """Refuses settings that change the loss beside the objective, and warns of those that do nothing."""
    refused = {
        "beta": (
            args.beta != 0.0,
            "a KL belongs to the objective, such as `kl-control` or penalties of `policy-gradient`",
        ),
        "top_entropy_quantile": (args.top_entropy_quantile < 1.0, "it would leave out tokens of the objective"),
        "off_policy_mask_threshold": (
            args.off_policy_mask_threshold is not None,
            "it would leave out rows of the objective",
        ),
        "entropy_coef": (args.entropy_coef != 0.0, "an entropy bonus would be added to the objective"),
        "use_adaptive_entropy": (bool(args.use_adaptive_entropy), "an entropy bonus would be added to the objective"),
        "vllm_importance_sampling_correction": (
            args.use_vllm and args.vllm_importance_sampling_correction,
            "its ratio multiplies the loss: set it to False",
        ),
        "steps_per_generation": (
            args.steps_per_generation != args.gradient_accumulation_steps,
            f"expected {args.gradient_accumulation_steps}, as gradient_accumulation_steps: an objective is "
            "asked about all samples of an optimizer step at once, and TRL shuffles rows before it slices: groups would "
            "be cut",
        ),
    }
    for name, (wrong, why) in refused.items():
        if wrong:
            raise HostError(f"`{name}` is {getattr(args, name)!r}: {why}")
    defaults = {field.name: field.default for field in fields(trl.GRPOConfig)}
    idle = [name for name in WITHOUT_EFFECT if hasattr(args, name) and getattr(args, name) != defaults.get(name)]
    if idle:
        told = ", ".join(f"`{name}`" for name in idle)
        warnings.warn(f"{told} of TRL's own losses do nothing here: the objective makes the loss", stacklevel=3)
    cut = [name for name, without in TRUNCATION.items() if getattr(args, name, without[0]) not in without]
    if cut or getattr(args, "generation_kwargs", None):
        told = ", ".join(f"`{name}`" for name in cut) or "`generation_kwargs`"
        warnings.warn(
            f"{told}: completions are drawn from another distribution than the one that is scored as log b",
            stacklevel=3,
        )


def dropouts(model: torch.nn.Module) -> Iterator[str]:
    """Names of what drops out while the model trains."""
    for name, module in model.named_modules():
        rates = vars(module).items()
        if isinstance(module, torch.nn.Dropout | torch.nn.AlphaDropout):
            rates = [("p", module.p)]
        else:
            rates = [(key, value) for key, value in rates if "drop" in key.lower()]
        for key, rate in rates:
            if isinstance(rate, float) and rate > 0.0:
                yield f"{name or type(module).__name__}.{key} = {rate:g}"


@dataclass
class _Samples:
    """The samples of a generation, of all processes, in the order before TRL shuffles."""

    rewards: NDArray[np.float64]
    groups: NDArray[np.uint32]
    ended: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    behaviour: NDArray[np.float64]
    base: NDArray[np.float64] | None
    #: Tokens and masks of this process.
    local: dict[str, torch.Tensor]
    #: Row of this process's first sample.
    first: int
    #: Optimizer steps that were made of them.
    passes: int = 0
    #: c of this process's rows for the optimizer step that is made now.
    coefficients: torch.Tensor | None = None


class GRPOTrainer(trl.GRPOTrainer):
    """TRL's `GRPOTrainer` with the loss of an objective: see the module."""

    def __init__(self, *arguments: Any, objective: Asked, base: Any = None, **keywords: Any) -> None:
        """`objective`: a `pstar.Objective`. `base`: the model whose log-probabilities are log a, an instance or its
        path; needed where the objective reads them. All else is as TRL's `GRPOTrainer` has it."""
        check_host()
        _host.check_objective(objective)
        if base is None and _host.declared(objective).get("base_log_probs"):
            raise HostError("the objective reads log-probabilities under a base: give `base`, a model or its path")
        model = keywords.get("model", arguments[0] if arguments else None)
        if base is not None and base is model and not isinstance(base, str):
            raise HostError("`base` is the model that is trained, so it would move with it: load it a second time")
        args = keywords.get("args", arguments[2] if len(arguments) > 2 else None)
        if args is not None:
            check_settings(args)
        for name in ("tools", "environment_factory"):
            if keywords.get(name):
                raise HostError(f"`{name}`: completions with turns of others in between are not supported")
        super().__init__(*arguments, **keywords)
        if found := list(dropouts(self.model)):
            raise HostError(
                f"dropout is on ({found[0]}{f', and {len(found) - 1} more' if len(found) > 1 else ''}): what samples "
                "would not be what is scored. Set `disable_dropout=True`, and rates in the model's configuration to 0"
            )
        if self.aux_loss_enabled:
            raise HostError(
                "the auxiliary loss of routers would be added to the objective: set `router_aux_loss_coef=0.0`"
            )
        self.objective: Any = objective
        self._pstar_base = None if base is None else self._pstar_prepare(base)
        self._pstar_prompts = _host.Prompts()
        self._pstar_told: tuple[NDArray[np.float64], NDArray[np.uint32], list[bool]] | None = None
        self._pstar_samples: _Samples | None = None
        self._pstar_positions_fit = False

    def _pstar_prepare(self, base: Any) -> Any:
        """The base, ready to score: on the device, without gradient and dropout, with TRL's head at the temperature."""
        if isinstance(base, str):
            base = grpo_trainer.create_model_from_path(base, **(self.args.model_init_kwargs or {}))
        base.requires_grad_(False)
        base.eval()
        grpo_trainer.add_fused_lm_head(
            base, temperature=self.temperature, cast_lm_head_to_fp32=self.args.cast_lm_head_to_fp32
        )
        if self.is_deepspeed_enabled:
            return prepare_deepspeed(base, self.accelerator)
        if self.is_fsdp_enabled:
            return prepare_fsdp(base, self.accelerator)
        return self.accelerator.prepare_model(base, evaluation_mode=True)

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: list[list[int]]
    ) -> torch.Tensor:
        """As TRL's; of training, keeps the verdicts of all processes and which of this one's completions ended."""
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.model.training:
            if torch.isnan(rewards).any():
                row, function = (int(index) for index in torch.isnan(rewards).nonzero()[0])
                raise HostError(
                    f"`{self.reward_func_names[function]}` gave no reward (None or NaN) for row {row}: expected the "
                    "verdict 0 or 1 of every completion"
                )
            weighted = (rewards * self.reward_weights.to(rewards.device)).sum(dim=1)
            several = "" if len(self.reward_func_names) == 1 else " of the weighted sum of the reward functions"
            found = _host.verdicts(weighted, "this generation", several)
            ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
            ended = [bool(ids) and ids[-1] in ends for ids in completion_ids_list]
            self._pstar_told = (found, self._pstar_groups(prompts, rewards.device), ended)
        return rewards

    def _pstar_groups(self, prompts: Any, device: Any) -> NDArray[np.uint32]:
        """Numbers of the prompts of all processes' rows; `num_generations` rows follow each other for one prompt."""
        keys = torch.tensor([_host.key_of(prompt) for prompt in prompts], device=device)
        every = self.accelerator.gather(keys).tolist()
        groups = [row // self.num_generations for row in range(len(every))]
        for row, group in enumerate(groups):
            if every[row] != every[group * self.num_generations] or len(every) % self.num_generations:
                raise HostError(
                    f"row {row} of {len(every)} answers another prompt than the others of its group: expected groups "
                    f"of num_generations = {self.num_generations} rows one after the other"
                )
        return self._pstar_prompts.numbers(groups, every)

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """As TRL's; of training, keeps what the objective is asked with, and numbers rows before they are shuffled."""
        if not self.model.training:
            return super()._generate_and_score_completions(inputs)
        if any(key in inputs[0] for key in ("image", "images")):
            raise HostError("prompts with images are not supported")
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        for key, what in {"tool_mask": "tools", "pixel_values": "images"}.items():
            if key in output:
                raise HostError(f"the batch has `{key}`: completions with {what} are not supported")
        if self._pstar_told is None:
            raise HostError(
                "rewards were not asked for in this generation: another class overrides `_calculate_rewards`"
            )
        (rewards, groups, ended), self._pstar_told = self._pstar_told, None
        local = {key: output[key] for key in ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")}
        count = len(local["completion_ids"])
        if len(rewards) != count * self.accelerator.num_processes or len(rewards) != len(groups):
            raise HostError(
                f"{len(rewards)} rewards of {self.accelerator.num_processes} process(es) with {count} completions: "
                "expected one each"
            )
        self._pstar_check_positions(local)
        behaviour = output.get("old_per_token_logps")
        behaviour = self._pstar_score(self.model, local) if behaviour is None else behaviour
        base = None
        if self._pstar_base is not None:
            base = _host.token_log_probs(self._pstar_gather(self._pstar_score(self._pstar_base, local)), "the base")
        mask = _host.array(self._pstar_gather(local["completion_mask"])).astype(bool)
        _host.check_prefix(mask, "this generation")
        device = local["completion_ids"].device
        self._pstar_samples = _Samples(
            rewards=rewards,
            groups=groups,
            ended=_host.array(self.accelerator.gather(torch.tensor(ended, device=device))).astype(bool),
            mask=mask,
            behaviour=_host.token_log_probs(self._pstar_gather(behaviour), "the policy that sampled"),
            base=base,
            local=local,
            first=self.accelerator.process_index * count,
        )
        output["pstar_row"] = torch.arange(count, device=device)
        return output

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """-(1/N) sum of c log q over the tokens of these rows, N the rows of the optimizer step on all processes,
        times the processes (their gradients are averaged). Of evaluation: TRL's."""
        if not self.model.training:
            return super()._compute_loss(model, inputs)
        samples = self._pstar_samples
        if samples is None or "pstar_row" not in inputs:
            raise HostError("rows without a number: another class overrides `_generate_and_score_completions`")
        self._pstar_begin_step(samples)
        assert samples.coefficients is not None
        ids, mask = inputs["completion_ids"], inputs["completion_mask"]
        log_probs, entropies, _ = self._get_per_token_logps_and_entropies(
            model,
            torch.cat([inputs["prompt_ids"], ids], dim=1),
            torch.cat([inputs["prompt_mask"], mask], dim=1),
            ids.size(1),
            compute_entropy=True,
        )
        # In half precision the sum is taken in float32.
        wide = torch.promote_types(log_probs.dtype, torch.float32)
        weights = samples.coefficients[inputs["pstar_row"]].to(wide)
        loss = -(weights * log_probs.to(wide) * mask).sum() / len(samples.rewards) * self.accelerator.num_processes
        totals = self.accelerator.reduce(torch.stack([(entropies * mask).sum(), mask.sum().to(entropies.dtype)]))
        self._metrics["train"]["entropy"].append((totals[0] / totals[1].clamp(min=1.0)).item())
        return loss

    def _pstar_begin_step(self, samples: _Samples) -> None:
        """At the first micro-batch of an optimizer step: asks the objective about the whole step."""
        accumulated = self.args.gradient_accumulation_steps
        if self._step % accumulated:
            if samples.coefficients is None:
                raise HostError("samples were drawn in the midst of an optimizer step")
            return
        if self.current_gradient_accumulation_steps != accumulated:
            raise HostError(
                f"an optimizer step of {self.current_gradient_accumulation_steps} micro-batches, expected "
                f"{accumulated}: groups would be cut"
            )
        log_probs = samples.behaviour
        if samples.passes:
            log_probs = _host.token_log_probs(
                self._pstar_gather(self._pstar_score(self.model, samples.local)), "the policy"
            )
        values, figures = _host.ask(
            self.objective,
            rewards=samples.rewards,
            groups=samples.groups,
            log_probs=log_probs,
            mask=samples.mask,
            behaviour_log_probs=samples.behaviour,
            base_log_probs=samples.base,
            ended=samples.ended,
            horizon=self.max_completion_length,
            epoch=samples.passes,
            without_base="give `base`, a model or its path",
        )
        rows, width = samples.local["completion_ids"].shape
        own = np.ascontiguousarray(values[samples.first : samples.first + rows, :width])
        samples.coefficients = torch.from_numpy(own).to(samples.local["completion_ids"].device)
        samples.passes += 1
        for name, value in figures.items():
            self._metrics["train"][f"pstar/{name}"].append(value)

    def _pstar_gather(self, values: torch.Tensor) -> torch.Tensor:
        """Rows of all processes, padded with 0 to the longest."""
        return self.accelerator.gather(self.accelerator.pad_across_processes(values, dim=1))

    def _pstar_score(self, model: Any, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Log-probabilities of completions in nats, rows x tokens, without gradient."""
        with torch.no_grad(), disable_gradient_checkpointing(self.model, self.args.gradient_checkpointing_kwargs):
            log_probs, _, _ = self._get_per_token_logps_and_entropies(
                model,
                torch.cat([rows["prompt_ids"], rows["completion_ids"]], dim=1),
                torch.cat([rows["prompt_mask"], rows["completion_mask"]], dim=1),
                rows["completion_ids"].size(1),
                batch_size=self.args.per_device_train_batch_size,
            )
        return log_probs

    def _pstar_check_positions(self, local: dict[str, torch.Tensor]) -> None:
        """Refuses a model that gives a row with padding before its prompt other log-probabilities than without it."""
        if self._pstar_positions_fit:
            return
        padded = (local["prompt_mask"] == 0).any(dim=1) & (local["completion_mask"].sum(dim=1) > 0)
        if not self.accelerator.gather(padded.any().reshape(1)).any():
            return
        # All processes score a row, so that models whose parts lie on several can be asked.
        row = int(padded.int().argmax())
        one = {key: value[row : row + 1] for key, value in local.items()}
        begin = int((one["prompt_mask"] == 0).sum())
        bare = {key: value[:, begin:] if key.startswith("prompt") else value for key, value in one.items()}
        mask = one["completion_mask"]
        difference = (self._pstar_score(self.model, one) - self._pstar_score(self.model, bare)).abs() * mask
        worst = float(self.accelerator.gather(difference.max().float().reshape(1)).max())
        half = torch.finfo(next(self.model.parameters()).dtype).bits < 32 or self.args.bf16 or self.args.fp16
        if worst > (HALF_PADDING_TOLERANCE if half else PADDING_TOLERANCE):
            raise HostError(
                f"padding before a prompt changes log-probabilities by up to {worst:.2g}: the model has absolute "
                "positions, and TRL scores padded prompts with others than it samples with. Use prompts of equal length "
                "in tokens, or a model with relative (rotary) positions"
            )
        self._pstar_positions_fit = True

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As TRL's, and what the objective has learnt."""
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = os.path.join(
                self._get_output_dir(trial=trial), f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            )
            if not hasattr(self.objective, "state"):
                warnings.warn(f"{folder} has nothing of what the objective learnt: it tells no `state`", stacklevel=2)
                return
            told = {
                "name": getattr(self.objective, "name", None),
                "config": getattr(self.objective, "config", None),
                "state": self.objective.state,
                "prompts": self._pstar_prompts.known(),
            }
            with open(os.path.join(folder, STATE), "w", encoding="utf-8") as file:
                json.dump(told, file)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """As TRL's, and what the objective had learnt."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        path = os.path.join(checkpoint, STATE)
        if not os.path.exists(path):
            warnings.warn(f"no {STATE} in {checkpoint}: the objective begins anew", stacklevel=2)
            return
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        for part in ("name", "config"):
            has = getattr(self.objective, part, None)
            if told[part] != has:
                raise HostError(f"{path} has an objective of the {part} {told[part]!r}, expected {has!r}")
        self.objective.restore(told["state"])
        self._pstar_prompts = _host.Prompts(told["prompts"])
