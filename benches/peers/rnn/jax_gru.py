"""One training step of a GRU policy in JAX, as one compiled program: sample, gradient, Adam.

Prints the mean processor time of a step, one thread.
"""
import argparse
import json
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__)
for name in ("batch", "length", "symbols", "hidden", "steps"):
    parser.add_argument(f"--{name}", type=int, required=True)
args = parser.parse_args()
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
import jax  # noqa: E402  (reads the environment)
import jax.numpy as jnp  # noqa: E402

B, T, V, H = args.batch, args.length, args.symbols, args.hidden
SHAPES = {
    "embedding": (V + 1, H), "weight_ih": (H, 3 * H), "bias_ih": (3 * H,), "weight_hh": (H, 3 * H),
    "bias_hh": (3 * H,), "output": (H, V), "output_bias": (V,),
}


def cell(p, h, gi):
    gh = h @ p["weight_hh"] + p["bias_hh"]
    r, z = jnp.split(jax.nn.sigmoid(gi[:, :2 * H] + gh[:, :2 * H]), 2, axis=1)
    n = jnp.tanh(gi[:, 2 * H:] + r * gh[:, 2 * H:])
    return n + z * (h - n)


def table(p):
    """What the layer makes of each token, once a pass."""
    return p["embedding"] @ p["weight_ih"] + p["bias_ih"]


def sample(p, key):
    inputs, uniforms = table(p), jax.random.uniform(key, (T, B, 1))

    def step(carry, u):
        h, x = carry
        h = cell(p, h, inputs[x])
        cdf = jnp.cumsum(jax.nn.softmax(h @ p["output"] + p["output_bias"]), axis=1)
        x = jnp.minimum((cdf <= u).sum(1), V - 1)
        return (h, x), x

    return jax.lax.scan(step, (jnp.zeros((B, H)), jnp.full((B,), V)), uniforms)[1]


def loss(p, tokens, coefficients):
    inputs = table(p)
    read = jnp.concatenate([jnp.full((1, B), V), tokens[:-1]])

    def step(h, x):
        h = cell(p, h, inputs[x])
        return h, h

    states = jax.lax.scan(step, jnp.zeros((B, H)), read)[1]
    log_probs = jax.nn.log_softmax(states @ p["output"] + p["output_bias"])
    chosen = jnp.take_along_axis(log_probs, tokens[:, :, None], 2)[..., 0].sum(0)
    return -(coefficients * chosen).mean()


def adam(p, g, m, v, t):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
    return jax.tree.map(lambda p, m, v: p - 1e-3 * m * a / (jnp.sqrt(v * b) + 1e-8), p, m, v), m, v


@jax.jit
def train(p, m, v, t, key, coefficients):
    tokens = sample(p, key)
    return adam(p, jax.grad(loss)(p, tokens, coefficients), m, v, t)


keys = jax.random.split(jax.random.PRNGKey(0), len(SHAPES) + 1)
bound = H**-0.5
p = {n: jax.random.uniform(k, s, minval=-bound, maxval=bound) for k, (n, s) in zip(keys, SHAPES.items())}
m, v = jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)
coefficients = jax.random.normal(keys[-1], (B,))
used = []
for step in range(args.steps + 3):
    key = jax.random.fold_in(jax.random.PRNGKey(1), step)
    before = time.process_time()
    p, m, v = jax.block_until_ready(train(p, m, v, step + 1.0, key, coefficients))
    used.append((time.process_time() - before) * 1e3)
print(json.dumps({"peer": "jax", "version": jax.__version__, "cpu_ms": statistics.mean(used[3:])}))
