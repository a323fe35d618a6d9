"""Catalax' own example on its curves: `python program_catalax.py CASE.npz` prints JSON.

It runs in an environment of its own, so it imports nothing of the package. Network, penalty, augmentation and the three
stages of 1000 steps are those of its notebook NeuralODE.ipynb.
"""

import contextlib
import io
import json
import sys
import time
import warnings

import catalax as ctx  # pyright: ignore[reportMissingImports]
import catalax.neural as ctn  # pyright: ignore[reportMissingImports]
import jax
import jax.numpy as jnp
import numpy as np

warnings.filterwarnings("ignore")
STAGES = ({"lr": 1e-3, "length": 0.15}, {"lr": 1e-3}, {"lr": 1e-4})
STEPS = 1000


def main(path: str) -> None:
    case = np.load(path)
    ts, ys = np.asarray(case["ts"]), np.asarray(case["ys"])
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        model = ctx.Model(name="Michaelis-Menten")
        model.add_state(s1="Substrate")
        times = jnp.broadcast_to(jnp.asarray(ts), ys.shape[:2])
        dataset = ctx.Dataset.from_jax_arrays(["s1"], jnp.asarray(ys), times, jnp.asarray(ys[:, 0]))
        network = ctn.NeuralODE.from_model(model, width_size=4, depth=2, activation=jax.nn.celu, seed=int(case["seed"]))
        strategy = ctn.Strategy(penalties=ctn.Penalties.for_neural_ode(l2_alpha=1e-5), batch_size=20)
        for stage in STAGES:
            strategy.add_step(steps=STEPS, **stage)
        trained = network.train(
            dataset=dataset.augment(n_augmentations=10, sigma=0.01), strategy=strategy, print_every=10,
            weight_scale=1e-6, save_milestones=False, progress_bar=False,
        )  # fmt: skip
        total_s = time.perf_counter() - began
        found, _, _ = trained.predict(dataset, use_times=True).to_jax_arrays(["s1"])
    loss = float(np.mean((np.asarray(found) - ys) ** 2) / 2)
    print(json.dumps({
        "loss": loss, "evaluations": STEPS * len(STAGES), "to_target": None, "figures": {}, "compile_s": None,
        "total_s": total_s, "stopped": "its last step",
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
