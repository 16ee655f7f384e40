# mypy: disable-error-code="import-not-found,unused-ignore"
"""`advantages`: an objective as slime's custom advantage function. **Written from slime's source, not run with slime.**

    # my_objective.py, on the path of the workers; --custom-advantage-function-path my_objective.advantages
    advantages = pstar.slime.advantages(pstar.Objective("rloo"))

slime calls it with its arguments and the batch, `advantages(args, rollout_data)`; it writes the lists `advantages`
and `returns`, a tensor a row as `log_probs` are. slime's policy loss takes the mean over the T tokens of a row and
then over rows, of the ratio times the advantage: the advantage of a token is therefore c T, and the gradient of the
first update after sampling that of -(1/N) sum of c log q. Checked on lists of this form and that arithmetic, no more:
compare a step of yours with `pstar.Objective.coefficients` before you rely on it.

Read of the batch (all lists with an entry a row): `rewards`, `log_probs`, `response_lengths`, `sample_indices`; where
there, `rollout_log_probs` (what sampled), `ref_log_probs` (the base), `loss_masks`, `truncated`. Groups are
`sample_indices // args.n_samples_per_prompt`, so that an objective that learns of prompts meets each one anew.

Refused, with a `HostError`: rewards other than 0 and 1 (slime subtracts means by default:
`--disable-rewards-normalization`); `normalize_advantages`, `calculate_per_token_loss`, `use_tis`, `use_opd`, and
`kl_coef`, `kl_loss_coef` and `entropy_coef` other than 0, which change the loss beside the objective; several updates
a batch (c would be stale); masks with holes; groups that are cut; and several data-parallel ranks, which see rows of
their own only, unless `per_rank=True`, which says that the objective looks at one group alone (`rloo` does; those
that take means over the tokens of the batch do not).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from pstar import _host
from pstar._host import Asked, HostError

__all__ = ["HostError", "advantages"]

_LOG = logging.getLogger("pstar.slime")
#: Settings that change the loss beside the objective, and the value that leaves it alone.
NEEDED = {
    "normalize_advantages": False,
    "calculate_per_token_loss": False,
    "use_tis": False,
    "use_opd": False,
    "kl_coef": 0.0,
    "entropy_coef": 0.0,
}


def advantages(objective: Asked, *, per_rank: bool = False) -> Callable[[Any, dict[str, Any]], None]:
    """The advantage function of an objective, `(args, rollout_data) -> None`."""
    _host.check_objective(objective)

    def of_batch(args: Any, rollout_data: dict[str, Any]) -> None:
        _check_settings(args, per_rank)
        for key in ("rewards", "log_probs", "response_lengths", "sample_indices"):
            if rollout_data.get(key) is None:
                raise HostError(f"the batch has no `{key}`; it has: {', '.join(sorted(rollout_data))}")
        lengths = np.asarray([int(length) for length in rollout_data["response_lengths"]], np.uint64)
        for key in (
            "rewards",
            "log_probs",
            "sample_indices",
            "rollout_log_probs",
            "ref_log_probs",
            "loss_masks",
            "truncated",
        ):
            if rollout_data.get(key) is not None and len(rollout_data[key]) != len(lengths):
                raise HostError(
                    f"`{key}` has {len(rollout_data[key])} rows, expected {len(lengths)} as `response_lengths`"
                )
        for row, mask in enumerate(rollout_data.get("loss_masks") or []):
            if not _host.array(mask).all():
                raise HostError(
                    f"`loss_masks` of row {row} leaves out tokens: completions with turns of others are not supported"
                )
        size = int(args.n_samples_per_prompt)
        groups = _host.whole_numbers([int(index) // size for index in rollout_data["sample_indices"]], "the group")
        _host.check_groups(groups, size, "this batch (of this rank)")
        truncated = rollout_data.get("truncated")
        log_probs = _column(rollout_data, "log_probs", lengths)
        values, figures = _host.ask(
            objective,
            rewards=_host.verdicts(
                rollout_data["rewards"], "this batch", "; slime subtracts means unless --disable-rewards-normalization"
            ),
            groups=groups,
            lengths=lengths,
            log_probs=log_probs,
            behaviour_log_probs=_column(rollout_data, "rollout_log_probs", lengths, log_probs),
            base_log_probs=_column(rollout_data, "ref_log_probs", lengths),
            ended=None if truncated is None else np.asarray([not cut for cut in truncated]),
            horizon=int(getattr(args, "rollout_max_response_len", 0) or 0),
            without_base="slime keeps `ref_log_probs` with `--use-kl-loss --kl-loss-coef 0` or a ref load",
        )
        rows = np.split(values, np.cumsum(lengths.astype(np.int64))[:-1])
        made = [_like(known, row * len(row)) for known, row in zip(rollout_data["log_probs"], rows, strict=True)]
        rollout_data["advantages"] = made
        rollout_data["returns"] = list(made)
        if figures:
            _LOG.info("%s", ", ".join(f"{name} {value:g}" for name, value in sorted(figures.items())))

    return of_batch


def _check_settings(args: Any, per_rank: bool) -> None:
    for name, needed in NEEDED.items():
        found = getattr(args, name, needed)
        if (found or 0) != needed:
            raise HostError(f"`{name}` is {found!r}, which changes the loss beside the objective: expected {needed!r}")
    if getattr(args, "use_kl_loss", False) and getattr(args, "kl_loss_coef", 0.0):
        raise HostError(f"`kl_loss_coef` is {args.kl_loss_coef!r}, which adds a KL to the objective: expected 0")
    batch = getattr(args, "rollout_batch_size", None)
    step = getattr(args, "global_batch_size", None)
    if batch is not None and step is not None and int(batch) * int(args.n_samples_per_prompt) != int(step):
        raise HostError(
            f"`global_batch_size` is {step}, expected rollout_batch_size x n_samples_per_prompt = "
            f"{int(batch) * int(args.n_samples_per_prompt)}: an objective is asked about all samples of one update"
        )
    ranks = int(getattr(args, "data_parallel_size", 1) or 1)
    if ranks > 1 and not per_rank:
        raise HostError(
            f"{ranks} data-parallel ranks, each with rows of its own: say `per_rank=True` if the objective looks at "
            "one group alone, and let slime keep groups whole"
        )


def _column(data: dict[str, Any], key: str, lengths: Any, otherwise: Any = None) -> Any:
    """Log-probabilities of the tokens of all rows, one behind the other; `otherwise` if the batch has none."""
    rows = data.get(key)
    if rows is None:
        return otherwise
    parts = [_host.array(row).ravel() for row in rows]
    for number, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        if len(part) != int(length):
            raise HostError(
                f"`{key}` of row {number} has {len(part)} tokens, expected {int(length)} (context parallel?)"
            )
    return _host.token_log_probs(np.concatenate(parts) if parts else np.zeros(0), f"`{key}`")


def _like(known: Any, values: Any) -> Any:
    """Values as float32 beside a tensor, or as an array."""
    if hasattr(known, "new_tensor"):
        import torch

        return torch.as_tensor(values, dtype=torch.float32, device=known.device)
    return np.asarray(values, np.float32)
