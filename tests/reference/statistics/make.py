#!/usr/bin/env python3
"""Reference values of statistics: writes `statistics.json` beside itself.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 rliable==1.2.0 statsmodels==0.15.0 'pandas<3'
    venv/bin/python make.py

What each is worked out by:

    student_quantiles       scipy.stats.t
    intervals               of means. `student`: scipy.stats.t. `percentile`, `bca`: scipy.stats.bootstrap.
                            `expanded_percentile`: quantiles of its distribution at Phi(-t sqrt(n / (n - 1))).
                            `studentised`: of resampled t statistics, by NumPy. `skewness_corrected`: Willink's, by NumPy
                            and scipy.stats.skew, as the greatest and least root
    sign_flips              `scipy`: scipy.stats.permutation_test over all signs; `exact`: integers, the distribution of the
                            sum as a table of counts
    holm                    statsmodels.stats.multitest
    interquartile_means     rliable.metrics.aggregate_iqm, which is scipy.stats.trim_mean
    improvements            rliable.metrics.probability_of_improvement, by scipy.stats.mannwhitneyu
    profiles                create_performance_profile of rliable

The code of SciPy and rliable is theirs; the numbers that it draws are those of the specification (`philox.py`), put in place
of its generator. Values are multiples of 2^-10 where ties and sums must be exact.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.optimize
from rliable import library, metrics
from scipy import stats
from statsmodels.stats.multitest import multipletests

from philox import RESAMPLES, chosen

FOLDER = Path(__file__).parent
LEVELS = [0.025, 0.975]


def dyadic(values):
    return np.round(np.asarray(values) * 1024) / 1024


def skewness_corrected(values):
    """Willink's interval, by finding where Hall's cubic is t and -t."""
    n, mean = len(values), values.mean()
    error = stats.sem(values)
    a = stats.skew(values, bias=False) / np.sqrt(n)
    t = stats.t.ppf(0.975, n - 1)

    def root(y):
        g = lambda x: x + a / 3 * x**2 + a**2 / 27 * x**3 + a / 6 - y
        return scipy.optimize.brentq(g, -1e3, 1e3, xtol=1e-13, rtol=1e-14)

    return [mean - error * root(t), mean - error * root(-t)]


def intervals(name, values):
    n, mean = len(values), values.mean()
    draws = chosen(n)[:, :, 0]
    t = stats.t.ppf(0.975, n - 1)
    result = {"name": name, "values": values.tolist(), "mean": mean}
    result["student"] = list(stats.t.interval(0.95, n - 1, mean, stats.sem(values)))
    result["skewness_corrected"] = skewness_corrected(values)
    original = stats._resampling.rng_integers
    stats._resampling.rng_integers = lambda rng, low, high, size: draws
    for method in ["percentile", "BCa"]:
        found = stats.bootstrap((values,), np.mean, n_resamples=RESAMPLES, method=method)
        result[method.lower()] = list(found.confidence_interval)
    stats._resampling.rng_integers = original
    tail = stats.norm.cdf(-t * np.sqrt(n / (n - 1)))
    result["expanded_percentile"] = list(np.quantile(found.bootstrap_distribution, [tail, 1 - tail]))
    resampled = values[draws]
    with np.errstate(divide="ignore"):
        studentised = (resampled.mean(1) - mean) / stats.sem(resampled, axis=1)
    low, high = np.quantile(studentised, LEVELS)
    result["studentised"] = [mean - stats.sem(values) * high, mean - stats.sem(values) * low]
    assert np.isfinite(result["studentised"]).all()
    return result


def exact_p(values):
    """Over all signs of whole numbers: how often a sum is as far from 0, by its distribution."""
    counts = {0: 1}
    for value in map(abs, values):
        following = {}
        for total, count in counts.items():
            for signed in (total - value, total + value):
                following[signed] = following.get(signed, 0) + count
        counts = following
    far = abs(sum(values))
    return sum(count for total, count in counts.items() if abs(total) >= far) / 2 ** len(values)


def sign_flips(rng):
    cases = []
    for n in [2, 3, 5, 6, 9, 12, 13]:
        for shift in [0.0, 0.8]:
            values = dyadic(rng.normal(shift, 1, n))
            found = stats.permutation_test(
                (values,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf, axis=-1
            )
            cases.append({"values": values.tolist(), "p_value": found.pvalue, "by": "scipy"})
    ties = [3, -1, 1, 1, -2, 2, 2, 0, 0, 5, 1]
    found = stats.permutation_test((np.array(ties, float),), np.mean, permutation_type="samples", n_resamples=np.inf)
    cases.append({"values": ties, "p_value": found.pvalue, "by": "scipy"})
    assert abs(found.pvalue - exact_p(ties)) < 1e-15
    for n, shift in [(20, 3), (24, 6), (25, 4), (30, 5), (30, 12), (31, 4), (40, 3), (200, 1), (1000, 0)]:
        values = [int(x) for x in np.round(rng.normal(shift, 10, n))]
        cases.append({"values": values, "p_value": exact_p(values), "by": "exact"})
    return cases


def holm(rng):
    families = [rng.uniform(0, 0.2, m) for m in (1, 2, 7, 20)] + [np.repeat([0.01, 0.03, 0.01, 0.5], 2)]
    return [{"p_values": list(p), "adjusted": list(multipletests(p, method="holm")[1])} for p in families]


def resampled_by(samples, function):
    """Calls `function` with rliable's draws replaced: of each sample in turn, resample by resample."""
    draws = [chosen(*shape, sample=i) for i, shape in enumerate(samples)]
    calls = 0

    def choice(items, shape, replace):
        nonlocal calls
        resample, sample = divmod(calls, len(draws))
        calls += 1
        assert replace and (items, *shape) == (samples[sample][0], *samples[sample])
        return draws[sample][resample]

    original, np.random.choice = np.random.choice, choice
    result = function()
    np.random.choice = original
    assert calls == RESAMPLES * len(draws)
    return result


