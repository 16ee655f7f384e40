"""Every named objective of the family of `policy-gradient` as its configuration, and where its numbers come from.

A preset is `policy-gradient` with these defaults. Those of `FIXED` are fixed, number by number; those of `SOURCED` are
the defaults of the source named beside them, where sources differ; those of `OTHERS` are of what their names say."""

from ron import Tag

PPO = Tag("Ppo", low=0.2, high=0.2)
DUAL = Tag("Ppo", low=0.2, high=0.2, dual=3.0)


def std(epsilon, ddof=1):
    return Tag("Std", epsilon=epsilon, ddof=ddof)


def penalty(estimator, coefficient, to="Base", **more):
    return {"estimator": estimator, "coefficient": coefficient, "to": to, **more}


def clipped(scale, clip=PPO, aggregate="TokenMean", **more):
    """The common shape: group mean, token ratio."""
    return {"baseline": "Mean", "scale": scale, "ratio": "Token", "clip": clip, "aggregate": aggregate, **more}


def kl_to_go(coefficient):
    return {"estimator": "K1", "coefficient": coefficient, "per": "ToGo"}


# The length that the `horizon` stands for.
HORIZON = 16.0

FIXED = {
    "grpo": clipped(
        [std(1e-6, 0)], aggregate="SequenceMean", penalties=[penalty("K3", 0.04, aggregate="SequenceMean")]
    ),
    "grpo-trl": clipped([std(1e-4)]),
    "grpo-verl": clipped([std(1e-6)], DUAL),
    "grpo-openrlhf": clipped([std(1e-9)], reward_kl=kl_to_go(0.01)),
    "grpo-prime-rl": clipped(
        [],
        Tag("Divergence", divergence="Tv", low=0.2, high=0.2),
        penalties=[penalty("K2", 0.002, "Behaviour")],
        lone="Centred",
    ),
    "grpo-skyrl": clipped([std(1e-6)], penalties=[penalty("K3", 0.001, aggregate="SequenceMean", clamp=10.0)]),
    "grpo-slime": clipped([std(1e-6)], aggregate="SequenceMean"),
    "grpo-open-instruct": clipped([], Tag("Ppo", low=0.2, high=0.272), penalties=[penalty("K3", 0.05)]),
    "grpo-nemo-rl": {
        **clipped([Tag("Std", epsilon=1e-6, ddof=1, over="Others", zero="Skip")]),
        "baseline": "LeaveOneOut",
        "penalties": [penalty("K3", 0.01, clamp=10.0, weighted="Self")],
        "lone": "Centred",
    },
    "dr-grpo": clipped([], aggregate=Tag("SequenceSum", divisor=HORIZON)),
    "dapo": clipped([std(1e-6)], Tag("Ppo", low=0.2, high=0.28)),
    "rloo": {"baseline": "LeaveOneOut"},
    "maxrl": {"baseline": "Mean", "scale": [Tag("Mean", epsilon=1e-6)]},
    "maxrl-order-g": {"baseline": Tag("AfterScale", 1.0), "scale": [Tag("Mean", epsilon=1e-6)]},
    "maxrl-misc": {"baseline": "Mean", "scale": [std(1e-6, 0), Tag("Mean", epsilon=1e-6)]},
}

# k of the pass@k objectives is a choice of the user; these are for k = 4, where a group allows it.
K = 4

