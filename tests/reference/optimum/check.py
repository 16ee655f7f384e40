#!/usr/bin/env python3
"""Checks the reference itself: published optima of two toys, and a grid over classes of one parameter.

    python3 check.py

The toys are bigrams over {a, b} of fixed length (palindromes, T = 8; an even number of a's, T = 5) with their optima's
validity rate, entropy and top-1 to the digits printed. The grid is uniform in the logit, with golden sections around its
minima, and Diracs; agreement is within 1e-9.
"""

import math

from optimum import by_number, optima
from space import Space
from tasks import objectives, task_of

BIGRAM = {"order": 2, "position_dependent": False}
COMMON = {"alphabet": ["a", "b"], "prompt_alphabet": [], "end": False, "truncated_is_invalid": False, "prompts": [""]}
COMMON |= {"weights": None, "policy": BIGRAM}
PALINDROMES = "|".join(h + h[::-1] for h in (f"{i:04b}".replace("0", "a").replace("1", "b") for i in range(16)))
TOYS = [
    COMMON | {
        "name": "palindromes",
        "horizon": 8,
        "base": {"order": 2, "tables": [{"^": [0.5, 0.5], "a": [0.5, 0.5], "b": [0.2, 0.8]}]},
        "pattern": PALINDROMES,
    },
    COMMON | {
        "name": "parity",
        "horizon": 5,
        "base": {"order": 2, "tables": [{"^": [0.3, 0.7], "a": [0.75, 0.25], "b": [0.25, 0.75]}]},
        "pattern": "(b|ab*a)*",
    },
]
KNOWN = {  # validity, H(q), top-1
    "palindromes": {
        "kl 2": (0.3689, 3.424, 0.333), "kl 5": (0.9853, 0.262, 0.952), "kl 10": (0.9999, 0.156, 0.9640),
        "kl 20": (1.0, 0.155, 0.9641), "forward": (0.5317, 2.628, 0.505), "alpha 0.25": (0.8060, 1.256, 0.792),
        "alpha 0.5": (1.0, 0.155, 0.9641), "alpha 0.75": (1.0, 0.155, 0.9641), "alpha 0.9": (1.0, 0.155, 0.9641),
    },
    "parity": {
        "kl 2": (0.6630, 2.270, 0.437), "kl 5": (0.9253, 0.669, 0.872), "kl 10": (0.9953, 0.066, 0.9908),
        "kl 20": (1.0, 0.0007, 0.9999), "forward": (0.6108, 2.575, 0.338), "alpha 0.25": (0.6441, 2.392, 0.400),
        "alpha 0.5": (0.7417, 1.838, 0.570), "alpha 0.75": (0.9560, 0.431, 0.913), "alpha 0.9": (0.9993, 0.012, 0.999),
    },
}


def toys():
    for task in TOYS:
        space = Space(task)
        task["objectives"] = objectives(space)
        found = optima(task, 300, 1)["optima"]
        for name, known in KNOWN[task["name"]].items():
            table = by_number(space, found[name]["table"])
            masses = [(math.prod(table[r][k] for r, k in o.choices), o.valid) for o in space.prompts[0].outputs]
            figures = (
                math.fsum(q for q, valid in masses if valid),
                -math.fsum(q * math.log(q) for q, _ in masses if q > 0),
                max(q for q, _ in masses),
            )
            assert all(abs(x - y) < 6e-4 for x, y in zip(figures, known)), (task["name"], name, figures, known)
        print("toy", task["name"], "agrees")


def golden(f, low, high):
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-8:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if f(left) < f(right):
            high = right
        else:
            low = left
    return f((low + high) / 2)


def grid(space, objective):
    def f(x):
        return space.value(objective, [(1 / (1 + math.exp(-x)), 1 / (1 + math.exp(x)))])

    points = [i / 5 for i in range(-200, 201)]
    values = [f(x) for x in points]
    found = [*values, space.value(objective, [(1.0, 0.0)]), space.value(objective, [(0.0, 1.0)])]
    for i in range(1, len(points) - 1):
        if math.inf > values[i] <= min(values[i - 1], values[i + 1]):
            found.append(golden(f, points[i - 1], points[i + 1]))
    return min(found)


def grids(count):
    for index in range(400):
        task = task_of(index)
        space = Space(task)
        if len(space.rows) * space.width != 2 or sum(len(p.outputs) for p in space.prompts) > 32:
            continue
        found = optima(task, 100, 1)["optima"]
        for name, objective in task["objectives"].items():
            value, known = float(found[name]["value"]), grid(space, objective)
            assert value == known or abs(value - known) <= 1e-9 * max(1, abs(known)), (task["name"], name, value, known)
        print(task["name"], "agrees with its grid")
        count -= 1
        if count == 0:
            return


if __name__ == "__main__":
    toys()
    grids(12)
