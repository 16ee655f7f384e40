"""The random numbers of resamples, as the layout of `pstar_core::rng` says, in NumPy."""

import numpy as np

BOOTSTRAP = 9  # the purpose
RESAMPLES = 4000


def philox4x32_10(counter, key):
    """Salmon, Moraes, Dror, Shaw (2011), on arrays of 32-bit words in 64 bits."""
    c, (k0, k1) = [np.asarray(word, dtype=np.uint64) for word in counter], key
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [p1 >> half ^ c[1] ^ np.uint64(k0), p1 & mask, p0 >> half ^ c[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return c


def uniform(step, prompt, sample, position):
    """At broadcast coordinates, under seed 0."""
    step, prompt, sample, position = np.broadcast_arrays(step, prompt, sample, position)
    block = philox4x32_10([position // 2, sample, prompt | BOOTSTRAP << 24, step], (0, 0))
    odd = position % 2 == 1
    low, high = np.where(odd, block[2], block[0]), np.where(odd, block[3], block[1])
    return ((high << np.uint64(32) | low) >> np.uint64(11)).astype(np.float64) / 2.0**53


def chosen(runs, tasks=1, sample=0):
    """Which run is at a place of a resample: resamples x runs x tasks, of the `sample`-th of several samples."""
    resample, run, task = np.ogrid[:RESAMPLES, :runs, :tasks]
    return (uniform(sample, task, resample, run) * runs).astype(np.int64)


# The known answers published with Random123.
ANSWERS = [
    ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([2**32 - 1] * 4, (2**32 - 1,) * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
]
for counter, key, expected in ANSWERS:
    assert [int(word) for word in philox4x32_10(counter, key)] == expected