SOURCED = {
    # verl's advantage; the clip of the paper, 2507.18071
    "gspo": {**clipped([std(1e-6)], Tag("Ppo", low=3e-4, high=4e-4), "SequenceMean"), "ratio": "Geometric"},
    # verl's geo_mean with the authors' clip, e^±0.4 (2507.20673)
    "gmpo": {
        **clipped([std(1e-6)], Tag("GeometricOfClipped", low=0.4, high=0.4), "SequenceMean"),
        "ratio": "Geometric",
    },
    # verl: 0.8 to 1.2
    "cispo": clipped([std(1e-6)], Tag("Truncate", min=0.8, max=1.2)),
    # verl, TRL
    "sapo": clipped([std(1e-6)], Tag("Sigmoid", positive=1.0, negative=1.05), "SequenceMean"),
    # TRL
    "vespo": {**clipped([std(1e-4)], Tag("Gamma", positive=[2.0, 3.0], negative=[3.0, 2.0])), "ratio": "Sequence"},
    # TRL with importance_sampling_level: sequence
    "luspo": {**clipped([std(1e-4)], PPO, Tag("SequenceSum", divisor=1.0)), "ratio": "Geometric"},
    # SkyRL; prime-rl has no deviation, verl caps the ratio
    "dppo": clipped([std(1e-6)], Tag("Divergence", divergence="Tv", low=0.2, high=0.2)),
    # ROLL: by score, weights 1, its GRPO, per sequence
    "topr": clipped([std(1e-6)], Tag("Taper", by="Reward", positive=1.0, negative=1.0), "SequenceMean"),
    # kimi15: ROLL's 0.1
    "dro": {**clipped([], None), "ratio": None, "penalties": [penalty("K2", 0.1, "Behaviour")]},
    "ppo-clip": clipped([], PPO, Tag("SequenceSum", divisor=1.0)),
    # OpenRLHF: k1 in the reward to go, whitened over tokens
    "reinforce++": {**clipped([]), "baseline": None, "reward_kl": kl_to_go(0.01), "whiten": {"ddof": 0, "floor": 1e-8}},
    "reinforce++-baseline": clipped([], whiten={"ddof": 0, "floor": 1e-8}, penalties=[penalty("K2", 0.01)]),
    # verl
    "opo": {**clipped([], DUAL), "baseline": "LengthWeighted"},
    "gpg": {**clipped([], None), "ratio": None, "prompt_weight": "PerSuccess"},
    "pkpo": {"signal": Tag("PassAtK", k=K, form="Loo1"), "baseline": None, "multiplier": float(K)},
    "max-at-k": {"signal": Tag("PassAtK", k=K, form="Centred"), "baseline": None},
    "pass-at-k": {"signal": Tag("PassAtK", k=K, form="Standardised"), "baseline": None},
    # RLVR-Decomposed: an early verl's clip, not yet dual, and subsets
    "psr": {
        **clipped([]),
        "signal": Tag("Signed", positive=1.0, negative=0.0),
        "baseline": None,
        "subset": "Correct",
    },
    "nsr": {
        **clipped([]),
        "signal": Tag("Signed", positive=0.0, negative=1.0),
        "baseline": None,
        "subset": "Wrong",
    },
    "w-reinforce": {**clipped([]), "signal": Tag("Signed", positive=0.1, negative=1.0), "baseline": None},
    "tsallis": {"baseline": "Mean", "prompt_weight": Tag("Power", 0.75)},
    # second-hand formulas on GRPO's advantage of the paper, with the deviation of ddof 0
    "f-grpo": clipped([std(1e-6, 0)], prompt_weight=Tag("Focal", 1.0)),
    "bbg": clipped([std(1e-6, 0)], prompt_weight=Tag("Beta", k=16, threshold=0.0)),
    "curverl": clipped([], DUAL, prompt_weight=Tag("Curve", batches=10)),
    # authors: KL of 0.1 as a token mean
    "unlikely": clipped(
        [std(1e-6)],
        aggregate="SequenceMean",
        rank_penalty={"weight": 0.25},
        penalties=[penalty("K3", 0.1, aggregate="TokenMean")],
    ),
    "ucpo": clipped([std(1e-6)], DUAL, sharing=Tag("InverseProbability", 0.2)),
    "ips-grpo": clipped([std(1e-6)], sharing=Tag("InverseFrequency", 1.0)),
    "cue-grpo": clipped([std(1e-6)], sharing=Tag("Cluster", 1.0)),
    "uniqueness-aware": clipped([std(1e-6)], sharing=Tag("InverseSize", 1.0)),
    # the MaxRL repository: biased deviation
    "ds-grpo": clipped([std(1e-6, 0)], DUAL, sharing=Tag("LogProbability", correct=0.05, wrong=0.05)),
    "clip-cov": clipped([std(1e-6)], Tag("Covariance", low=1.0, high=1.0, above=1.0, below=5.0)),
    "kl-cov": clipped([std(1e-6)], None, covariance_penalty={"fraction": 0.0002, "coefficient": 1.0}),
}

PRESETS = {**FIXED, **SOURCED}

TV = Tag("Divergence", divergence="Tv", low=0.2, high=0.2)

# The rest, most of them as the library in the name has it. `formulas.py` writes each out once more.
OTHERS = {
    "policy-gradient": {"baseline": "Mean", "aggregate": Tag("SequenceSum", divisor=1.0)},
    # Trinity-RFT
    "asymre": {"baseline": Tag("Mean", shift=-0.1)},
    "grpo-roll": clipped([std(1e-6)], aggregate="SequenceMean"),
    "grpo-trinity": clipped([std(1e-6)], DUAL, penalties=[penalty("K2", 0.001)]),
    "grpo-tinker": clipped([], None, "TokenSum"),
    # verl 1dda039 divides by the number of sequences, ROLL and open-instruct do not
    "dr-grpo-verl": clipped([], aggregate=Tag("SequenceSum", divisor="Longest")),
    "dr-grpo-roll": clipped([], aggregate=Tag("SequenceSum", divisor=HORIZON, batch_mean=False)),
    "one-sided-grpo": {"baseline": "Mean", "scale": [Tag("RootMean", epsilon=1e-6)]},
    "maxrl-prime-rl": clipped(
        [Tag("Mean", epsilon=0.0)], TV, penalties=[penalty("K2", 0.002, "Behaviour")], lone="Centred"
    ),
    "maxrl-skyrl": clipped(
        [Tag("Mean", epsilon=1e-6)], penalties=[penalty("K3", 0.001, aggregate="SequenceMean", clamp=10.0)]
    ),
    "maclaurin": {"signal": Tag("MaxLikelihood", order=4, baseline="CrossFitted"), "baseline": None},
    # verl b178a3c
    "grpo-pass-at-k": {**clipped([std(1e-6)]), "signal": "BestMinusSecond", "baseline": None},
    # TRL: at most epsilon_high as it stands, of which 5 is recommended
    "cispo-trl": clipped([std(1e-4)], Tag("Truncate", min=0.0, max=5.0)),
    "cispo-skyrl": clipped([std(1e-6)], Tag("Truncate", min=0.0, max=5.0)),
    "cispo-roll": clipped([std(1e-6)], Tag("Truncate", min=0.9, max=1.1), "SequenceMean"),
    "cispo-open-instruct": clipped([], Tag("Truncate", min=0.0, max=1.272)),
    "cispo-trinity": clipped([std(1e-6)], Tag("Truncate", min=0.0, max=1.28)),
    # SkyRL
    "dppo-kl": clipped([std(1e-6)], Tag("Divergence", divergence="Kl", low=0.2, high=0.2)),
}

# Named above with numbers of the cases' choosing, here with their own: k = 4, the horizon of the batch, the fraction of
# tokens that Clip-Cov drops.
OWN = {
    "dr-grpo": FIXED["dr-grpo"],
    "pkpo": SOURCED["pkpo"],
    "max-at-k": SOURCED["max-at-k"],
    "pass-at-k": SOURCED["pass-at-k"],
    "clip-cov": SOURCED["clip-cov"],
}
