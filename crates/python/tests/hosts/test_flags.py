"""What the README says of flags: a library's own loss with them has the gradient of the preset that is named."""

from __future__ import annotations

import batches
import by_hand
import numpy as np
import pytest
import torch
from test_verl import actor, data_of, gradient_of, models
from tiny import copied
from trl_rig import train

from pstar.trl import GRPOTrainer
from verl.trainer.ppo import core_algos, ray_trainer
from verl.workers.config import ActorConfig

#: TRL's deviation has 1e-4 added; presets of papers have another number.
TRL_STD = "scale: [Std(epsilon: 1e-4)]"
TRL = {
    "grpo-trl": ("()", {}),
    "grpo-slime": (f"({TRL_STD})", {"loss_type": "grpo"}),
    "dapo": (f"({TRL_STD})", {"epsilon_high": 0.28}),
    "dr-grpo": ("(aggregate: SequenceSum(divisor: 10))", {"loss_type": "dr_grpo", "scale_rewards": "none"}),
    "gspo": (
        f"({TRL_STD})",
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 3e-4, "epsilon_high": 4e-4}
        # A step so small that some rows are not clipped in the second pass.
        | {"learning_rate": 1e-3},
    ),
    "cispo-trl": ("()", {"loss_type": "cispo", "epsilon_high": 5.0}),
    "sapo": (f"({TRL_STD})", {"loss_type": "sapo"}),
    "luspo": ("()", {"loss_type": "luspo", "importance_sampling_level": "sequence"}),
    "vespo": ("()", {"loss_type": "vespo"}),
}
VERL = {
    "grpo-verl": ("()", {}, "vanilla", "token-mean"),
    "dr-grpo-verl": ("()", {"norm_adv_by_std_in_grpo": False}, "vanilla", "seq-mean-token-sum-norm"),
    "cispo": ("()", {}, "cispo", "token-mean"),
    "gspo": ("(clip: Ppo(low: 0.2, high: 0.2))", {}, "gspo", "seq-mean-token-mean"),
    "sapo": ("()", {}, "sapo", "seq-mean-token-mean"),
}


class Plain(GRPOTrainer):
    """TRL's own loss."""

    def _compute_loss(self, model, inputs):
        return super(GRPOTrainer, self)._compute_loss(model, inputs)


@pytest.mark.parametrize("preset", TRL)
@pytest.mark.filterwarnings("ignore:.*do nothing here")
def test_trl(preset, record_error):
    config, flags = TRL[preset]
    run = train(by_hand.Asks(preset, config).objective, "llama", trainer_class=Plain, num_iterations=2, **flags)
    for step in run.steps:
        q, b = by_hand.scored(step.policy, step.rows), by_hand.scored(step.behaviour, step.rows)
        expected = by_hand.gradient(step.policy, step.rows, by_hand.Asks(preset, config)(step.rows, q, b, b))
        error = by_hand.error(step.gradient, expected)
        assert error <= 1e-6 * (1 + by_hand.longest(q))
        record_error("TRL's own losses against presets", error)


@pytest.mark.parametrize("preset", VERL)
def test_verl(preset, record_error):
    config, flags, loss_mode, aggregation = VERL[preset]
    rows = batches.rows(2)
    policy, behaviour, base = models("gpt2", torch.float64, True)
    data = data_of(rows, behaviour, None, base)
    data = ray_trainer.compute_advantage(data, core_algos.AdvantageEstimator.GRPO, **flags)
    ratios = {"clip_ratio": 0.2, "clip_ratio_low": 0.2, "clip_ratio_high": 0.2, "clip_ratio_c": 3.0}
    info = {name: value for name, value in actor(rows).global_batch_info.items() if name != "loss_scale_factor"}
    settings = ActorConfig(
        strategy="fsdp",
        rollout_n=4,
        ppo_micro_batch_size_per_gpu=4,
        global_batch_info=info,
        tau_pos=1.0,
        tau_neg=1.05,
        **ratios,
    )
    found = gradient_of(policy, rows, data, 4, settings, aggregation, loss_mode)
    double = copied(policy)
    q, b = by_hand.scored(double, rows), by_hand.scored(copied(behaviour), rows)
    assert max(np.abs(one - other).max() for one, other in zip(q, b, strict=True)) > 0.1
    expected = by_hand.gradient(double, rows, by_hand.Asks(preset, config)(rows, q, b, b))
    error = by_hand.error(found, expected)
    assert error <= 1e-6
    record_error("verl's own losses against presets", error)
