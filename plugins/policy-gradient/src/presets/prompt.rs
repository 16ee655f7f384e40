//! Weights on prompts by how often they are solved.

use super::presets;

presets! {
    Maxrl = "maxrl": "divides the centred reward by the share of right answers: the log-likelihood cut after G - 1 terms (Tajwar et al. 2026, arXiv 2602.02710, as released)" {
        scale: "[Mean(epsilon: 1e-6)]",
    }
    MaxrlOrderG = "maxrl-order-g": "the reward over the share of right answers, less 1: the log-likelihood cut after G terms (Tajwar et al. 2026, arXiv 2602.02710)" {
        baseline: "AfterScale(1.0)",
        scale: "[Mean(epsilon: 1e-6)]",
    }
    MaxrlMisc = "maxrl-misc": "the centred reward over deviation and share of right answers, which MISC calls maxrl" {
        scale: "[Std(epsilon: 1e-6, ddof: 0), Mean(epsilon: 1e-6)]",
    }
    MaxrlPrimeRl = "maxrl-prime-rl": "MaxRL as prime-rl 559b447 has it: with its trust region" {
        scale: "[Mean(epsilon: 0.0)]",
        ratio: "Token",
        clip: "Divergence(divergence: Tv, low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K2, coefficient: 0.002, to: Behaviour)]",
        lone: "Centred",
    }
    MaxrlSkyrl = "maxrl-skyrl": "MaxRL as SkyRL a956457 has it: clipped, with a small KL" {
        scale: "[Mean(epsilon: 1e-6)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        penalties: "[(estimator: K3, coefficient: 0.001, to: Base, aggregate: SequenceMean, clamp: 10.0)]",
    }
    Maclaurin = "maclaurin": "the log-likelihood of a right answer cut after 4 terms, estimated from tuples of wrong ones (Tajwar et al. 2026, arXiv 2602.02710)" {
        signal: "MaxLikelihood(order: 4, baseline: CrossFitted)",
        baseline: "None",
    }
    Tsallis = "tsallis": "weighs the centred reward by a power of the share of right answers (GARL, arXiv 2604.25907, from its abstract)" {
        prompt_weight: "Power(0.75)",
    }
    FGrpo = "f-grpo": "GRPO with less weight on what is solved often (arXiv 2602.06717, its exponent assumed)" {
        scale: "[Std(epsilon: 1e-6, ddof: 0)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        prompt_weight: "Focal(1.0)",
    }
    Bbg = "bbg": "GRPO weighted by the expected gain of a right answer among k more (arXiv 2606.15455, from its abstract)" {
        scale: "[Std(epsilon: 1e-6, ddof: 0)]",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2)",
        aggregate: "TokenMean",
        prompt_weight: "Beta(k: 16, threshold: 0.0)",
    }
    Curverl = "curverl": "weighs prompts by how their pass rate stands among recent ones (arXiv 2605.24331; its repository e98468b)" {
        prompt_weight: "Curve(batches: 10)",
        ratio: "Token",
        clip: "Ppo(low: 0.2, high: 0.2, dual: 3.0)",
        aggregate: "TokenMean",
    }
}
