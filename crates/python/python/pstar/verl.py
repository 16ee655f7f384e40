# mypy: disable-error-code="attr-defined,import-not-found,import-untyped,no-any-return,unused-ignore"
"""verl's advantage estimator and policy loss `pstar`. `import verl` finds this module by itself (entry point
`verl.plugins`).

    algorithm.adv_estimator=pstar actor_rollout_ref.actor.policy_loss.loss_mode=pstar
    +algorithm.pstar.objective=alpha-dpg '+algorithm.pstar.config="(alpha: 0.5)"'
    actor_rollout_ref.actor.use_kl_loss=true actor_rollout_ref.actor.kl_loss_coef=0   # where the objective reads a base

or, in a script of one process, `pstar.verl.use(pstar.Objective(…))`. The estimator asks the objective about the whole
batch, with log q = `old_log_probs`, log b = `rollout_log_probs` where verl keeps them (else log q), log a =
`ref_log_prob`, groups = `uid`; `advantages` are then the coefficients c. An objective that learns of prompts knows
them by their tokens, `prompts`, or, where the batch has none, by `uid`. The policy loss is -(1/N) sum of c log q over
the tokens, N = `global_batch_size`, whatever `loss_agg_mode` says: the same for any micro-batches. What the objective
reports is logged by `pstar.verl`.

The estimators of verl see no log-probabilities, so `ray_trainer.compute_advantage` is wrapped as it is imported and
answers for `pstar`; the estimator that is registered makes the name known, and refuses where it is called without
that.

Refused, each with a `HostError`: another version of verl; rewards other than 0 and 1 (`use_kl_in_reward` makes such);
batches without `uid`; several updates a batch (`ppo_epochs`, mini-batches: the loss sees no more than c and log q, so
c could not be asked again); `rollout_correction`, whose weights multiply the loss; `entropy_coeff` and `kl_loss_coef`
other than 0; another `loss_mode`; a loss without `global_batch_size` (verl would divide by the rows of the
micro-batch); masks with holes. verl swallows what fails while a plugin is imported: such a failure is kept, and
raised where the estimator or the loss is asked for. The objective's state begins anew when a run is resumed: verl's
checkpoints have no place for it. Tried on CPU with verl 0.9.1: estimator, loss and `compute_advantage`, no whole run.
"""

from __future__ import annotations

import functools
import importlib.machinery
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from pstar import Objective, _host
from pstar._host import Asked, HostError

__all__ = ["HostError", "KNOWN", "NAME", "compute_advantage", "figures", "policy_loss", "use"]

#: Series of verl that this file was written against.
KNOWN = ("0.9.1",)
#: The name in `algorithm.adv_estimator` and `policy_loss.loss_mode`.
NAME = "pstar"
#: The module whose `compute_advantage` is wrapped, and those that import it by name.
TRAINER = "verl.trainer.ppo.ray_trainer"

_LOG = logging.getLogger("pstar.verl")
_failure: BaseException | None = None
_used: Asked | None = None
_made: dict[tuple[str, str], Asked] = {}
_figures: dict[str, float] = {}
_prompts = _host.Prompts()


def use(objective: Asked | None) -> None:
    """Takes this objective in this process, where `algorithm.pstar` names none; `None` forgets it."""
    global _used
    if objective is not None:
        _host.check_objective(objective)
    _used = objective


def figures() -> dict[str, float]:
    """What the objective reported last in this process."""
    return dict(_figures)


def _chosen(config: Any) -> Asked:
    """The objective that the configuration names, or that of `use`."""
    named = config.get(NAME) if config is not None and hasattr(config, "get") else None
    if named is None:
        if _used is None:
            raise HostError(
                "no objective: set `+algorithm.pstar.objective=NAME` and `+algorithm.pstar.config=CONFIG`, "
                "or call pstar.verl.use"
            )
        return _used
    if not hasattr(named, "get") or named.get("objective") is None or set(named) - {"objective", "config"}:
        raise HostError(f"`algorithm.pstar` is {named!r}, expected `objective` and `config`")
    key = (str(named.get("objective")), str(named.get("config") or "()"))
    if key not in _made:
        made = Objective(*key)
        _host.check_objective(made)
        _made[key] = made
    return _made[key]


def _raise_failure() -> None:
    if _failure is not None:
        raise HostError(f"pstar could not be registered in verl: {_failure}") from _failure


