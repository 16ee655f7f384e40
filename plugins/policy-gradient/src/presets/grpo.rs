//! GRPO as the paper and the libraries have it, and what changes its normalisers.

use super::presets;

presets! {
    Grpo = "grpo": "divides the centred reward by the deviation of its group, with a KL to the base in the loss (Shao et al. 2024, arXiv 2402.03300)" {
        scale: "[Std(epsilon: 1e-6, ddof: 0)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceMean",
        penalties: "[(estimator: K3, coefficient: 0.04, to: Base, aggregate: SequenceMean)]",
    }
    GrpoTrl = "grpo-trl": "GRPO as TRL 1.16 has it: unbiased deviation, token mean, no KL" {
        scale: "[Std(epsilon: 1e-4)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    GrpoVerl = "grpo-verl": "GRPO as verl 1dda039 has it: dual clip, token mean, no KL" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
    }
    GrpoOpenrlhf = "grpo-openrlhf": "GRPO as OpenRLHF 3c3be62 has it: the KL to the base in the reward" {
        scale: "[Std(epsilon: 1e-9)]",
        reward_kl: "(estimator: K1, coefficient: 0.01, per: ToGo)",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    GrpoPrimeRl = "grpo-prime-rl": "GRPO as prime-rl 559b447 has it: no deviation, a trust region of total variation, a pull to what sampled" {
        ratio: "Token",
        clip: "Divergence(divergence: Tv, low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K2, coefficient: 0.002, to: Behaviour)]",
        lone: "Centred",
    }
    GrpoSkyrl = "grpo-skyrl": "GRPO as SkyRL a956457 has it: a KL by sequence means" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K3, coefficient: 0.001, to: Base, aggregate: SequenceMean, clamp: 10.0)]",
    }
    GrpoSlime = "grpo-slime": "GRPO as slime 624b824 has it: sequence means, no KL" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceMean",
    }
    GrpoOpenInstruct = "grpo-open-instruct": "GRPO as open-instruct e6c3044 has it: no deviation, a high clip above, a strong KL" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.272)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K3, coefficient: 0.05, to: Base)]",
    }
    GrpoNemoRl = "grpo-nemo-rl": "GRPO as NeMo-RL 7ea279a has it: mean and deviation of the others, a KL with its score" {
        baseline: "LeaveOneOut",
        scale: "[Std(epsilon: 1e-6, ddof: 1, over: Others, zero: Skip)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K3, coefficient: 0.01, to: Base, clamp: 10.0, weighted: Self)]",
        lone: "Centred",
    }
    GrpoRoll = "grpo-roll": "GRPO as ROLL 8eb27cc has it: sequence means, no KL" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceMean",
    }
    GrpoTrinity = "grpo-trinity": "GRPO as Trinity-RFT 0.6.0 has it: dual clip, a small KL" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K2, coefficient: 0.001, to: Base)]",
    }
    GrpoTinker = "grpo-tinker": "GRPO as the cookbook of tinker has it: no deviation, no clip, the sum of tokens" {
        ratio: "Token",
        aggregate: "TokenSum",
    }
    DrGrpo = "dr-grpo": "the centred reward, summed over tokens and divided by the horizon (Liu et al. 2025, arXiv 2503.20783)" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceSum(divisor: Horizon)",
    }
    DrGrpoVerl = "dr-grpo-verl": "Dr. GRPO as verl 1dda039 has it: divided by the longest sequence" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceSum(divisor: Longest)",
    }
    DrGrpoRoll = "dr-grpo-roll": "Dr. GRPO as ROLL 8eb27cc and open-instruct e6c3044 have it: summed over the batch, too" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "SequenceSum(divisor: Horizon, batch_mean: false)",
    }
    Dapo = "dapo": "GRPO with a higher clip above, by tokens, for training that redraws groups that are all alike (Yu et al. 2025, arXiv 2503.14476)" {
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.28)",
        aggregate: "TokenMean",
    }
    OneSidedGrpo = "one-sided-grpo": "divides the centred reward by the root of the share of right answers (Tajwar et al. 2026, repository of arXiv 2602.02710)" {
        scale: "[RootMean(epsilon: 1e-6)]",
    }
}
