#!/usr/bin/env python3
"""Makes expressions.jsonl: arithmetic expressions that are meant to evaluate to the number of their prompt.

A learner's exercise book: for a random target an expression of at most five symbols that hits it (short ones more
often), and in 30 % of the entries the right expression of some other target instead. Deterministic; Python 3
standard library only.

    python3 make_expressions.py > expressions.jsonl
"""

import itertools
import json
import random
import re

LARGEST = 36
ENTRIES = 6000
MISTAKES = 0.3
LENGTH = 5


def well_formed():
    """All expressions of at most LENGTH symbols without leading zeros, with their values."""
    number = re.compile(r"(0|[1-9][0-9]*)([-+*](0|[1-9][0-9]*))*")
    for length in range(1, LENGTH + 1):
        for symbols in itertools.product("0123456789+-*", repeat=length):
            text = "".join(symbols)
            if number.fullmatch(text):
                yield text, eval(text)


def main():
    rng = random.Random(20260502)
    solutions = {target: ([], []) for target in range(LARGEST + 1)}
    for text, value in well_formed():
        if value in solutions:
            texts, weights = solutions[value]
            texts.append(text)
            weights.append(0.25 ** len(text))
    for _ in range(ENTRIES):
        target = rng.randrange(LARGEST + 1)
        solved = rng.randrange(LARGEST + 1) if rng.random() < MISTAKES else target
        response = rng.choices(*solutions[solved])[0]
        print(json.dumps({"prompt": f"{target}=", "response": response}))


if __name__ == "__main__":
    main()
