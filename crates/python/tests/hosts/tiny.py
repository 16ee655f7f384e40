"""Models, a tokenizer and verdicts that are small enough to train on a CPU in a second."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = ["<pad>", "<eos>", *"abcdefghij"]
PAD, EOS = 0, 1
#: Longest completion, in tokens.
LONGEST = 10


def tokenizer() -> PreTrainedTokenizerFast:
    """A word is a token."""
    made = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<pad>"))
    made.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def model(kind: str, seed: int, dtype: torch.dtype = torch.float32, dropout: float = 0.0):
    """Random weights: two layers of width 16; `gpt2` has learned positions, `llama` rotary ones."""
    torch.manual_seed(seed)
    tokens = {"vocab_size": len(WORDS), "pad_token_id": PAD, "eos_token_id": EOS, "bos_token_id": EOS}
    if kind == "gpt2":
        rates = {"resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout}
        config = GPT2Config(n_layer=2, n_embd=16, n_head=2, n_positions=32, initializer_range=0.1, **rates, **tokens)
        made = GPT2LMHeadModel(config)
    else:
        sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
        config = LlamaConfig(
            **sizes, max_position_embeddings=32, initializer_range=0.1, attention_dropout=dropout, **tokens
        )
        made = LlamaForCausalLM(config)
    return made.to(dtype)


def copied(trained, dtype: torch.dtype = torch.float64):
    """The same weights in a model of its own, without what a library hung on the other."""
    fresh = type(trained)(trained.config).to(dtype)
    fresh.load_state_dict({name: value.to(dtype) for name, value in trained.state_dict().items()})
    return fresh.eval()


def verdict(prompt: list[int], completion: list[int]) -> float:
    """1 if the tokens of the completion sum to an even number, prompt included."""
    return float((sum(completion) + sum(prompt)) % 2 == 0)
