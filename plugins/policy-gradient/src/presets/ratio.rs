//! What becomes of stale samples.

use super::presets;

presets! {
    Gspo = "gspo": "GRPO clipped by the mean ratio of a sequence (Zheng et al. 2025, arXiv 2507.18071)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Geometric",
        clip: "Ppo(low: 3e-4, high: 4e-4)",
        aggregate: "SequenceMean",
    }
    Gmpo = "gmpo": "GRPO of the geometric mean of clipped ratios (Zhao et al. 2025, arXiv 2507.20673)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "GeometricOfClipped(low: 0.4, high: 0.4)",
        aggregate: "SequenceMean",
    }
    Luspo = "luspo": "GRPO clipped by the mean ratio of a sequence, summed over tokens (TRL 1.16)" {
        scale: "[Std(epsilon: 1e-4)]",
        ratio: "Geometric",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceSum(divisor: 1)",
    }
    Cispo = "cispo": "GRPO weighted by truncated ratios, never zero (MiniMax 2025, arXiv 2506.13585; verl 1dda039)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Truncate(min: 0.8, max: 1.2)",
        aggregate: "TokenMean",
    }
    CispoTrl = "cispo-trl": "CISPO as TRL 1.16 has it: no bound below" {
        scale: "[Std(epsilon: 1e-4)]",
        ratio: "Token",
        clip: "Truncate(min: 0.0, max: 5.0)",
        aggregate: "TokenMean",
    }
    CispoSkyrl = "cispo-skyrl": "CISPO as SkyRL a956457 has it: ratios up to 5" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Truncate(min: 0.0, max: 5.0)",
        aggregate: "TokenMean",
    }
    CispoRoll = "cispo-roll": "CISPO as ROLL 8eb27cc has it: ratios within a tenth" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Truncate(min: 0.9, max: 1.1)",
        aggregate: "SequenceMean",
    }
    CispoOpenInstruct = "cispo-open-instruct": "CISPO as open-instruct e6c3044 has it: no deviation, no bound below" {
        ratio: "Token",
        clip: "Truncate(min: 0.0, max: 1.272)",
        aggregate: "TokenMean",
    }
    CispoTrinity = "cispo-trinity": "CISPO as Trinity-RFT 0.6.0 has it: ratios up to 1.28" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Truncate(min: 0.0, max: 1.28)",
        aggregate: "TokenMean",
    }
    Sapo = "sapo": "GRPO with a soft gate in place of the clip (arXiv 2511.20347)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Sigmoid(positive: 1.0, negative: 1.05)",
        aggregate: "SequenceMean",
    }
    Vespo = "vespo": "GRPO weighted by a gamma kernel of the ratio of a sequence (TRL 1.16)" {
        scale: "[Std(epsilon: 1e-4)]",
        ratio: "Sequence",
        clip: "Gamma(positive: [2.0, 3.0], negative: [3.0, 2.0])",
        aggregate: "TokenMean",
    }
    Dppo = "dppo": "GRPO within a trust region of total variation (arXiv 2602.04879; SkyRL a956457)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Divergence(divergence: Tv, low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    DppoKl = "dppo-kl": "GRPO within a trust region of binary KL (arXiv 2602.04879; SkyRL a956457)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Divergence(divergence: Kl, low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    Topr = "topr": "GRPO that tapers wrong answers alone by their ratio (Le Roux et al. 2025, arXiv 2503.14286; ROLL 8eb27cc)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Taper(by: Reward, positive: 1.0, negative: 1.0)",
        aggregate: "SequenceMean",
    }
    Dro = "dro": "the centred reward without ratios, with a pull to what sampled (Richemond et al. 2024, arXiv 2405.19107; kimi15 in ROLL 8eb27cc)" {
        penalties: "[(estimator: K2, coefficient: 0.1, to: Behaviour)]",
        aggregate: "TokenMean",
    }
}
