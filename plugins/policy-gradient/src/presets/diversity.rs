//! Which of the right answers is reinforced.

use super::presets;

presets! {
    Unlikely = "unlikely": "GRPO with less for right answers that are likely already (He et al. 2025, arXiv 2506.02355)" {
        rank_penalty: "(weight: 0.25)",
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceMean",
        penalties: "[(estimator: K3, coefficient: 0.1, to: Base, aggregate: TokenMean)]",
    }
    Ucpo = "ucpo": "GRPO with a share of it by the inverse of what the policy gave each right answer (arXiv 2605.00365; its repository 93ce506)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
        sharing: "InverseProbability(0.2)",
    }
    IpsGrpo = "ips-grpo": "GRPO on rewards divided by the frequency of their answer (arXiv 2601.21669, from its abstract)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        sharing: "InverseFrequency(1.0)",
    }
    CueGrpo = "cue-grpo": "GRPO shared by the size of clusters of answers, its sum kept (arXiv 2608.03467, from its abstract)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        sharing: "Cluster(1.0)",
    }
    UniquenessAware = "uniqueness-aware": "GRPO divided by the size of clusters of answers (arXiv 2601.08763, from its abstract)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        sharing: "InverseSize(1.0)",
    }
    DsGrpo = "ds-grpo": "GRPO with a bonus for the entropy of right and a penalty for that of wrong answers (differential smoothing; repository of arXiv 2602.02710)" {
        scale: "[Std(epsilon: 1e-6, ddof: 0)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
        sharing: "LogProbability(correct: 0.05, wrong: 0.05)",
    }
    ClipCov = "clip-cov": "GRPO that drops some tokens of high covariance (Cui et al. 2025, arXiv 2505.22617)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Covariance(low: 1.0, high: 1.0, above: 1.0, below: 5.0, fraction: 2e-4)",
        aggregate: "TokenMean",
    }
    KlCov = "kl-cov": "GRPO that holds the tokens of highest covariance where they were (Cui et al. 2025, arXiv 2505.22617)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        aggregate: "TokenMean",
        covariance_penalty: "(fraction: 2e-4, coefficient: 1.0)",
    }
}
