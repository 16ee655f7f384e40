"""Sums of reasoning-gym, scored by the library. `python3 gym_sums.py prompts > gym-prompts.txt` writes the prompts."""
import sys

import reasoning_gym
from pstar_verifier import serve

data = reasoning_gym.create_dataset("chain_sum", size=6, seed=1, min_terms=2, max_terms=2, min_digits=1, max_digits=1)
entries = {entry["question"]: entry for entry in data}

if sys.argv[1:] == ["prompts"]:
    print("\n".join(entries))
else:
    # A prompt that is none of the dataset is an error, and so no verdict.
    serve(lambda prompt, response: data.score_answer(response, entries[prompt]))
