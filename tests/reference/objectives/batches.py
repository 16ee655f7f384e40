"""Batches made by hand: what they hold is fixed, their log-probabilities come from a short table walked with a stride.

A batch is the JSON of `host probe objective`; `Batch` reads one for the evaluators."""

# Log-probabilities of tokens, in an order without a pattern.
LOGS = [-0.693, -1.204, -0.105, -2.303, -0.357, -1.609, -0.223, -0.916, -3.219]
LOGS += [-0.511, -1.897, -0.051, -0.844, -1.427, -0.288, -2.659, -0.616]
# log q − log b: within ±0.2, about the clip, and far beyond it on both sides; none within 1e-3 of a usual clip.
NEAR = [0.04, -0.07, 0.11, -0.02, 0.09, -0.13, 0.0, 0.06, -0.05, 0.15, -0.17]
MIXED = [0.31, -0.12, 0.05, -0.41, 0.17, 0.0, 0.92, -0.88, 0.08, 0.26, -0.29, 1.31, -1.52]
# To beyond a ratio of 5 and below one of 0.1, and close to the usual clips on both sides of each.
FAR = [0.2, -0.26, 1.75, 0.165, -0.2, 1.21, -2.6, 0.08, -0.09, 0.23, -0.88, 0.96, 0.255, -0.41, -1.1, 0.12, 0.0]
# log b − log a.
BASE = [0.21, -0.34, 0.55, 0.02, -0.61, 0.13, 0.87, -0.19, 0.36]
FAR_BASE = [0.21, -0.34, 0.55, -0.86, -0.61, 0.13, 0.87]


class Batch:
    def __init__(self, json):
        rows = json["sequences"]
        self.json, self.rows, self.n = json, rows, len(rows)
        self.groups = [row["group"] for row in rows]
        self.v = [float(row["reward"]) for row in rows]
        self.q = [list(row["log_probs"]) for row in rows]
        self.b = [list(row.get("behaviour_log_probs", row["log_probs"])) for row in rows]
        self.a = [list(row["base_log_probs"]) for row in rows] if "base_log_probs" in rows[0] else None
        self.t = [len(row["log_probs"]) for row in rows]
        self.log_partition = {int(g): x for g, x in json.get("log_partition", {}).items()}
        self.log_power_partition = {int(g): x for g, x in json.get("log_power_partition", {}).items()}

    def members(self, group):
        return [i for i in range(self.n) if self.groups[i] == group]

    def group_ids(self):
        return sorted(set(self.groups))

    def cluster(self, i):
        """Sequences of i's group with its outcome; without outcomes every sequence is its own cluster."""
        if "outcome" not in self.rows[i]:
            return [i]
        mine = self.rows[i]["outcome"]
        return [j for j in self.members(self.groups[i]) if self.rows[j].get("outcome") == mine]


def batch(groups, drift=None, base=False, outcomes=None, log_partition=None, start=0, longest=4, step=0):
    """`groups`: a string of 0 and 1 a group; `drift`: the table of log q − log b, None for on-policy; `base`: whether
    there is one, or the table of log b − log a."""
    rows, place, pulls = [], start, BASE if base is True else base
    for g, rewards in enumerate(groups):
        for s, reward in enumerate(rewards):
            length = 1 + (3 * s + 2 * g + start) % longest
            row = {"group": g, "reward": int(reward)}
            if outcomes:
                row["outcome"] = outcomes[g][s]
            q = [LOGS[(place + 5 * t) % len(LOGS)] for t in range(length)]
            b = q if drift is None else [round(x - drift[(place + t) % len(drift)], 4) for t, x in enumerate(q)]
            if drift is not None:  # a log-probability is below 0
                q, b = zip(*[(x, y) if y < -0.005 else (round(x - y - 0.03, 4), -0.03) for x, y in zip(q, b)])
            row["log_probs"] = list(q)
            if drift is not None:
                row["behaviour_log_probs"] = list(b)
            if base:
                row["base_log_probs"] = [
                    min(-0.004, round(x - pulls[(place + 2 * t) % len(pulls)], 4)) for t, x in enumerate(b)
                ]
            rows.append(row)
            place += 3 + length
    out = {"step": step, "sequences": rows}
    if log_partition:
        out["log_partition"] = {str(g): x for g, x in enumerate(log_partition)}
    return out


def shuffled(json, stride):
    """The same rows, groups not in one piece; stride has no factor in common with their number."""
    rows = json["sequences"]
    return {**json, "sequences": [rows[i * stride % len(rows)] for i in range(len(rows))]}


OUTCOMES_8 = [[1, 2, 1, 3, 3, 1, 4, 4], [7, 7, 8, 9, 7, 7, 8, 6]]

