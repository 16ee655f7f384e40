#!/usr/bin/env python3
"""Makes pytorch.safetensors and pytorch.json: a GRU of PyTorch, and its log-probabilities in float64.

    python3 -m venv v && v/bin/pip install torch numpy && v/bin/python pytorch.py

Written from the documentation of the file's layout; shares no code with the plugin.
"""
import json
import pathlib
import struct

import torch
from torch import nn

SYMBOLS, PROMPT_SYMBOLS, HORIZON = "abcdefg", "=+", 10
BOUNDARY = len(SYMBOLS)  # read as ^, emitted as $
HERE = pathlib.Path(__file__).parent


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(SYMBOLS) + 1 + len(PROMPT_SYMBOLS), 6)
        self.gru = nn.GRU(6, 19, num_layers=2, batch_first=True)
        self.output = nn.Linear(19, len(SYMBOLS) + 1)

    def forward(self, tokens):
        return torch.log_softmax(self.output(self.gru(self.embedding(tokens))[0]), -1)


def save(path, tensors):
    """The safetensors format: length of the header, header, values in little-endian order."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.manual_seed(7)
    model = Model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
    save(HERE / "pytorch.safetensors", model.state_dict())
    model.double()
    sequences = []
    for i in range(40):
        prompt = torch.randint(0, len(SYMBOLS), (i % 4,)).tolist()
        if prompt:
            prompt[-1] = BOUNDARY + 1 + i % 2
        length = i % (HORIZON + 1)
        tokens = torch.randint(0, len(SYMBOLS), (length,)).tolist() + ([BOUNDARY] if length < HORIZON else [])
        read = torch.tensor([[BOUNDARY, *prompt, *tokens[:-1]]])
        with torch.no_grad():
            rows = model(read)[0, len(prompt):]
        log_probs = [rows[t, token].item() for t, token in enumerate(tokens)]
        sequences.append({"prompt": prompt, "tokens": tokens, "log_probs": log_probs})
    parity = {"torch": torch.__version__, "alphabet": SYMBOLS, "prompt_alphabet": PROMPT_SYMBOLS,
              "horizon": HORIZON, "sequences": sequences}
    (HERE / "pytorch.json").write_text(json.dumps(parity, indent=1) + "\n")


if __name__ == "__main__":
    main()
