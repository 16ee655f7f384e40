"""An objective of the laboratory trains a tiny random model in TRL: on a CPU, in seconds, without a download."""

import pstar
import trl
from datasets import Dataset
from pstar.trl import GRPOTrainer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

words = Tokenizer(models.WordLevel({word: number for number, word in enumerate("? ! a b c d".split())}, unk_token="?"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="?", eos_token="!")
config = LlamaConfig(vocab_size=6, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
config.pad_token_id, config.bos_token_id, config.eos_token_id = 0, 1, 1
policy, base = LlamaForCausalLM(config), LlamaForCausalLM(config)
base.load_state_dict(policy.state_dict())  # the base is where the policy begins


def two_a(completions, **_):
    """The verifier: a completion is right if it has exactly two a."""
    return [float(completion.split().count("a") == 2) for completion in completions]


trainer = GRPOTrainer(
    objective=pstar.Objective("alpha-dpg", "(alpha: 0.5)"),
    base=base,
    model=policy,
    reward_funcs=two_a,
    args=trl.GRPOConfig(
        output_dir="trl-tiny", per_device_train_batch_size=32, num_generations=8, max_completion_length=6, max_steps=40,
        learning_rate=3e-2, use_cpu=True, bf16=False, report_to="none", save_strategy="no", logging_steps=5,
    ),  # fmt: skip
    train_dataset=Dataset.from_dict({"prompt": ["a", "b c", "d d d", "c a"] * 10}),
    processing_class=tokenizer,
)
trainer.train()
first, last = (trainer.state.log_history[at] for at in (0, -2))
print(f"right: {first['reward']:.2f} of the first completions, {last['reward']:.2f} of the last")
print(", ".join(f"{name} {value:.3g}" for name, value in last.items() if name.startswith("pstar/")))
