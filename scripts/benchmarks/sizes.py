"""What data of each size and shape cost: whole runs of `fit` from a CSV file, their seconds and their memory.

Every run is a process of its own without a cache of compiled programs. All sizes of a family have the same system,
noise and sampling, so that the cost of a point can be compared.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neuralode_lbfgs.data import Trajectories, Trajectory, write_csv
from neuralode_lbfgs.systems import simulate

NOISE = 0.02  # of each state's standard deviation
HELD_OUT = 20  # trajectories without noise, on which errors are measured


@dataclass(frozen=True)
class Family:
    """Data of one kind at several sizes, and the sizes."""

    make: Callable[[int], tuple[Trajectories, Trajectories]]
    sizes: tuple[int, ...]
    heading: str


def push(t):
    """A force on the mass that never repeats."""
    return jnp.stack([jnp.sin(0.7 * t) + jnp.sin(0.31 * t + 1.0)])


def one_long_trajectory(points: int) -> tuple[Trajectories, Trajectories]:
    """A driven mass on a spring, recorded ten times a second for as long as it takes."""
    recorded = lambda key, num, noise: simulate(  # noqa: E731
        "mass_spring_forced", key=jax.random.key(key), num_trajectories=1, t1=0.1 * (num - 1), num=num, noise=noise,
        relative_noise=True, inputs=push, ids=[f"run{key}"], max_steps=5_000_000,
    )  # fmt: skip
    return recorded(1, points, NOISE), recorded(2, 200, 0.0)


def many_trajectories(points: int) -> tuple[Trajectories, Trajectories]:
    """Predators and prey from starts all over a box, 20 points each."""
    return _populations(points // 20, 20, NOISE, key=1), _populations(HELD_OUT, 50, 0.0, key=2)


def _populations(count: int, num: int, noise: float, *, key: int, t1: float = 10.0) -> Trajectories:
    return simulate(
        "lotka_volterra", key=jax.random.key(key), num_trajectories=count, t1=t1, num=num, noise=noise,
        relative_noise=True, start_box=((0.5, 2.0), (0.5, 2.0)), ids=[f"run{key}_{i}" for i in range(count)],
    )  # fmt: skip


def ragged(points: int) -> tuple[Trajectories, Trajectories]:
    """200 trajectories of 3 to 60 points at random times, 30 % of the values blank; `points` is not asked."""
    rng = np.random.default_rng(points)
    lengths = rng.integers(3, 61, 200)
    runs = []
    dense = _populations(200, 601, NOISE, key=3)
    for i, whole in enumerate(dense):
        rows = np.sort(np.append(0, rng.choice(np.arange(1, 601), lengths[i] - 1, replace=False)))
        ys = whole.ys[rows].copy()
        ys[rng.random(ys.shape) < 0.3] = np.nan
        runs.append(Trajectory(whole.id, whole.ts[rows], ys))
    return dense.with_trajectories(runs), _populations(HELD_OUT, 50, 0.0, key=2)


def regular(points: int) -> tuple[Trajectories, Trajectories]:
    """200 trajectories on one regular grid, with as many values in all as `ragged` has."""
    observed = ragged(points)[0].observed
    each = max(round(observed / 2 / 200), 2)
    return _populations(200, each, NOISE, key=3), _populations(HELD_OUT, 50, 0.0, key=2)


def sparse(points: int) -> tuple[Trajectories, Trajectories]:
    """Trajectories of six points, three to an oscillation: too few for slopes."""
    return _populations(points // 6, 6, NOISE, key=1), _populations(HELD_OUT, 50, 0.0, key=2)


def long_alone(points: int) -> tuple[Trajectories, Trajectories]:
    """One trajectory of 5,000 points."""
    return _populations(1, 5000, NOISE, key=1, t1=100.0), _populations(HELD_OUT, 50, 0.0, key=2)


def long_and_short(points: int) -> tuple[Trajectories, Trajectories]:
    """One trajectory of 5,000 points beside 100 of two."""
    short = [run.at(np.array([0, 10])) for run in _populations(100, 200, NOISE, key=4)]
    long, held_out = long_alone(points)
    return long.with_trajectories([*long, *short]), held_out


FAMILIES = {
    "one": Family(one_long_trajectory, (100, 1000, 10_000, 100_000), "one trajectory"),
    "many": Family(many_trajectories, (100, 1000, 10_000, 200_000), "trajectories of 20 points"),
    "regular": Family(regular, (0,), "200 trajectories on one grid"),
    "ragged": Family(ragged, (0,), "200 of 3 to 60 points, 30 % blank"),
    "sparse": Family(sparse, (12_000,), "trajectories of 6 points"),
    "long": Family(long_alone, (5000,), "5,000 points"),
    "long_short": Family(long_and_short, (5000,), "5,000 points beside 100 x 2"),
}


def whole_run(name: str, size: int, flags: Sequence[str] = ()) -> dict[str, Any]:
    """One run of the command line on a file: seconds, evaluations, error of the held-out trajectories, peak memory."""
    data, held_out = FAMILIES[name].make(size)
    with tempfile.TemporaryDirectory() as folder:
        both = data.with_trajectories([*data, *held_out])
        path, out = Path(folder) / "data.csv", Path(folder) / "out"
        write_csv(both, path)
        command = [
            sys.executable, "-m", "neuralode_lbfgs", "fit", str(path), "--trajectory", "trajectory",
            "--test-trajectories", *held_out.ids, "--out", str(out), "--quiet", "--no-compilation-cache", *flags,
        ]  # fmt: skip
        if data.input_size:
            command += ["--inputs", *data.input_names]
        began = time.perf_counter()
        with open(Path(folder) / "errors", "w+", encoding="utf-8") as errors:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
            peak = peak_mib(process)
            seconds = time.perf_counter() - began
            errors.seek(0)
            if process.returncode:
                raise RuntimeError(f"{name} of size {size}: {errors.read().strip().splitlines()[-1]}")
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return {
        "name": name,
        "points": sum(run.ts.size for run in data),
        "trajectories": len(data),
        "observed": data.observed,
        "total_s": seconds,
        "evaluations": metrics["evaluations"],
        "compile_s": metrics["compile_s"],
        "run_s": metrics["run_s"],
        "peak_mib": peak,
        "train_error": metrics["train"]["scaled_rmse"],
        "held_out_error": metrics["test"]["scaled_rmse"],
    }


def peak_mib(process: subprocess.Popen) -> float:
    """Wait for a process; the most memory that it has held, in MiB, on Linux.

    What `wait4` says begins with the memory of the process that has started it.
    """
    peak = 0.0
    while process.poll() is None:
        with suppress(OSError, StopIteration):  # it has just ended
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            peak = float(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024
        time.sleep(0.2)
    return peak


def benchmark(
    names: Sequence[str], sizes: Sequence[int] | None, flags: Sequence[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Every size of every family, once."""
    known = sorted({size for name in names for size in FAMILIES[name].sizes})
    unknown = [size for size in sizes or () if size not in known]
    if unknown:
        raise ValueError(f"there is no size of {unknown[0]} points; there are {', '.join(map(str, known))}.")
    rows = []
    for name in names:
        for size in FAMILIES[name].sizes:
            if sizes and size not in sizes:
                continue
            rows.append(whole_run(name, size, flags))
            say(line(rows[-1]))
    return {"rows": rows, "flags": list(flags)}


COLUMNS = (
    "data",
    "trajectories",
    "points",
    "seconds",
    "compiling",
    "running",
    "evaluations",
    "MiB",
    "train",
    "held out",
)


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        FAMILIES[row["name"]].heading, f"{row['trajectories']:,}", f"{row['points']:,}", f"{row['total_s']:.0f}",
        f"{row['compile_s']:.1f}", f"{row['run_s']:.1f}", f"{row['evaluations']}", f"{row['peak_mib']:.0f}",
        *("-" if row[name] is None else f"{row[name]:.3g}" for name in ("train_error", "held_out_error")),
    )  # fmt: skip


def line(row: dict[str, Any]) -> str:
    return "| " + " | ".join(cells(row)) + " |"


def report(results: dict[str, Any]) -> str:
    """A markdown table; errors are root mean squares in standard deviations of the states."""
    head = ["| " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    return "\n".join([*head, *map(line, results["rows"])])
