//! Reward maximisation: what is subtracted, and what clips.

use super::presets;

presets! {
    Blocks = "policy-gradient": "maximises the expected reward, made of blocks that can all be configured" {}
    Rloo = "rloo": "maximises the expected reward, less the mean of the other samples of the group (Ahmadian et al. 2024, arXiv 2402.14740)" {
        baseline: "LeaveOneOut",
    }
    PpoClip = "ppo-clip": "maximises the clipped surrogate of the expected reward, with a baseline from the group (Schulman et al. 2017, arXiv 1707.06347)" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
    }
    ReinforcePlusPlus = "reinforce++": "whitens over the tokens of the batch the reward less a KL to the base (Hu 2025, arXiv 2501.03262; OpenRLHF 3c3be62)" {
        baseline: "None",
        reward_kl: "(estimator: K1, coefficient: 0.01, per: ToGo)",
        whiten: "(ddof: 0, floor: 1e-8)",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    ReinforcePlusPlusBaseline = "reinforce++-baseline": "whitens over the tokens of the batch the reward less the mean of its group, with a KL to the base in the loss (Hu 2025, arXiv 2501.03262; OpenRLHF 3c3be62)" {
        whiten: "(ddof: 0, floor: 1e-8)",
        penalties: "[(estimator: K2, coefficient: 0.01, to: Base)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    Opo = "opo": "subtracts the mean of the group by length (Hao et al. 2025, arXiv 2505.23585; verl b178a3c)" {
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
        baseline: "LengthWeighted",
    }
    Gpg = "gpg": "weighs the centred reward by the inverse share of right answers in the batch (Chu et al. 2025, arXiv 2504.02546; verl b178a3c)" {
        prompt_weight: "PerSuccess",
        aggregate: "TokenMean",
    }
    Asymre = "asymre": "subtracts a little less than the mean of the group (Arnal et al. 2025, arXiv 2506.20520; Trinity-RFT 0.6.0)" {
        baseline: "Mean(shift: -0.1)",
    }
    Psr = "psr": "reinforces right answers alone (Zhu et al. 2025, arXiv 2506.01347)" {
        signal: "Signed(positive: 1.0, negative: 0.0)",
        baseline: "None",
        subset: "Correct",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    Nsr = "nsr": "penalises wrong answers alone (Zhu et al. 2025, arXiv 2506.01347)" {
        signal: "Signed(positive: 0.0, negative: 1.0)",
        baseline: "None",
        subset: "Wrong",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
    WReinforce = "w-reinforce": "reinforces right answers a little and penalises wrong ones (Zhu et al. 2025, arXiv 2506.01347)" {
        signal: "Signed(positive: 0.1, negative: 1.0)",
        baseline: "None",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
}
