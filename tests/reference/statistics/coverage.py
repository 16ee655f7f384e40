#!/usr/bin/env python3
"""How often nominal 95 % intervals of a mean hold it: writes `coverage.json` beside itself (2 minutes).

    venv/bin/python coverage.py

A simulation of its own, with NumPy's generator, for the table in the documentation of `pstar-stats`. Closed forms: 100,000 sets
of each distribution and number; methods that resample: 8,000 sets, each with 4,000 resamples of its own.
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

SETS, RESAMPLED_SETS, RESAMPLES = 100_000, 8_000, 4_000
DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "lognormal": lambda rng, shape: rng.lognormal(size=shape) - np.exp(0.5),
    "Laplace": lambda rng, shape: rng.laplace(size=shape),
}


def student(values):
    reach = stats.t.ppf(0.975, values.shape[1] - 1) * stats.sem(values, axis=1)
    return values.mean(1) - reach, values.mean(1) + reach


def skewness_corrected(values):
    """Willink (2005): Hall's cubic, by its inverse as it is written there."""
    n = values.shape[1]
    a = stats.skew(values, axis=1, bias=False) / np.sqrt(n)
    inverse = lambda y: 3 / a * (np.cbrt(1 + a * (y - a / 6)) - 1)
    t, error = stats.t.ppf(0.975, n - 1), stats.sem(values, axis=1)
    return values.mean(1) - error * inverse(t), values.mean(1) - error * inverse(-t)


def resampled(values, rng):
    """The intervals of one set by all methods that resample."""
    n, mean, error = len(values), values.mean(), stats.sem(values)
    drawn = values[rng.integers(0, n, (RESAMPLES, n))]
    means = drawn.mean(1)
    tail = ndtr(-stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1)))
    near = 1e-12 * np.abs(values).max()
    bias = ndtri(((means < mean - near).mean() + (means <= mean + near).mean()) / 2)
    deviations = values - mean
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    bca = [ndtr(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (ndtri(0.025), ndtri(0.975))]
    with np.errstate(divide="ignore"):
        t = (means - mean) / (drawn.std(1, ddof=1) / np.sqrt(n))
    low, high = np.quantile(t, [0.025, 0.975])
    return {
        "percentile": np.quantile(means, [0.025, 0.975]),
        "expanded percentile": np.quantile(means, [tail, 1 - tail]),
        "BCa": np.quantile(means, bca),
        "studentised": (mean - high * error, mean - low * error),
    }


def main():
    rng = np.random.default_rng(95)
    rows = []
    for n in [5, 10, 20]:
        for name, draw in DISTRIBUTIONS.items():
            row = {"n": n, "distribution": name}

            def note(method, low, high, row=row):
                held = float(np.mean((low <= 0) & (0 <= high)))
                error = (held * (1 - held) / len(low)) ** 0.5
                row[method] = [round(100 * held, 3), round(100 * error, 3)]

            values = draw(rng, (SETS, n))
            note("skewness-corrected t", *skewness_corrected(values))
            note("Student's t", *student(values))
            found = [resampled(values, rng) for values in draw(rng, (RESAMPLED_SETS, n))]
            for method in found[0]:
                note(method + " bootstrap", *np.array([one[method] for one in found]).T)
            rows.append(row)
    text = ",\n".join("  " + json.dumps(row) for row in rows)
    note = f'"numpy": "{np.__version__}", "unit": "percent, and its standard error"'
    Path(__file__).with_name("coverage.json").write_text(f'{{{note}, "coverage": [\n{text}\n]}}\n')


if __name__ == "__main__":
    main()
