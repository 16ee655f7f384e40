"""Masses times a sparse matrix a layer, in two ways: as one writes it, and with the matrices transposed beforehand."""
import math

import numpy as np
import scipy
from scipy.sparse import csr_array

import timing


def matrix(layer):
    """Built from its arrays, so that symbols with the same target stay apart, as with the other peers."""
    targets, probs, behind = layer
    nodes, symbols = targets.shape
    # 32-bit indices make the products faster.
    first = np.arange(nodes + 1, dtype=np.int32) * symbols
    return csr_array((probs.ravel(), targets.ravel().astype(np.int32), first), shape=(nodes, behind))


def once_each(make, layers):
    made = {id(layer): make(layer) for layer in {id(layer): layer for layer in layers}.values()}
    return [made[id(layer)] for layer in layers]


def scatter(layers):
    matrices = once_each(matrix, layers)

    def run():
        masses = np.ones(1)
        for matrix in matrices:
            masses = masses @ matrix
        return math.log(masses[0])

    return run


def gather(layers):
    matrices = once_each(lambda layer: matrix(layer).T.tocsr(), layers)

    def run():
        masses = np.ones(1)
        for matrix in matrices:
            masses = matrix @ masses
        return math.log(masses[0])

    return run


timing.report(f"SciPy {scipy.__version__}, masses @ matrix", scatter)
timing.report(f"SciPy {scipy.__version__}, transposed @ masses", gather)
