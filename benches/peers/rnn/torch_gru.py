"""One training step of a GRU policy in PyTorch: sample, score with nn.GRU, backward, fused Adam.

Prints the mean processor time of a step, one thread.
"""
import argparse
import json
import os
import statistics
import time

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
import torch  # noqa: E402  (reads the environment)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
for name in ("batch", "length", "symbols", "hidden", "steps"):
    parser.add_argument(f"--{name}", type=int, required=True)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(0)
B, T, V, H = args.batch, args.length, args.symbols, args.hidden


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V + 1, H)
        self.gru = nn.GRU(H, H)
        self.output = nn.Linear(H, V)

    @torch.no_grad()
    def sample(self):
        # What the layer makes of each token, once a pass: faster than nn.GRUCell on embeddings.
        inputs = F.linear(self.embedding.weight, self.gru.weight_ih_l0, self.gru.bias_ih_l0)
        weight, bias = self.gru.weight_hh_l0.t(), self.gru.bias_hh_l0
        tokens = torch.empty(T, B, dtype=torch.long)
        x, h = torch.full((B,), V), torch.zeros(B, H)
        uniforms = torch.rand(T, B, 1)
        for t in range(T):
            gi, gh = inputs.index_select(0, x), torch.addmm(bias, h, weight)
            rz = torch.sigmoid_(gi[:, :2 * H].add_(gh[:, :2 * H]))
            n = torch.tanh_(gi[:, 2 * H:].addcmul_(rz[:, :H], gh[:, 2 * H:]))
            h = torch.lerp(n, h, rz[:, H:])
            cdf = torch.softmax(self.output(h), -1).cumsum(-1)
            x = (cdf <= uniforms[t]).sum(-1).clamp_(max=V - 1)
            tokens[t] = x
        return tokens

    def log_prob(self, tokens):
        read = torch.cat((torch.full((1, B), V), tokens[:-1]))
        logits = self.output(self.gru(self.embedding(read))[0])
        surprisal = F.cross_entropy(logits.view(-1, V), tokens.reshape(-1), reduction="none")
        return -surprisal.view(T, B).sum(0)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3, fused=True)
coefficients = torch.randn(B)
used = []
for _ in range(args.steps + 3):
    before = time.process_time()
    loss = -(coefficients * policy.log_prob(policy.sample())).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    used.append((time.process_time() - before) * 1e3)
print(json.dumps({"peer": "torch", "version": torch.__version__, "cpu_ms": statistics.mean(used[3:])}))
