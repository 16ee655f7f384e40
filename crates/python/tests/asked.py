"""Batches, as `host probe objective` reads them and as `Objective.coefficients` does."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import numpy as np

#: Configurations of objectives that none without one has, and of what presets leave out.
CONFIGS = {
    "alpha": [
        "(alpha: 0.5)",
        "(alpha: 0.3, clip: 2.0, partition: Exact)",
        "(alpha: 0.3, clip: 10.0, partition: Group)",
        "(alpha: 0.3, partition: Running)",
        "(alpha: 0.5, partition: Group, as_released: true)",
        "(alpha: 0.5, target: Power(0.5), partition: Exact)",
    ],
    "alpha-dpg": ["(alpha: 0.5)", "(alpha: 0.5, partition: Exact)"],
    "f-divergence": [
        f"(divergence: {name}, partition: {partition})"
        for name in ("ForwardKl", "JensenShannon", "TotalVariation", "Hellinger")
        for partition in ("Group", "Exact")
    ]
    + ["(divergence: ReverseKl, target: Tilted(0.5), partition: Group)"],
    "kl-control": ["(beta: 0.1)"],
    "mara": ["(beta: 0.1)"],
    "trajectory-balance": ["(beta: 0.1)", "(beta: 0.1, partition: GroupMean)"],
    "vargrad": ["(beta: 0.1)"],
    "policy-gradient": ["()", "(entropy: (coefficient: 0.01, form: Exact))", "(ratio: Sequence, aggregate: TokenSum)"],
}


def batches() -> dict[str, dict[str, Any]]:
    """Batches by name: with and without what they need not have, in and out of order."""
    draws = random.Random(7)

    def sequence(group: int, reward: int, length: int, **more: Any) -> dict[str, Any]:
        row = {"group": group, "reward": reward, "log_probs": [-draws.expovariate(1.5) for _ in range(length)]}
        for name in ("behaviour_log_probs", "base_log_probs"):
            if more.pop(name, False):
                row[name] = [min(x + draws.gauss(0, 0.3), -1e-3) for x in row["log_probs"]]
        return row | more

    def rewarded(rewards: list[list[int]], order: list[int] | None = None, **more: Any) -> list[dict[str, Any]]:
        rows = [
            sequence(g * 3 + 1, reward, draws.randint(1, 9), outcome=draws.randint(0, 2), **more)
            for g, group in enumerate(rewards)
            for reward in group
        ]
        return rows if order is None else [rows[i] for i in order]

    mixed = [[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 0]]
    shuffled = list(range(12))
    draws.shuffle(shuffled)
    known = {"log_partition": {"1": -0.7, "4": -1.9, "7": -0.2}, "log_power_partition": {"1": 0.3, "4": -1.1, "7": 0.9}}
    weighted = rewarded(mixed, shuffled, behaviour_log_probs=True, base_log_probs=True)
    for i, row in enumerate(weighted):
        row |= {"weight": 0.02 + 0.01 * i, "ended": i % 3 != 0}
    return {
        "without a base": {"step": 0, "sequences": rewarded(mixed)},
        "with a base": {"step": 0, "sequences": rewarded(mixed, base_log_probs=True)},
        "off-policy": {"step": 0, "sequences": rewarded(mixed, behaviour_log_probs=True, base_log_probs=True)},
        "known Z": {"step": 1, "sequences": rewarded(mixed, base_log_probs=True), **known},
        "out of order, weighted, cut": {"step": 2, "sequences": weighted, "horizon": 11, **known},
        "groups without variance": {
            "step": 0,
            "sequences": rewarded([[0] * 4, [1] * 4, [0, 1, 1, 0]], base_log_probs=True),
            **known,
        },
        "greater groups": {"step": 0, "sequences": rewarded([[1, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1]], base_log_probs=True)},
        "one group": {"step": 0, "sequences": rewarded([[1, 0]], base_log_probs=True, behaviour_log_probs=True), **known},
        "a group of one": {"step": 0, "sequences": rewarded([[1], [1, 0]], base_log_probs=True), **known},
    }


def host_answer(host: str, name: str, config: str, batch: dict[str, Any]) -> dict[str, Any] | str:
    """What the program answers, or the message with which it refuses."""
    command = [host, "probe", "objective", "--plugin", name, "--config", config]
    done = subprocess.run(command, input=json.dumps(batch), capture_output=True, text=True, encoding="utf-8")
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def rows_of(batch: dict[str, Any], name: str) -> list[list[float]] | None:
    """A column of tokens by sequence; None if no sequence has one."""
    if all(row.get(name) is None for row in batch["sequences"]):
        return None
    return [row.get(name, row["log_probs"]) for row in batch["sequences"]]


def arguments(batch: dict[str, Any], layout: str = "ragged") -> dict[str, Any]:
    """The batch as arguments of `coefficients`: "ragged", "padded" or "single" (padded, float32)."""
    sequences = batch["sequences"]
    count = len(sequences)
    lengths = np.array([len(row["log_probs"]) for row in sequences])
    width = max(int(lengths.max()), 1) + 2
    asked: dict[str, Any] = {
        "rewards": [row["reward"] for row in sequences],
        "groups": [row["group"] for row in sequences],
        "step": batch["step"],
        "horizon": batch.get("horizon", 0),
        "lengths": lengths,
    }
    for name in ("log_probs", "behaviour_log_probs", "base_log_probs"):
        rows = rows_of(batch, name)
        if rows is None:
            continue
        numbers = [[float(x) for x in row] for row in rows]
        if layout == "ragged":
            asked[name] = np.array([x for row in numbers for x in row], np.float64)
            continue
        # What stands behind sequences is nobody's.
        asked[name] = np.full((count, width), np.nan, np.float32 if layout == "single" else np.float64)
        for i, row in enumerate(numbers):
            asked[name][i, : len(row)] = row
    if layout != "ragged":
        asked["mask"] = np.arange(width)[None, :] < asked.pop("lengths")[:, None]
    if any("weight" in row for row in sequences):
        asked["weights"] = [row.get("weight", 1 / count) for row in sequences]
    if any("ended" in row for row in sequences):
        asked["ended"] = [row.get("ended", True) for row in sequences]
    if any("outcome" in row for row in sequences):
        asked["outcomes"] = [row["outcome"] for row in sequences]
    for name in ("log_partition", "log_power_partition"):
        if name in batch:
            asked[name] = {int(group): float(z) for group, z in batch[name].items()}
    return asked


def rounded(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch with log-probabilities that single precision holds."""
    single = lambda values: [float(np.float32(float(x))) for x in values]  # noqa: E731
    names = ("log_probs", "behaviour_log_probs", "base_log_probs")
    sequences = [row | {name: single(row[name]) for name in names if row.get(name) is not None} for row in batch["sequences"]]
    return batch | {"sequences": sequences}


def by_row(values: np.ndarray, batch: dict[str, Any]) -> list[list[float]]:
    """Coefficients by sequence, and nothing but 0 behind them."""
    lengths = [len(row["log_probs"]) for row in batch["sequences"]]
    if values.ndim == 1:
        assert len(values) == sum(lengths)
        return [part.tolist() for part in np.split(values, np.cumsum(lengths)[:-1])]
    assert all((row[length:] == 0).all() for row, length in zip(values, lengths))
    return [row[:length].tolist() for row, length in zip(values, lengths)]
