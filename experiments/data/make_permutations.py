#!/usr/bin/env python3
"""Makes permutations.jsonl: orders of the digits of the prompt, and strings that are none.

A prompt is three to five different digits of 1 to 6 in some order; in 60 % of the entries the response is an order of these
digits, else a random string of as many digits. No entry has a prompt of six digits. Deterministic; Python 3 standard library
only.

    python3 make_permutations.py > permutations.jsonl
"""

import json
import random

DIGITS = "123456"
LENGTHS = (3, 4, 5)
ENTRIES = 7000
RIGHT = 0.6


def main():
    rng = random.Random(20261128)
    for _ in range(ENTRIES):
        prompt = rng.sample(DIGITS, rng.choice(LENGTHS))
        if rng.random() < RIGHT:
            response = rng.sample(prompt, len(prompt))
        else:
            response = rng.choices(DIGITS, k=len(prompt))
        entry = {"prompt": "".join(prompt) + "=", "response": "".join(response)}
        print(json.dumps(entry, separators=(",", ":")))


if __name__ == "__main__":
    main()
