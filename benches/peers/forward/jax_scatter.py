"""One compiled program: masses times probabilities, scattered to their targets."""
import itertools
import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax  # noqa: E402  (reads the environment)
import jax.numpy as jnp  # noqa: E402

import timing  # noqa: E402

jax.config.update("jax_enable_x64", True)


def prepare(layers):
    runs = [(layer, len(list(run))) for layer, run in itertools.groupby(layers, key=id)]
    known = {id(layer): layer for layer in layers}
    counts = [(known[key][2], count) for key, count in runs]
    arrays = [(jnp.asarray(known[key][0], jnp.int32), jnp.asarray(known[key][1])) for key, _ in runs]

    @jax.jit
    def forward(arrays):
        masses = jnp.ones(1)
        for (targets, probs), (behind, count) in zip(arrays, counts):
            def layer(_, masses, targets=targets, probs=probs, behind=behind):
                return jnp.zeros(behind).at[targets].add(masses[:, None] * probs, mode="promise_in_bounds")
            masses = layer(0, masses) if count == 1 else jax.lax.fori_loop(0, count, layer, masses)
        return jnp.log(masses[0])

    return lambda: forward(arrays).block_until_ready()


timing.report(f"JAX {jax.__version__}, scatter", prepare)
