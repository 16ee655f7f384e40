"""Gradients by hand: float64, one unpadded sequence at a time, nothing of the shims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

import pstar


@dataclass
class Row:
    """A completion that was sampled."""

    prompt: list[int]
    completion: list[int]
    reward: float
    group: int
    ended: bool
    #: Whether its tokens count; those of a truncated completion may not.
    counts: bool = True

    @property
    def tokens(self) -> list[int]:
        return self.completion if self.counts else []


def log_probs(model, row: Row, temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities of the tokens of a row."""
    if not row.tokens:
        return torch.zeros(0, dtype=torch.float64)
    logits = model(torch.tensor([row.prompt + row.tokens])).logits[0, len(row.prompt) - 1 : -1]
    every = torch.log_softmax(logits / temperature, dim=-1)
    return every[torch.arange(len(row.tokens)), torch.tensor(row.tokens)]


def scored(model, rows: list[Row], temperature: float = 1.0) -> list[np.ndarray]:
    """The same of all rows, without gradient."""
    with torch.no_grad():
        return [log_probs(model, row, temperature).numpy() for row in rows]


def loo(rows: list[Row], q, b, a, epoch=0) -> list[np.ndarray]:
    """REINFORCE with the mean of the others and the importance weight of the sequence, from its formula."""
    answer = []
    for number, row in enumerate(rows):
        others = [other.reward for at, other in enumerate(rows) if other.group == row.group and at != number]
        weight = np.exp(q[number].sum() - b[number].sum())
        answer.append(np.full(len(q[number]), weight * (row.reward - sum(others) / len(others))))
    return answer


def grpo_trl(rows: list[Row], q, b, a, epoch=0) -> list[np.ndarray]:
    """TRL's GRPO from its formula: deviation with ddof 1 and 1e-4, clip at 0.2, mean over the tokens of the batch."""
    tokens = sum(len(row.tokens) for row in rows)
    answer = []
    for number, row in enumerate(rows):
        same = np.array([other.reward for other in rows if other.group == row.group])
        advantage = (row.reward - same.mean()) / (same.std(ddof=1) + 1e-4)
        ratio = np.exp(q[number] - b[number])
        cut = (ratio > 1.2) if advantage > 0 else (ratio < 0.8)
        answer.append(np.where(cut, 0.0, advantage * ratio) * len(rows) / tokens)
    return answer


class Asks:
    """Coefficients of an objective of the wheel, asked with ragged float64 columns."""

    def __init__(self, name: str, config: str = "()"):
        self.objective = pstar.Objective(name, config)
        self.prompts: list[tuple[tuple[int, ...], int]] = []

    def numbers(self, rows: list[Row]) -> np.ndarray:
        """Of each row the number of its prompt, over all batches: objectives such as `alpha` learn log Z of a prompt.

        The second group of a prompt in a batch has a number of its own."""
        begin = {row.group: tuple(row.prompt) for row in rows}
        groups = sorted(begin)
        names = {
            group: (begin[group], sum(begin[other] == begin[group] for other in groups if other < group))
            for group in groups
        }
        self.prompts += [names[group] for group in groups if names[group] not in self.prompts]
        return np.array([self.prompts.index(names[row.group]) for row in rows], np.uint32)

    def __call__(self, rows: list[Row], q, b, a, epoch=0) -> list[np.ndarray]:
        lengths = [len(values) for values in q]
        answer = self.objective.coefficients(
            rewards=np.array([row.reward for row in rows]),
            groups=self.numbers(rows),
            lengths=lengths,
            log_probs=np.concatenate(q),
            behaviour_log_probs=np.concatenate(b),
            base_log_probs=None if a is None else np.concatenate(a),
            ended=np.array([row.ended for row in rows]),
            horizon=10,
            epoch=epoch,
        )
        return np.split(answer.values, np.cumsum(lengths)[:-1])


def gradient(
    model, rows: list[Row], coefficients: list[np.ndarray], temperature: float = 1.0
) -> dict[str, torch.Tensor]:
    """d/dw of -(1/N) sum of c log q."""
    model.zero_grad()
    loss = torch.zeros((), dtype=torch.float64)
    for row, c in zip(rows, coefficients, strict=True):
        loss = loss - (torch.from_numpy(np.asarray(c)) * log_probs(model, row, temperature)).sum() / len(rows)
    loss.backward()
    return {name: value.grad.clone() for name, value in model.named_parameters()}


def error(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Largest difference over largest number expected."""
    assert found.keys() == expected.keys()
    largest = max(float(value.abs().max()) for value in expected.values())
    assert largest > 1e-3, "the gradient expected is about 0: this shows nothing"
    return max(float((found[name].double() - value).abs().max()) for name, value in expected.items()) / largest


def longest(q: list[np.ndarray]) -> float:
    """Largest sum of |log q| over a row, by which rounding of float32 log-probabilities grows in weights of rows."""
    return max(float(np.abs(values).sum()) for values in q)
