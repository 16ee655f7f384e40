"""A verifier and an objective: nothing of pstar need be imported."""

import numpy as np


class Balanced:
    """Valid is what closes every bracket that it opens."""

    def accepts(self, prompt, response):
        open = 0
        for symbol in response:
            open += 1 if symbol == "(" else -1
            if open < 0:
                return False
        return open == 0

    # Symbol by symbol: what must be remembered is how many are open. Exact figures can then be had at any length.

    def start(self, prompt):
        return 0

    def read(self, open, symbol):
        open += 1 if symbol == "(" else -1
        return None if open < 0 else open

    def accepting(self, open):
        return open == 0


class Focal:
    """The reward minus the mean of the others, weighted by (1 - share of right answers)^gamma."""

    declaration = {"minimum_group": 2}

    def __init__(self, gamma):
        if gamma < 0:
            raise ValueError(f"`gamma` must be at least 0, found {gamma}")
        self.gamma = gamma

    def step(self, batch):
        rewards = batch.rewards
        size, right = batch.per_row(batch.group_sizes), batch.per_row(batch.sum_by_group(rewards))
        advantage = rewards - (right - rewards) / (size - 1)
        weight = (1 - right / size) ** self.gamma
        return weight * advantage, {"weight": float(np.mean(weight))}