BATCHES = {
    "one right of 4, on-policy": batch(["1000"]),
    "two right of 8, on-policy": batch(["01000100"], start=2, longest=3),
    "all right, all wrong, mixed": batch(["111", "000", "101"], NEAR, start=1, longest=3),
    "groups of several sizes, beyond the clip": batch(["10", "011", "01001", "1101"], MIXED, start=3),
    "two groups, beyond the clip, base": batch(["1010", "0001"], MIXED, base=True, start=5),
    "two groups, near, base": batch(["0110", "1011"], NEAR, base=True, start=7),
    "eights, base, outcomes": batch(["10110100", "00100010"], MIXED, True, OUTCOMES_8, start=4, longest=2),
    "on-policy, base": batch(["101", "100"], None, base=True, start=6, longest=5),
    "not in one piece, base": shuffled(batch(["1001", "110"], MIXED, base=True, start=9), 3),
    "one token each": batch(["1100", "01"], MIXED, base=True, start=11, longest=1),
    "log Z known, base": batch(["1010", "0100"], NEAR, True, None, [-1.2, -0.7], start=8),
    "log Z known, beyond the clip, base": batch(["110", "1000"], MIXED, True, None, [-0.5, -1.6], start=10),
    "log Z known, on-policy, base": batch(["101", "01"], None, True, None, [-0.9, -1.1], start=12),
    "all right, base": batch(["1111", "11"], MIXED, base=True, start=2),
    "all right, on-policy, base": batch(["111"], None, base=True, start=13),
    "all right, near, base": batch(["11", "111"], NEAR, base=True, start=14, longest=5),
    "fours, near, outcomes": batch(["1101", "0111"], NEAR, False, [[5, 5, 1, 6], [2, 3, 3, 3]], start=5),
    "mixed sizes, on-policy, base, outcomes": batch(
        ["011", "11111"], None, True, [[1, 2, 2], [4, 4, 4, 5, 6]], start=9
    ),
    "groups of five, on-policy": batch(["01001", "11111", "00000"], start=3, longest=2),
    "groups of one": batch(["1", "0", "110"], NEAR, base=True, start=1),
}

ONE, TWO_OF_8, ALIKE, SIZES, BASED, BASED_NEAR, EIGHTS, BASED_ON, PIECES, SHORT = list(BATCHES)[:10]
KNOWN, KNOWN_MIXED, KNOWN_ON, RIGHT, RIGHT_ON, RIGHT_NEAR, FOURS, NAMED, FIVES, LONE = list(BATCHES)[10:]

# log Z_alpha, of any sign, where the target is a power of the base.
POWERED, POWERED_ON = "log Z_alpha known, base", "log Z_alpha known, on-policy, base"
BATCHES[POWERED] = {**BATCHES[KNOWN], "log_power_partition": {"0": -2.1, "1": -0.4}}
BATCHES[POWERED_ON] = {**BATCHES[KNOWN_ON], "log_power_partition": {"0": 0.8, "1": 2.3}}

# All right, all wrong, one right and mixed; of several sizes, from one token to five, far beyond the usual clips.
EVERY = "every kind of group, far beyond the clip, base"
EVERY_OF_FIVE = "every kind of five and more, far beyond the clip, base"
BATCHES[EVERY] = {**batch(["11", "000", "0100", "10110"], FAR, FAR_BASE, start=207, longest=5), "horizon": 16}
BATCHES[EVERY_OF_FIVE] = {
    **batch(["11111", "000000", "01000", "1011010"], FAR, FAR_BASE, start=207, longest=5),
    "horizon": 16,
}


def one_right(right, behaviour, wrong):
    """A group of one right answer and of wrong ones, each log q and log b."""
    first = {"group": 0, "reward": 1, "log_probs": right, "behaviour_log_probs": behaviour}
    others = [{"group": 0, "reward": 0, "log_probs": q, "behaviour_log_probs": b} for q, b in wrong]
    return {"step": 0, "sequences": [first, *others]}


def on_policy(rows):
    return [(row, row) for row in rows]


# Binary KL of 0.19 and 0.23 where A > 0, of 0.18 and 0.21 where A < 0; ratios of 1.18 and 1.22 where A > 0, of 0.77
# and 0.82 where A < 0.
EDGES = "one right of six, close to the edges"
RIGHT_PAIRS = [(-0.994, -2.303), (-0.916, -2.303), (-1.0, -1.1655), (-1.0, -1.199), (-0.5, -0.3)]
BATCHES[EDGES] = one_right(
    *map(list, zip(*RIGHT_PAIRS)),
    [
        ([-1.897, -1.9805, -0.7], [-0.916, -0.916, -0.9]),
        ([-0.4], [-0.6]),
        ([-1.2], [-1.2]),
        ([-0.3, -2.0], [-0.5, -1.74]),
        ([-0.9], [-0.7]),
    ],
)
# Covariances of 5.6, 4.6 and 0.9, the others at most 0.5; then of 1.2, the others below 0.3.
COVARIANCES_5, COVARIANCES_1 = "one right of eight, covariances about 5", "one right of eight, a covariance about 1"
LOW = [[-3.2, -2.9], [-3.1], [-2.8, -3.2, -2.7], [-3.0], [-2.6, -3.4], [-3.1], [-3.3]]
BATCHES[COVARIANCES_5] = one_right([-0.05, -0.5, -2.16], [-0.05, -0.5, -2.16], on_policy(LOW))
LOW = [[-2.6, -2.2], [-2.9], [-2.4, -2.8, -2.3], [-2.7], [-2.1, -2.9], [-2.5]]
BATCHES[COVARIANCES_1] = one_right(
    [-1.98, -2.6, -2.7], [-1.98, -3.25, -3.45], [*on_policy(LOW), ([-2.8], [-0.9])]
)
