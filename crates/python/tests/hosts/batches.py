"""Batches that nothing sampled: tokens at random, for libraries that are handed completions."""

from __future__ import annotations

import numpy as np
import torch
from by_hand import Row
from tiny import LONGEST, PAD, WORDS, verdict


def rows(seed: int, groups: int = 4, size: int = 4) -> list[Row]:
    """Completions of unequal length for prompts of equal length."""
    random = np.random.default_rng(seed)
    made = []
    for group in range(groups):
        prompt = random.integers(2, len(WORDS), 3).tolist()
        for _ in range(size):
            completion = random.integers(2, len(WORDS), random.integers(1, LONGEST + 1)).tolist()
            made.append(Row(prompt, completion, verdict(prompt, completion), group, ended=True))
    return made


def padded(batch: list[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of completions and their mask, rows x tokens, padded behind."""
    longest = max(len(row.tokens) for row in batch)
    ids = torch.tensor([row.tokens + [PAD] * (longest - len(row.tokens)) for row in batch])
    mask = torch.tensor([[1] * len(row.tokens) + [0] * (longest - len(row.tokens)) for row in batch])
    return ids, mask


def padded_log_probs(model, batch: list[Row], temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities of completions of prompts of one length, rows x tokens, as a training library takes them."""
    ids, _ = padded(batch)
    prompts = torch.tensor([row.prompt for row in batch])
    logits = model(torch.cat([prompts, ids], dim=1)).logits[:, prompts.size(1) - 1 : -1] / temperature
    return torch.log_softmax(logits, dim=-1).gather(2, ids.unsqueeze(2)).squeeze(2)
