"""The neural ODE of diffrax' documentation, trained as it is there: `python program_diffrax.py CASE.npz` prints JSON.

In single precision: AdaBelief(3e-3), batches of 32, 500 steps on a tenth of the horizon and 500 on all of it. The
loader leaves the last batch of an epoch out, as the tutorial's does.
"""

import json
import sys
import time

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

BATCH, RATE, STEPS, LENGTHS = 32, 3e-3, (500, 500), (0.1, 1.0)


class Func(eqx.Module):
    out_scale: jax.Array
    mlp: eqx.nn.MLP

    def __init__(self, key):
        self.out_scale = jnp.array(1.0)
        self.mlp = eqx.nn.MLP(2, 2, 64, 2, activation=jax.nn.softplus, final_activation=jnp.tanh, key=key)

    def __call__(self, t, y, args):
        return self.out_scale * self.mlp(y)


def solve(func, ts, y0):
    return diffrax.diffeqsolve(
        diffrax.ODETerm(func), diffrax.Tsit5(), t0=ts[0], t1=ts[-1], dt0=ts[1] - ts[0], y0=y0,
        stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-6), saveat=diffrax.SaveAt(ts=ts),
    ).ys  # fmt: skip


def batches(size, key):
    while True:
        order = jax.random.permutation(key, jnp.arange(size))
        (key,) = jax.random.split(key, 1)
        for begin in range(0, size - BATCH, BATCH):
            yield order[begin : begin + BATCH]


def main(path: str) -> None:
    case = np.load(path)
    ts, ys = jnp.asarray(case["ts"], jnp.float32), jnp.asarray(case["ys"], jnp.float32)
    began = time.perf_counter()
    _, model_key, loader_key = jax.random.split(jax.random.PRNGKey(5678 + int(case["seed"])), 3)
    model = Func(model_key)
    optimizer = optax.adabelief(RATE)

    @eqx.filter_value_and_grad
    def grad_loss(model, ts, ys):
        return jnp.mean((ys - jax.vmap(solve, in_axes=(None, None, 0))(model, ts, ys[:, 0])) ** 2)

    @eqx.filter_jit
    def make_step(ts, ys, model, state):
        loss, grads = grad_loss(model, ts, ys)
        updates, state = optimizer.update(grads, state)
        return loss, eqx.apply_updates(model, updates), state

    loss = jnp.inf
    for steps, length in zip(STEPS, LENGTHS, strict=True):
        state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
        rows = int(len(ts) * length)
        for _, batch in zip(range(steps), batches(len(ys), loader_key), strict=False):
            loss, model, state = make_step(ts[:rows], ys[batch, :rows], model, state)
    jax.block_until_ready((loss, model))
    total_s = time.perf_counter() - began
    found = jax.jit(jax.vmap(lambda y0: solve(model, ts, y0)))(ys[:, 0])
    print(json.dumps({
        "loss": float(jnp.mean((found - ys) ** 2)), "evaluations": sum(STEPS), "to_target": None, "figures": {},
        "compile_s": None, "total_s": total_s, "stopped": "its last step",
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
