#!/usr/bin/env python3
"""Holds what the host makes of the folder `model` against a second implementation, in float64, of the GGUF file itself.

    python3 check.py HOST GGUF [--experiment FILE]

The second implementation shares with `convert.py` how blocks of numbers are decoded (gguf.py), and nothing else: queries
and keys stay as the GGUF file has them, turned in pairs 2j, 2j + 1, and the context is read by the library tokenizers.
First the model goes on with "The capital of Italy is"; then log-probabilities of outputs by `host probe model`, among
the symbols and the end alone, must be the same to 3e-4.
Needs numpy and tokenizers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from gguf import Array, Gguf

TOLERANCE = 3e-4
ITALY = "The capital of Italy is"
SYMBOLS = "0123456789+-*"
CONTEXT = "6=2*3\n15=9+6\n8=10-2\n20=4*5\n"
HORIZON = 3
CASES = [("7=", "7"), ("7=", "0+7"), ("12=", ""), ("12=", "3*4"), ("40=", "+-"), ("40=", "999")]


class Model:
    """The network of a GGUF file."""

    def __init__(self, file: Gguf) -> None:
        of = lambda name: file.field(f"llama.{name}")  # noqa: E731
        self.file = file
        self.layers, self.heads = of("block_count"), of("attention.head_count")
        self.shared = self.heads // of("attention.head_count_kv")
        self.epsilon, self.theta = of("attention.layer_norm_rms_epsilon"), of("rope.freq_base")
        self.size = of("rope.dimension_count")
        self.embedding = file.tensor("token_embd.weight")

    def weight(self, name: str) -> Array:
        return self.file.tensor(f"{name}.weight").astype(np.float64)

    def norm(self, x: Array, name: str) -> Array:
        """x / √(mean of x² + ε), times the gain."""
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.weight(name)

    def split(self, x: Array) -> Array:
        """Tokens × width as heads × tokens × size."""
        return x.reshape(len(x), -1, self.size).swapaxes(0, 1)

    def turn(self, x: Array) -> Array:
        """Turns numbers 2j and 2j + 1 of the token at t, as a complex number, by t θ^(−2j / size)."""
        speeds = self.theta ** (-np.arange(0, self.size, 2) / self.size)
        angles = np.arange(x.shape[1])[:, None] * speeds
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], -1).reshape(x.shape)

    def attend(self, x: Array, layer: str) -> Array:
        q, k, v = (self.split(x @ self.weight(f"{layer}.attn_{part}").T) for part in "qkv")
        q, k, v = self.turn(q), self.turn(k).repeat(self.shared, 0), v.repeat(self.shared, 0)
        scores = q @ k.swapaxes(1, 2) / np.sqrt(self.size)
        scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return (shares @ v).swapaxes(0, 1).reshape(x.shape) @ self.weight(f"{layer}.attn_output").T

    def logits(self, tokens: list[int]) -> Array:
        """Those of all tokens behind each of some."""
        x = self.embedding[tokens].astype(np.float64)
        for layer in (f"blk.{number}" for number in range(self.layers)):
            x = x + self.attend(self.norm(x, f"{layer}.attn_norm"), layer)
            y = self.norm(x, f"{layer}.ffn_norm")
            gate, up = (y @ self.weight(f"{layer}.ffn_{part}").T for part in ("gate", "up"))
            x = x + (gate / (1 + np.exp(-gate)) * up) @ self.weight(f"{layer}.ffn_down").T
        head = "output" if "output.weight" in self.file.entries else "token_embd"
        return self.norm(x, "output_norm") @ self.weight(head).T


def log_softmax(logits: Array) -> Array:
    """Log-probabilities, row by row."""
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def continued(model: Model, reader: Tokenizer, text: str, count: int) -> str:
    """What the model finds likeliest behind a text, token by token."""
    tokens = reader.encode(text).ids
    for _ in range(count):
        tokens.append(int(model.logits(tokens)[-1].argmax()))
    return reader.decode(tokens)[len(text) :]


def restricted(model: Model, reader: Tokenizer, prompt: str, output: str) -> list[float]:
    """Log-probabilities of the symbols of an output, and of its end if it is shorter than it may be."""
    one = reader.token_to_id
    choices = [*map(one, SYMBOLS), one("Ċ")]
    response = [one(symbol) for symbol in output] + [one("Ċ")] * (len(output) < HORIZON)
    lead = reader.encode(CONTEXT).ids + [one(symbol) for symbol in prompt]
    rows = log_softmax(model.logits(lead + response)[len(lead) - 1 : -1, choices])
    return [float(row[choices.index(token)]) for row, token in zip(rows, response, strict=True)]


def probe(host: str, experiment: Path, cases: list[tuple[str, str]]) -> list[dict]:
    """What the host says of prompts and outputs, which end unless they are as long as they may be."""
    lines = [
        json.dumps({"prompt": prompt, "response": output, "ended": len(output) < HORIZON})
        for prompt, output in cases
    ]
    command = [host, "probe", "model", "--experiment", str(experiment)]
    answer = subprocess.run(command, input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def main() -> None:
    folder = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--experiment", type=Path, default=folder.parent / "smollm.ron")
    given = parser.parse_args()

    model, reader = Model(Gguf(given.gguf)), Tokenizer.from_file(str(folder / "model/tokenizer.json"))
    print(f"goes on: {ITALY}{continued(model, reader, ITALY, 2)}")
    worst = 0.0
    for (prompt, output), found in zip(CASES, probe(given.host, given.experiment, CASES), strict=True):
        expected = restricted(model, reader, prompt, output)
        differences = [abs(a - b) for a, b in zip(expected, found["token_log_probs"], strict=True)]
        worst = max(worst, *differences)
        print(f"{prompt}{output}: {found['log_prob']:.6f}, differs by {max(differences):.1e} at most")
    print(f"greatest difference {worst:.1e}, tolerance {TOLERANCE:.0e}")
    sys.exit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
