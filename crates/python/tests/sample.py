"""What a user writes, for the type checker and to be run: every public name once."""

from __future__ import annotations

import pickle

import numpy as np
import numpy.typing as npt

import pstar


def loss(objective: pstar.Objective, log_probs: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> float:
    """-(1/N) sum of c log q, and what the objective tells."""
    answer: pstar.Coefficients = objective.coefficients(
        rewards=[1, 0], groups=np.array([0, 0]), log_probs=log_probs, mask=mask, step=0, log_partition={0: -1.5}
    )
    values: npt.NDArray[np.float64] = answer.values
    figures: dict[str, float] = answer.diagnostics
    entropy: npt.NDArray[np.float64] | None = answer.entropy
    assert entropy is None and all(isinstance(figure, float) for figure in figures.values())
    return -float((values * log_probs).sum()) / len(mask)


def main() -> None:
    objective = pstar.Objective("grpo-trl", {"clip": {"Ppo": {"low": 0.2, "high": 0.28}}, "scale": pstar.Ron("[]")})
    mask = np.array([[True, True], [True, False]])
    found = loss(objective, np.full((2, 2), -0.5, np.float32), mask)
    # Token mean over three tokens of advantages ±1/2: c = ±(1/2)(2/3), so that -(1/2)(-0.5)(2 - 1)/3 is left.
    assert abs(found - 0.5 * 0.5 / 3) < 1e-12
    state: pstar.State = objective.state
    objective.restore(state)
    copied: pstar.Objective = pickle.loads(pickle.dumps(objective))
    assert copied.name == "grpo-trl" and copied.declaration["minimum_group"] == 2
    names: list[str] = [component["name"] for component in pstar.plugins()]
    assert "rloo" in names
    verdicts: list[dict[str, object]] = pstar.probe("verifier", ["ab"], plugin="regex", config={"pattern": "ab"})
    rows = [{"group": 0, "reward": reward, "log_probs": [-0.5]} for reward in (1, 0)]
    answer: dict[str, object] = pstar.probe("objective", {"step": 0, "sequences": rows}, plugin="rloo")
    assert verdicts[0]["valid"] is True and answer["coefficients"] == [[1.0], [-1.0]]
    for error in (pstar.ConfigError, pstar.BatchError, pstar.WrongTypeError):
        assert issubclass(error, pstar.PstarError)


if __name__ == "__main__":
    main()
