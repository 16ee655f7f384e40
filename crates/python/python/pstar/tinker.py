# mypy: disable-error-code="import-not-found,unused-ignore"
"""`loss`: an objective as the loss function of tinker's `forward_backward_custom`.

    loss = pstar.tinker.loss(pstar.Objective("alpha-dpg", "(alpha: 0.5)"))
    client.forward_backward_custom(data, loss)

A call is an optimizer step: `data` are all its rows, whole groups. The loss is -(1/N) sum of c log q over the tokens
of the N rows, with c of the objective for the whole step; the weights that tinker sends to its server are c/N to the
bit of float32.

Each datum's `loss_fn_inputs` has, besides `target_tokens`:

| key | what | shape |
|---|---|---|
| `mask` | 1 on the tokens of the completion, 0 on those of the prompt | T |
| `reward` | the verdict, 0 or 1 | 1 |
| `group` | number of the prompt, the same over the run for objectives that learn of prompts | 1 |
| `log_b` | log-probabilities of what sampled, in nats; without it the policy's own | T |
| `log_a` | log-probabilities under the base, in nats; where the objective reads them | T |
| `ended` | whether the completion came to its end; 1 without it | 1 |

Tinker keeps lists of numbers for keys of its own alone: give arrays or tensors. Refused, with a `HostError`: rewards
other than 0 and 1; a missing key, or one that some rows have and others do not; a mask with holes or of another
length; a log-probability above 0. The state of the objective (the step's number, a running log Z) lives in the
`Objective`: keep one, and pickle it with your checkpoints. `create_custom_loss` runs on the server, where this cannot
be called. Nothing of tinker is imported: what has `loss_fn_inputs` will do. Tried with tinker 0.38.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pstar import _host
from pstar._host import Asked, HostError

__all__ = ["HostError", "loss"]


def loss(
    objective: Asked, *, group_size: int | None = None, horizon: int = 0
) -> Callable[[Sequence[Any], Sequence[Any]], tuple[Any, dict[str, float]]]:
    """The loss function of an objective: `(data, logprobs) -> (loss, figures)`.

    `group_size`: refuse groups of another size. `horizon`: the longest completion, in tokens, for objectives that
    divide by it.
    """
    _host.check_objective(objective)

    def of_data(data: Sequence[Any], logprobs: Sequence[Any]) -> tuple[Any, dict[str, float]]:
        import torch

        if len(data) != len(logprobs) or not data:
            raise HostError(
                f"{len(data)} rows with {len(logprobs)} rows of log-probabilities: expected one each, and some"
            )
        inputs = [datum.loss_fn_inputs for datum in data]
        masks = [_mask(row, number, len(logprobs[number])) for number, row in enumerate(inputs)]
        groups = _host.whole_numbers(_numbers(inputs, "group"), "`group`")
        if group_size is not None:
            _host.check_groups(groups, group_size, "this batch")
        ended = np.asarray(_numbers(inputs, "ended")) != 0 if _given(inputs, "ended") else None
        own = [_host.array(values)[mask] for values, mask in zip(logprobs, masks, strict=True)]
        values, figures = _host.ask(
            objective,
            rewards=_host.verdicts(_numbers(inputs, "reward"), "this batch"),
            groups=groups,
            lengths=np.asarray([mask.sum() for mask in masks], np.uint64),
            log_probs=_host.token_log_probs(np.concatenate(own), "the policy"),
            behaviour_log_probs=_column(inputs, "log_b", masks),
            base_log_probs=_column(inputs, "log_a", masks),
            ended=ended,
            horizon=horizon,
            without_base="give every row `log_a`",
        )
        total = torch.zeros((), dtype=logprobs[0].dtype, device=logprobs[0].device)
        start = 0
        for row, mask in zip(logprobs, masks, strict=True):
            weights = np.zeros(len(mask))
            weights[mask] = values[start : start + int(mask.sum())] / len(data)
            start += int(mask.sum())
            # Rows without coefficients have a gradient too: tinker refuses those that have none.
            total = total - (torch.from_numpy(weights).to(row) * row).sum()
        return total, {f"pstar/{name}": value for name, value in figures.items()}

    return of_data


def _given(inputs: Sequence[Mapping[str, Any]], key: str) -> bool:
    """Whether rows have this; refuses where only some do."""
    found = [key in row for row in inputs]
    if any(found) and not all(found):
        raise HostError(f"row {found.index(False)} lacks `{key}` in its loss_fn_inputs, which others have")
    return any(found)


def _numbers(inputs: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """One number a row."""
    if not _given(inputs, key):
        raise HostError(f"no row has `{key}` in its loss_fn_inputs, which are: {', '.join(sorted(inputs[0]))}")
    answer = []
    for number, row in enumerate(inputs):
        values = _host.array(row[key]).ravel()
        if values.size != 1:
            raise HostError(f"`{key}` of row {number} has {values.size} numbers, expected 1")
        answer.append(float(values[0]))
    return answer


def _mask(row: Mapping[str, Any], number: int, tokens: int) -> NDArray[np.bool_]:
    """The tokens of the completion among those that are scored."""
    if "mask" not in row:
        raise HostError(
            f"row {number} lacks `mask` in its loss_fn_inputs: 1 on the tokens of the completion, 0 on the prompt's"
        )
    found = _host.array(row["mask"]).ravel()
    if len(found) != tokens:
        raise HostError(
            f"`mask` of row {number} has {len(found)} numbers, expected {tokens}, one a token that is scored"
        )
    if not np.isin(found, (0, 1)).all():
        raise HostError(f"`mask` of row {number} has other numbers than 0 and 1")
    inside = np.flatnonzero(found)
    if inside.size and inside[-1] - inside[0] + 1 != inside.size:
        raise HostError(f"`mask` of row {number} has holes: expected the tokens of a completion without a gap")
    return found.astype(bool)


def _column(
    inputs: Sequence[Mapping[str, Any]], key: str, masks: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64] | None:
    """Log-probabilities of the tokens of all completions, one behind the other; `None` if no row has them."""
    if not _given(inputs, key):
        return None
    parts = []
    for number, (row, mask) in enumerate(zip(inputs, masks, strict=True)):
        values = _host.array(row[key]).ravel()
        if len(values) != len(mask):
            raise HostError(f"`{key}` of row {number} has {len(values)} numbers, expected {len(mask)}, one a token")
        parts.append(values[mask])
    return _host.token_log_probs(np.concatenate(parts), f"`{key}`")