def estimate(scores, figure):
    arrays = scores if isinstance(scores, list) else [scores]
    value, interval = resampled_by(
        [array.shape for array in arrays],
        lambda: library.get_interval_estimates(
            {"": scores}, lambda *a: np.array([figure(*a)]), reps=RESAMPLES
        ),
    )
    return {"value": value[""][0], "low": interval[""][0, 0], "high": interval[""][1, 0]}


def table(scores):
    return {"runs": scores.shape[0], "tasks": scores.shape[1], "scores": scores.ravel().tolist()}


def interquartile_means(rng):
    shapes = [(5, 1), (6, 3), (10, 2), (13, 5), (40, 1)]
    cases = [table(rng.lognormal(0, 1, shape)) for shape in shapes] + [table(dyadic(rng.poisson(1, (9, 4))))]
    for case in cases:
        scores = np.reshape(case["scores"], (case["runs"], case["tasks"]))
        case |= estimate(scores, metrics.aggregate_iqm)
        assert case["value"] == stats.trim_mean(scores, 0.25, axis=None)
    return cases


def improvements(rng):
    shapes = [((5, 1), (5, 1)), ((10, 3), (6, 3)), ((20, 2), (20, 2)), ((7, 6), (9, 6))]
    pairs = [(rng.normal(0.4, 1, x), rng.normal(0, 1, y)) for x, y in shapes]
    # Ties, and a task on which both are alike.
    x, y = np.round(rng.poisson(2, (8, 4)) * 1.0), np.round(rng.poisson(2, (8, 4)) * 1.0)
    y[:, 2] = x[:, 2]
    pairs.append((x, y))
    return [
        {"x": table(x), "y": table(y)} | estimate([x, y], metrics.probability_of_improvement) for x, y in pairs
    ]


def profiles(rng):
    cases = []
    for scores in [rng.uniform(0, 1, (5, 2)), rng.uniform(0, 1, (12, 7)), np.round(rng.poisson(1, (10, 3)) * 0.5, 1)]:
        thresholds = np.array([0.9, -1.0, 0.0, 0.25, 0.5, 0.75, 2.0])
        value, interval = resampled_by(
            [scores.shape],
            lambda: library.create_performance_profile({"": scores}, thresholds, reps=RESAMPLES),
        )
        low, high = interval[""]
        cases.append(
            table(scores)
            | {
                "thresholds": thresholds.tolist(),
                "values": value[""].tolist(),
                "low": low.tolist(),
                "high": high.tolist(),
            }
        )
    return cases


def main():
    rng = np.random.default_rng(20260)
    samples = {
        "normal of 5": rng.normal(0.3, 1, 5),
        "normal of 10": rng.normal(0.3, 1, 10),
        "normal of 20": rng.normal(0.3, 1, 20),
        "normal of 31": rng.normal(0, 1, 31),
        "normal of 32": rng.normal(0, 1, 32),
        "normal of 400": rng.normal(0, 1, 400),
        "exponential of 5": rng.exponential(1, 5),
        "exponential of 10": -rng.exponential(1, 10),
        "lognormal of 7": rng.lognormal(0, 1, 7),
        "lognormal of 20": rng.lognormal(0, 1, 20),
        "two values": np.repeat([1.0, 4.0], [5, 7]),
        "nearly alike": 100 + rng.normal(0, 0.01, 8),
    }
    result = {
        "versions": {name: version(name) for name in ("numpy", "scipy", "rliable", "arch", "statsmodels")},
        "student_quantiles": [{"n": n, "quantile": stats.t.ppf(0.975, n - 1)} for n in [*range(5, 41), 100, 5000]],
        "intervals": [intervals(name, dyadic(values)) for name, values in samples.items()],
        "sign_flips": sign_flips(rng),
        "holm": holm(rng),
        "interquartile_means": interquartile_means(rng),
        "improvements": improvements(rng),
        "profiles": profiles(rng),
    }
    lines = []
    for key, value in result.items():
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f'"{key}": [\n{rows}\n]')
        else:
            lines.append(f'"{key}": {json.dumps(value)}')
    FOLDER.joinpath("statistics.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
