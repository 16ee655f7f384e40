"""Masses times probabilities, summed by target."""
import math

import numpy as np

import timing


def prepare(layers):
    layers = [(targets.ravel(), probs, behind) for targets, probs, behind in layers]

    def run():
        masses = np.ones(1)
        for targets, probs, behind in layers:
            masses = np.bincount(targets, (masses[:, None] * probs).ravel(), behind)
        return math.log(masses[0])

    return run


timing.report(f"numpy {np.__version__}, bincount", prepare)