def _coefficients(
    objective: Asked,
    scores: Any,
    mask: Any,
    uid: Sequence[Any] | None,
    prompts: Any,
    log_probs: Any,
    behaviour: Any,
    base: Any,
) -> Any:
    """c as a tensor, rows x tokens. Rows without tokens are verl's padding and are left out."""
    import torch

    if uid is None:
        raise HostError("the batch has no `uid`, which tells the prompt of a row")
    inside = _host.array(mask).astype(bool)
    _host.check_prefix(inside, "this batch")
    rows = np.flatnonzero(inside.any(axis=1))
    if not rows.size:
        raise HostError("no row of this batch has a token")
    hint = "; `use_kl_in_reward` belongs to the objective, such as `kl-control`"
    rewards = (_host.array(scores).astype(np.float64) * inside).sum(axis=1)[rows]

    def column(values: Any, what: str) -> Any:
        return None if values is None else _host.token_log_probs(_host.array(values)[rows] * inside[rows], what)

    names = [str(uid[int(row)]) for row in rows]
    keys = [_host.key_of(names[at] if prompts is None else prompts[row].tolist()) for at, row in enumerate(rows)]
    known = column(log_probs, "`old_log_probs`")
    answer, reported = _host.ask(
        objective,
        rewards=_host.verdicts(rewards, "this batch", hint),
        groups=_prompts.numbers(names, keys),
        log_probs=known,
        mask=inside[rows],
        behaviour_log_probs=column(behaviour, "`rollout_log_probs`") if behaviour is not None else known,
        base_log_probs=column(base, "`ref_log_prob`"),
        horizon=inside.shape[1],
        without_base="set `actor.use_kl_loss: true` with `actor.kl_loss_coef: 0`, so that verl keeps `ref_log_prob`",
    )
    _figures.clear()
    _figures.update(reported)
    if reported:
        _LOG.info("%s", ", ".join(f"{name} {value:g}" for name, value in sorted(reported.items())))
    full = np.zeros(inside.shape)
    full[rows] = answer
    dtype = torch.promote_types(scores.dtype, log_probs.dtype)
    return torch.as_tensor(full, dtype=torch.promote_types(dtype, torch.float32), device=scores.device)


def estimator(*_: Any, **__: Any) -> tuple[Any, Any]:
    """The estimator that is registered, for verl to know the name: it sees no log-probabilities, so it refuses."""
    _raise_failure()
    raise HostError(
        "verl's estimators see no log-probabilities, which an objective may read: call `compute_advantage` of "
        "verl.trainer.ppo.ray_trainer, which pstar wraps"
    )


def compute_advantage(original: Callable[..., Any], data: Any, adv_estimator: Any, *rest: Any, **named: Any) -> Any:
    """verl's `compute_advantage`, which answers for `pstar` with the whole batch and leaves all other names to verl."""
    if str(getattr(adv_estimator, "value", adv_estimator)) != NAME:
        return original(data, adv_estimator, *rest, **named)
    _raise_failure()
    config = named.get("config", rest[4] if len(rest) > 4 else None)
    objective = _chosen(config)
    batch = data.batch
    if "response_mask" not in batch.keys():
        from verl.trainer.ppo.ray_trainer import compute_response_mask

        batch["response_mask"] = compute_response_mask(data)
    if "old_log_probs" not in batch.keys():
        raise HostError("the batch has no `old_log_probs`, from which the policy's log-probabilities are read")
    if "rollout_is_weights" in batch.keys():
        raise HostError("`rollout_is_weights` multiply the loss: set `algorithm.rollout_correction` to null")
    _check_settings(config, batch)
    made = _coefficients(
        objective,
        batch["token_level_rewards"],
        batch["response_mask"],
        data.non_tensor_batch.get("uid"),
        batch["prompts"] if "prompts" in batch.keys() else None,
        batch["old_log_probs"],
        batch["rollout_log_probs"] if "rollout_log_probs" in batch.keys() else None,
        batch["ref_log_prob"] if "ref_log_prob" in batch.keys() else None,
    )
    batch["advantages"] = made
    batch["returns"] = made
    return data


def _check_settings(config: Any, batch: Any) -> None:
    """Refuses settings of the run that `algorithm` is a part of: what changes the loss, and several updates a batch."""
    whole = config._get_root() if hasattr(config, "_get_root") else None
    if not isinstance(whole, Mapping) or "actor_rollout_ref" not in whole:
        _LOG.warning(
            "the settings of the actor cannot be seen from here: updates a batch, KL and entropy are not checked"
        )
        return
    settings = whole["actor_rollout_ref"]
    actor, samples = settings["actor"], int(settings["rollout"]["n"])
    loss_mode = (actor.get("policy_loss") or {}).get("loss_mode", "vanilla")
    if loss_mode != NAME:
        raise HostError(
            f"`actor.policy_loss.loss_mode` is {loss_mode!r}: expected {NAME!r}, as `algorithm.adv_estimator`"
        )
    _check_actor(actor)
    rows = int((batch["response_mask"].sum(dim=-1) > 0).sum())
    update = int(actor["ppo_mini_batch_size"]) * samples
    if rows != update:
        raise HostError(
            f"a batch of {rows} rows with updates of ppo_mini_batch_size x n = {update}: expected one update a batch, "
            "for c is not asked again between updates"
        )


