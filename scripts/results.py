"""Fit the bundled data sets with default settings and print the table of the README.

python scripts/results.py                         # all sets, seed 0
python scripts/results.py hare_lynx --seeds 0 1 2
python scripts/results.py paramecium --leave-out  # every third row left out and predicted back
"""

import argparse
import time
from collections.abc import Sequence

import jax
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.data import Trajectories, dataset_card
from neuralode_lbfgs.outputs.metrics import errors, linear_interpolation, pooled_rmse, state_scale


def every_third(data: Trajectories, first: int) -> tuple[Trajectories, Trajectories]:
    """Rows first, first + 3, ... of each trajectory, and the others: (kept, left out)."""
    out = [np.arange(trajectory.ts.size) % 3 == first for trajectory in data]
    kept = data.with_trajectories([t.at(~rows) for t, rows in zip(data, out, strict=True)])
    return kept, data.with_trajectories([t.at(rows) for t, rows in zip(data, out, strict=True)])


def truth_of(name: str, test: Trajectories) -> Trajectories:
    """The noise-free twin of noisy test data."""
    return nl.load_dataset(name.removesuffix("_noisy")).split(ids=list(test.ids))[1]


def row(name: str, seed: int, leave_out: bool) -> dict[str, str]:
    """One line of the table."""
    data, card = nl.load_dataset(name), dataset_card(name)
    ids = list(card.test_trajectories)
    train, test = data.split(ids=ids) if ids else (data, None)
    left_out = None
    if leave_out:
        train, left_out = every_third(train, 1)
    model = nl.NeuralODE(
        nl.MLPVectorField(data.state_size, 16, 2, input_size=data.input_size, key=jax.random.key(seed))
    )
    started = time.perf_counter()
    result = nl.fit(model, train)
    seconds = time.perf_counter() - started
    scale = state_scale(train)
    fitted = result.predict(train, start="fitted")
    line = {"set": name, "seed": str(seed), "RMSE": f"{pooled_rmse(train, fitted):.3g}"}
    line["RMSE/sd"] = f"{errors(train, fitted, scale)['scaled_rmse'] or np.nan:.3g}"
    if test is not None:
        predicted = result.predict(test)
        line["test RMSE/sd"] = f"{errors(test, predicted, scale)['scaled_rmse'] or np.nan:.3g}"
        if name.endswith("_noisy"):
            line["against truth"] = f"{errors(truth_of(name, test), predicted, scale)['scaled_rmse'] or np.nan:.3g}"
    if left_out is not None:
        line["left out"] = f"{pooled_rmse(left_out, result.predict(left_out, start='fitted')):.3g}"
        straight = left_out.with_trajectories(
            [nl.Trajectory(t.id, t.ts, linear_interpolation(train[t.id], t.ts), inputs=t.inputs) for t in left_out]
        )
        line["linear"] = f"{pooled_rmse(left_out, straight):.3g}"
    line["stopped"] = result.stop_reason.name.lower()
    line["seconds"] = f"{seconds:.0f}"
    return line


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=None, help="names of bundled sets; all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--leave-out", action="store_true", help="leave out and predict back every third row")
    arguments = parser.parse_args(argv)
    jax.config.update("jax_enable_x64", True)
    header: list[str] = []
    for name in arguments.sets or nl.dataset_names():
        for seed in arguments.seeds:
            line = row(name, seed, arguments.leave_out)
            if list(line) != header:
                header = list(line)
                print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
            print("| " + " | ".join(line.values()) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
