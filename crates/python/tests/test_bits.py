"""Coefficients equal those of the program to the bit: for every objective that it lists, in every layout."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from asked import CONFIGS, arguments, batches, by_row, host_answer, rounded
from conftest import ROOT

import pstar

BATCHES = batches()
GOLDEN = json.loads((ROOT / "tests/reference/objectives/golden.json").read_text())
REFERENCE = json.loads((ROOT / "tests/reference/objectives.json").read_text())


def objectives() -> list[str]:
    return [c["name"] for c in pstar.plugins() if c["kind"] == "objective" and c["name"] != "python"]


def same(found: list[list[float]], expected: list[list[float]]) -> bool:
    """To the bit, but for the sign of 0, which JSON keeps as well."""
    flat = [np.array([x for row in rows for x in row]).view(np.uint64) for rows in (found, expected)]
    return [len(row) for row in found] == [len(row) for row in expected] and np.array_equal(*flat)


def test_the_package_lists_what_the_program_lists(host: str) -> None:
    listed = json.loads(subprocess.run([host, "plugins", "--json"], capture_output=True, check=True).stdout)["components"]
    without_place = lambda component: {k: v for k, v in component.items() if k not in ("file", "sha256")}  # noqa: E731
    ours = [without_place(c) for c in pstar.plugins()]
    # Classes of Python are this package's alone.
    assert [c["kind"] for c in ours if c["name"] == "python"] == ["verifier", "objective"]
    assert [c for c in ours if c["name"] != "python"] == [without_place(c) for c in listed]
    assert len(objectives()) >= 77


@pytest.mark.parametrize("name", objectives())
def test_every_objective_gives_the_program_s_bits(host: str, name: str) -> None:
    cases = [(config, batch, of) for config in CONFIGS.get(name, ["()"]) for batch in BATCHES for of in ("double", "single")]

    def given(case: tuple[str, str, str]) -> dict:
        return rounded(BATCHES[case[1]]) if case[2] == "single" else BATCHES[case[1]]

    with ThreadPoolExecutor(2) as pool:
        expected = list(pool.map(lambda case: host_answer(host, name, case[0], given(case)), cases))
    answered = set()
    for case, answer in zip(cases, expected):
        config, batch = case[0], given(case)
        for layout in ("single",) if case[2] == "single" else ("padded", "ragged"):
            asked = arguments(batch, layout)
            objective = pstar.Objective(name, config)
            if isinstance(answer, str):
                with pytest.raises(pstar.PstarError) as refusal:
                    objective.coefficients(**asked)
                lacks = objective.declaration["base_log_probs"] and "base_log_probs" not in asked
                words = "`base_log_probs` must be given" if lacks else answer.strip()
                assert words in str(refusal.value), (case, layout)
                continue
            found = objective.coefficients(**asked)
            assert found.values.dtype == np.float64 and found.values.shape == asked["log_probs"].shape
            assert same(by_row(found.values, batch), answer["coefficients"]), (case, layout)
            assert found.diagnostics == {k: float(v) for k, v in answer["diagnostics"].items()}, (case, layout)
            answered.add(case[:2])
    # Every configuration is one that answers.
    assert {config for config, _ in answered} == set(CONFIGS.get(name, ["()"]))


def test_cases_of_the_second_evaluator() -> None:
    """The same configurations and batches that its values are kept for, against the program's own way of asking."""
    asked = 0
    for case in GOLDEN:
        batch = case.get("batch")
        if batch is None:
            continue
        answer = pstar.probe("objective", batch, plugin=case["plugin"], config=case["config"])
        for layout in ("padded", "ragged"):
            objective = pstar.Objective(case["plugin"], case["config"])
            given = arguments(batch, layout)
            if objective.declaration["outcomes"] and "outcomes" not in given:
                given["outcomes"] = range(len(given["groups"]))
            found = objective.coefficients(**given)
            assert same(by_row(found.values, batch), answer["coefficients"]), (case["name"], layout)
            asked += 1
    assert asked > 1000


def test_steps_of_an_objective_that_learns_equal_independent_values() -> None:
    """1e-12 of the largest coefficient, the tolerance of the values' own test."""
    learning = [case for case in REFERENCE if "steps" in case]
    assert learning
    for case in learning:
        objective = pstar.Objective(case["objective"], case["config"])
        for batch, expected in zip(case["steps"], case["coefficients"], strict=True):
            given = arguments(batch, "padded")
            found = [x for row in by_row(objective.coefficients(**given).values, batch) for x in row]
            wanted = [x for row in expected for x in row]
            scale = max(1.0, *map(abs, wanted))
            assert np.abs(np.array(found) - wanted).max() <= 1e-12 * scale, case["name"]
