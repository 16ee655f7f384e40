"""Arms of compare.ron's `trigram` under `reinforce` in JAX: one compiled program of all steps, for all seeds at once or one by one.

Verdicts come from a table over all outputs, made beforehand, which is the fastest verifier there can be. Prints the processor
time of an arm, one thread.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--arms", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--prompts", type=int, default=8)
parser.add_argument("--group", type=int, default=32)
parser.add_argument("--one-by-one", action="store_true", help="an arm behind another instead of vmap over seeds")
args = parser.parse_args()
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax  # noqa: E402  (reads the environment)
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

V, T, LEARNING_RATE = 13, 5, 0.02  # symbols and horizon; the end is choice V
C = 15  # tokens of a context: the symbols, the boundary and `=`
P, G = args.prompts, args.group
START = jnp.array(np.random.default_rng(0).integers(0, C * C, P))
VALID = jnp.array(np.random.default_rng(1).random((P, (V + 1) ** T)) < 0.02)


def step(state, key):
    """Samples, rewards, the leave-one-out gradient of REINFORCE, and a step of Adam."""
    logits, m, v, t = state
    log_probs = jax.nn.log_softmax(logits, axis=1)
    prompt = jnp.repeat(jnp.arange(P), G)

    def one(carry, key):
        context, alive, code = carry
        rows = log_probs[context]
        token = jnp.argmax(rows + jax.random.gumbel(key, rows.shape), axis=1)
        code = code * (V + 1) + jnp.where(alive, token, V)
        return ((context % C) * C + token, alive & (token != V), code), (context, token, alive)

    start = (START[prompt], jnp.ones(P * G, bool), jnp.zeros(P * G, jnp.int32))
    (_, _, code), (context, token, alive) = jax.lax.scan(one, start, jax.random.split(key, T))
    reward = VALID[prompt, code].astype(jnp.float32).reshape(P, G)
    advantage = (reward - (reward.sum(1, keepdims=True) - reward) / (G - 1)).reshape(-1) / (P * G)
    weight = jnp.where(alive, advantage[None, :], 0.0)
    gradient = jnp.zeros_like(logits).at[context, token].add(weight)
    gradient -= jnp.zeros(logits.shape[0]).at[context].add(weight)[:, None] * jnp.exp(log_probs)
    t += 1
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient * gradient
    move = LEARNING_RATE * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return (logits + move, m, v, t), reward.mean()


def arm(seed):
    zeros = jnp.zeros((C * C, V + 1))
    return jax.lax.scan(step, (zeros, zeros, zeros, 0.0), jax.random.split(jax.random.PRNGKey(seed), args.steps))[1][-1]


run = jax.jit(arm) if args.one_by_one else jax.jit(jax.vmap(arm))
seeds = jnp.arange(args.arms)


def train():
    if args.one_by_one:
        for seed in seeds:
            run(seed).block_until_ready()
    else:
        run(seeds).block_until_ready()


train()  # compiles
begun = time.process_time()
train()
print(json.dumps({"peer": "jax", "version": jax.__version__, "cpu_ms": (time.process_time() - begun) * 1e3 / args.arms}))