def _check_actor(actor: Any) -> None:
    """Refuses what the actor would add to the objective."""
    if int(actor.get("ppo_epochs", 1)) != 1:
        raise HostError(
            f"`ppo_epochs` is {actor.get('ppo_epochs')}: expected 1, for c is not asked again between updates"
        )
    if float(actor.get("entropy_coeff", 0.0) or 0.0) != 0.0:
        raise HostError(f"`entropy_coeff` is {actor.get('entropy_coeff')}, which adds to the objective: expected 0")
    if actor.get("use_kl_loss", False) and float(actor.get("kl_loss_coef", 0.0) or 0.0) != 0.0:
        raise HostError(f"`kl_loss_coef` is {actor.get('kl_loss_coef')}, which adds a KL to the objective: expected 0")


def policy_loss(
    old_log_prob: Any,
    log_prob: Any,
    advantages: Any,
    response_mask: Any,
    loss_agg_mode: str = "token-mean",
    config: Any = None,
    rollout_is_weights: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """The policy loss that is registered: -(1/N) sum of c log q, N = `global_batch_size`."""
    _raise_failure()
    from verl.trainer.ppo.core_algos import agg_loss

    if rollout_is_weights is not None:
        raise HostError("`rollout_is_weights` multiply the loss: set `algorithm.rollout_correction` to null")
    if config is None:
        raise HostError("the policy loss needs `config`, whose `global_batch_info` has `global_batch_size`")
    _check_actor(config)
    info = {name: value for name, value in config.global_batch_info.items() if name != "loss_scale_factor"}
    if info.get("global_batch_size") is None:
        raise HostError(
            "`global_batch_size` is not set: verl would divide by the rows of the micro-batch, "
            "and the gradient depend on it"
        )
    loss = agg_loss(
        loss_mat=-advantages.detach() * log_prob, loss_mask=response_mask, loss_agg_mode="seq-mean-token-sum", **info
    )
    mask = response_mask.bool()
    moved = (old_log_prob - log_prob.detach())[mask]
    return loss, {"actor/ppo_kl": float(moved.mean()) if moved.numel() else 0.0}


def _wrap(module: ModuleType) -> None:
    """Puts `compute_advantage` before verl's."""
    global _failure
    original = getattr(module, "compute_advantage", None)
    if getattr(original, "pstar", False):
        return
    try:
        if original is None:
            raise HostError(f"{module.__name__} of verl has no `compute_advantage`, which verl {', '.join(KNOWN)} has")
        expected = ("data", "adv_estimator", "gamma", "lam", "num_repeat", "norm_adv_by_std_in_grpo", "config")
        _host.check_parameters(original, expected, "verl", KNOWN)
    except HostError as failure:
        _keep(failure)
        if original is None:
            return
    wrapped = functools.wraps(original)(functools.partial(compute_advantage, original))
    wrapped.pstar = True  # type: ignore[attr-defined]
    for name, other in list(sys.modules.items()):
        # Modules that imported it by name before.
        if name.startswith("verl.") and getattr(other, "compute_advantage", None) is original:
            other.compute_advantage = wrapped  # type: ignore[attr-defined]


class _WrapOnImport:
    """Wraps `compute_advantage` when verl's trainer is imported, which takes seconds and is not needed before."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if name != TRAINER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            _wrap(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _keep(failure: BaseException) -> None:
    global _failure
    _failure = _failure or failure
    _LOG.error("pstar could not be registered in verl: %s", failure)


def _register() -> None:
    """Registers estimator and loss; what fails is kept, for verl would swallow it."""
    _LOG.setLevel(logging.INFO)
    try:
        import verl
        from verl.trainer.ppo import core_algos
    except Exception as failure:
        _keep(failure)
        raise
    try:
        _host.check_version("verl", verl.__version__, KNOWN)
        expected = ("loss_mat", "loss_mask", "loss_agg_mode", "dp_size", "batch_num_tokens", "global_batch_size")
        _host.check_parameters(core_algos.agg_loss, expected, "verl", KNOWN, only=False)
    except HostError as failure:
        _keep(failure)
    core_algos.register_adv_est(NAME)(estimator)
    core_algos.register_policy_loss(NAME)(policy_loss)
    if TRAINER in sys.modules:
        _wrap(sys.modules[TRAINER])
    elif not any(isinstance(finder, type) and finder.__name__ == "_WrapOnImport" for finder in sys.meta_path):
        sys.meta_path.insert(0, _WrapOnImport)


_register()
