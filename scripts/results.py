"""Fit the bundled data sets with default settings and print the table of the README.

python scripts/results.py                           # all sets, seed 0
python scripts/results.py hare_lynx --seeds 0 1 2   # median (lowest to highest)
python scripts/results.py paramecium --leave-out    # every third row left out and predicted back
"""

import argparse
import time
from collections.abc import Sequence

import jax
import numpy as np

import neuralode_lbfgs as nl
from neuralode_lbfgs.commands.environment import prepare_jax
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


def measured(name: str, seed: int, leave_out: bool) -> dict[str, float]:
    """The errors of one fit, by the heading of their column."""
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

    def scaled(observed: Trajectories, predicted: Trajectories) -> float:
        return errors(observed, predicted, state_scale(train))["scaled_rmse"] or np.nan

    fitted = result.predict(train, start="fitted")
    row = {"RMSE": pooled_rmse(train, fitted), "RMSE/sd": scaled(train, fitted)}
    if test is not None:
        held_out = result.predict_held_out(test)
        row["test RMSE/sd"] = scaled(test, held_out)
        row["from first rows"] = scaled(test, result.predict(test))
        if name.endswith("_noisy"):
            row["against the truth"] = scaled(truth_of(name, test), held_out)
    if left_out is not None:
        row["left out"] = pooled_rmse(left_out, result.predict(left_out, start="fitted"))
        straight = left_out.with_trajectories(
            [nl.Trajectory(t.id, t.ts, linear_interpolation(train[t.id], t.ts), inputs=t.inputs) for t in left_out]
        )
        row["linear"] = pooled_rmse(left_out, straight)
    row["seconds"] = seconds
    return row


def cell(values: Sequence[float]) -> str:
    """One number, or the median of several with the lowest and the highest."""
    median = f"{np.median(values):.3g}"
    return median if len(values) == 1 else f"{median} ({min(values):.3g} to {max(values):.3g})"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=None, help="names of bundled sets; all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="with several: median (lowest to highest)")
    parser.add_argument("--leave-out", action="store_true", help="leave out and predict back every third row")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.sets if name not in nl.dataset_names()]
    if unknown:
        parser.error(f"there is no bundled set {unknown[0]!r}; there are {', '.join(nl.dataset_names())}.")
    prepare_jax()
    header: list[str] = []
    for name in arguments.sets or nl.dataset_names():
        rows = [measured(name, seed, arguments.leave_out) for seed in arguments.seeds]
        if ["set", *rows[0]] != header:
            header = ["set", *rows[0]]
            print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
        print(f"| {name} | " + " | ".join(cell([row[key] for row in rows]) for key in rows[0]) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
