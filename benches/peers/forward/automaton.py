"""The automaton that every peer reads: one text file, written here.

The first line holds states, symbols, horizon. A line a state follows: whether it accepts, then target and
log-probability of each symbol. State 0 starts; after `horizon` symbols an output is valid if the state accepts.
"""
import math
import pathlib

MASK = 2**64 - 1


def mixed(x):
    """A number in 0..2^53 that looks random."""
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return (x ^ x >> 31) >> 11


def write(path, states, symbols, horizon):
    """Scattered moves within either half of the states, of which the lower accepts.

    One move in 64 changes the half, so that the mass of the lower depends on every single layer.
    """
    half = states // 2
    lines = [f"{states} {symbols} {horizon}"]
    for state in range(states):
        fields = [str(int(state < half))]
        numbers = range(state * symbols + 1, (state + 1) * symbols + 1)
        logits = [mixed(number) / 2**53 for number in numbers]
        log_sum = math.log(math.fsum(map(math.exp, logits)))
        for number, logit in zip(numbers, logits):
            move = mixed(number + (1 << 40))
            upper = (state >= half) != (move % 64 == 0)
            fields += [str(upper * half + (move >> 6) % half), repr(logit - log_sum)]
        lines.append(" ".join(fields))
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def layers(path):
    """For each position: target nodes (nodes × symbols), probabilities (nodes × symbols), nodes behind.

    Nodes are the states that can be reached there; behind the last symbol they are two, valid and invalid. Equal
    neighbours are the same object.
    """
    import numpy as np

    with open(path) as file:
        states, symbols, horizon = map(int, file.readline().split())
        table = np.loadtxt(file)
    accepts, moves, probs = table[:, 0] == 1, table[:, 1::2].astype(np.int64), np.exp(table[:, 2::2])
    made, here = [], np.array([0])
    for position in range(horizon):
        if position + 1 == horizon:
            made.append((np.where(accepts, 0, 1)[moves[here]], probs[here], 2))
            break
        behind = np.unique(moves[here])
        if position > 0 and np.array_equal(behind, here) and np.array_equal(before, here):
            made.append(made[-1])
        else:
            number = np.full(states, -1)
            number[behind] = np.arange(len(behind))
            made.append((number[moves[here]], probs[here], len(behind)))
        before, here = here, behind
    return made
