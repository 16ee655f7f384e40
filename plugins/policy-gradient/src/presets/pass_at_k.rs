//! The chance that one of k samples is right.

use super::presets;

presets! {
    Pkpo = "pkpo": "an unbiased gradient of pass@k that leaves wrong answers alone (Walder & Karkhanis 2025, arXiv 2505.15201)" {
        signal: "PassAtK(k: 4, form: Loo1)",
        baseline: "None",
        multiplier: "K",
    }
    MaxAtK = "max-at-k": "an unbiased gradient of pass@k that sums to 0 over a group (Walder & Karkhanis 2025, arXiv 2505.15201)" {
        signal: "PassAtK(k: 4, form: Centred)",
        baseline: "None",
    }
    PassAtK = "pass-at-k": "the advantage of subsets of k, divided by its deviation (Chen et al. 2025, arXiv 2508.10751)" {
        signal: "PassAtK(k: 4, form: Standardised)",
        baseline: "None",
    }
    GrpoPassAtK = "grpo-pass-at-k": "reinforces the only right answer of a group (Tang et al. 2025, arXiv 2503.19595; verl b178a3c)" {
        signal: "BestMinusSecond",
        baseline: "None",
        scale: "[Std(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
    }
}
