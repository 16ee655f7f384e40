"""One training step of a transformer policy (GPT-2's layout) in JAX, as one compiled program: sample with a cache of keys and
values, gradient, Adam.

Activations are flattened to (batch · length, width) before every product. With --ragged sequences end by themselves: they
are sampled in lockstep, and what stands behind the end is masked. Prints the mean processor time of a step, one thread.
"""
import argparse
import json
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name in ("batch", "length", "symbols", "width", "layers", "heads", "steps"):
    parser.add_argument(f"--{name}", type=int, required=True)
parser.add_argument("--ragged", action="store_true")
args = parser.parse_args()
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
import jax  # noqa: E402  (reads the environment)
import jax.numpy as jnp  # noqa: E402

B, T, V, D, L, H = args.batch, args.length, args.symbols, args.width, args.layers, args.heads
S = D // H
CHOICES = V + args.ragged  # the end is choice V, whose embedding is also that of the start
LINEAR = {"ask": (D, 3 * D), "answer": (D, D), "up": (D, 4 * D), "down": (4 * D, D)}


def initial(key):
    normal = lambda i, *shape: jax.random.normal(jax.random.fold_in(key, i), shape) * shape[0]**-0.5
    norm = lambda: {"gain": jnp.ones(D), "bias": jnp.zeros(D)}
    linear = lambda i, shape: {"weight": normal(i, *shape), "bias": jnp.zeros(shape[1])}
    layer = lambda l: {"norm1": norm(), "norm2": norm()} | {
        name: linear(10 * l + i, shape) for i, (name, shape) in enumerate(LINEAR.items())}
    tables = {"embedding": normal(1001, D, V + 1).T, "positions": normal(1002, D, T).T}
    return tables | {"layers": [layer(l) for l in range(L)], "norm": norm()}


def normalised(p, x):
    x = x - x.mean(1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(1, keepdims=True) + 1e-5) * p["gain"] + p["bias"]


def linear(p, x):
    return x @ p["weight"] + p["bias"]


def layer(p, x, attend):
    """Rows of x through a layer; `attend` makes answers of queries, keys and values."""
    x = x + linear(p["answer"], attend(*jnp.split(linear(p["ask"], normalised(p["norm1"], x)), 3, axis=1)))
    return x + linear(p["down"], jax.nn.gelu(linear(p["up"], normalised(p["norm2"], x)), approximate=True))


def logits(p, x):
    return normalised(p["norm"], x) @ p["embedding"][:CHOICES].T


def sample(p, key):
    def step(carry, at):
        caches, token = carry
        t, uniform = at
        x, kept = p["embedding"][token] + p["positions"][t], []
        for parameters, (keys, values) in zip(p["layers"], caches):
            def attend(q, k, v):
                q, k, v = (y.reshape(B, H, 1, S) for y in (q, k, v))
                ks = jax.lax.dynamic_update_slice(keys, k, (0, 0, t, 0))
                vs = jax.lax.dynamic_update_slice(values, v, (0, 0, t, 0))
                kept.append((ks, vs))
                scores = jnp.where(jnp.arange(T) <= t, (ks @ q.transpose(0, 1, 3, 2))[..., 0] * S**-0.5, -jnp.inf)
                return (jax.nn.softmax(scores)[:, :, None] @ vs).reshape(B, D)
            x = layer(parameters, x, attend)
        cdf = jnp.cumsum(jax.nn.softmax(logits(p, x)), axis=1)
        token = jnp.minimum((cdf <= uniform).sum(1), CHOICES - 1)
        return (kept, token), token

    caches = [(jnp.zeros((B, H, T, S)),) * 2 for _ in range(L)]
    start = (caches, jnp.full((B,), V))
    return jax.lax.scan(step, start, (jnp.arange(T), jax.random.uniform(key, (T, B, 1))))[1].T


def loss(p, tokens, coefficients):
    def attend(q, k, v):
        q, k, v = (y.reshape(B, T, H, S).transpose(0, 2, 1, 3) for y in (q, k, v))
        scores = jnp.where(jnp.tri(T, dtype=bool), q @ k.transpose(0, 1, 3, 2) * S**-0.5, -jnp.inf)
        return (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(B * T, D)

    read = jnp.concatenate([jnp.full((B, 1), V), tokens[:, :-1]], axis=1)
    x = (p["embedding"][read] + p["positions"]).reshape(B * T, D)
    for parameters in p["layers"]:
        x = layer(parameters, x, attend)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits(p, x)), tokens.reshape(-1, 1), 1).reshape(B, T)
    if args.ragged:
        ends = tokens == V
        chosen = jnp.where(jnp.cumsum(ends, axis=1) > ends, 0, chosen)
    return -(coefficients * chosen.sum(1)).mean()


def adam(p, g, m, v, t):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
    return jax.tree.map(lambda p, m, v: p - 1e-3 * m * a / (jnp.sqrt(v * b) + 1e-8), p, m, v), m, v


@jax.jit
def train(p, m, v, t, key, coefficients):
    tokens = sample(p, key)
    return adam(p, jax.grad(loss)(p, tokens, coefficients), m, v, t)


p = initial(jax.random.PRNGKey(0))
m, v = jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)
coefficients = jax.random.normal(jax.random.PRNGKey(2), (B,))
used = []
for step in range(args.steps + 3):
    key = jax.random.fold_in(jax.random.PRNGKey(1), step)
    before = time.process_time()
    p, m, v = jax.block_until_ready(train(p, m, v, step + 1.0, key, coefficients))
    used.append((time.process_time() - before) * 1e3)
print(json.dumps({"peer": "jax", "version": jax.__version__, "cpu_ms": statistics.mean(used[3:])}))
