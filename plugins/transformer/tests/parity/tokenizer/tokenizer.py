"""Trains small byte-level BPE tokenizers with the library tokenizers, and reads texts with them: expected.json.

Run in this folder: python tokenizer.py (tokenizers 0.23.3). The texts are made of the parts below by a seeded generator.
"""

import json
import random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

PARTS = ["the", "cat", " sat", " on", " the", "'ll", "'s", "don't", "'", "12", "7", " 345", "+", "-=", " (", ")", "\n",
         "\n\n", "  ", " ", "\t", "é", "Straße", " Ж", "字", "½", "\u00a0", "…", "🦀", "_x", "<s>", "thecat", "'tis", "\r\n"]
generator = random.Random(5)


def text():
    return "".join(generator.choice(PARTS) for _ in range(generator.randint(0, 12)))


CORPUS = [text() for _ in range(400)]
TEXTS = [text() for _ in range(200)]
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False)
KINDS = {
    "gpt2": BYTES,
    "smollm2": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTES]),
    "spaced": pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=True)]),
    "whole": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
}

expected = []
for name, cut in KINDS.items():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = cut
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<s>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokens = [tokenizer.encode(text).ids for text in TEXTS]
    expected.append({"tokenizer": json.loads(tokenizer.to_str()), "name": name, "tokens": tokens})
with open("expected.json", "w") as file:
    json.dump({"texts": TEXTS, "tokenizers": expected}, file, ensure_ascii=False, separators=(",", ":"))
