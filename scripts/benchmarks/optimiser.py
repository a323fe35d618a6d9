"""The runner: each problem with each solver in a process of its own, repeated, and the medians of what they needed."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from .pair import ODES, PROBLEMS, SOLVERS, check
from .problem import MAX_EVALUATIONS, MAX_SECONDS, TOLERANCE
from .problems import FUNCTIONS
from .report import figures

SCRIPTS = Path(__file__).resolve().parents[1]
PATIENCE = 600.0  # seconds for a process that builds, compiles and runs: a compiled loop does not look at the clock
PACKAGES = (
    "neuralode-lbfgs", "jax", "jaxlib", "equinox", "diffrax", "optax", "scipy", "numpy",
    "optimistix", "jaxopt", "torch", "torchdiffeq",
)  # fmt: skip
MEASURED = ("evaluations", "compile_s", "run_s", "total_s", "loss")
Row = dict[str, Any]


def environment() -> dict[str, str]:
    """Of the measured processes: no compiled program is kept between them."""
    there = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    return there | {
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")])),
        # SciPy's small products gain nothing from threads, and lose much where the machine is busy.
        "OPENBLAS_NUM_THREADS": "1",
    }


def in_process(*arguments: str) -> Row:
    """What `benchmarks.pair` prints for these arguments in a new process, or why it ended without, as "error"."""
    command = [sys.executable, "-m", "benchmarks.pair", *arguments]
    try:
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {PATIENCE:g} s"}
    if done.returncode != 0:
        return {"error": last_line(done.stderr)}
    return json.loads(last_line(done.stdout))


def answer(problem: str, what: str) -> Row:
    """What a process says of a problem where nothing can be done without it. Raises RuntimeError if it fails."""
    found = in_process(problem, what)
    if "error" in found:
        raise RuntimeError(f"{what} failed on {problem}: {found['error']}.")
    return found


def last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "no message")


def why_not(solver: str) -> str | None:
    """Why a solver cannot be run here; None if all that it needs can be imported."""
    modules = SOLVERS[solver].needs
    if not modules:
        return None
    command = [sys.executable, "-c", f"import {', '.join(modules)}"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return last_line(done.stderr) if done.returncode else None


def blank_row(problem: str, solver: str, **others: Any) -> Row:
    """The row of a pair that gave no numbers."""
    return {"problem": problem, "solver": solver, "reached": False, **dict.fromkeys(MEASURED), **others}


def pair_row(problem: str, solver: str, target: float | None) -> Row:
    """One measurement of a pair; one that fails is a row as well, with the error as its reason to stop."""
    found = in_process(problem, solver, *([] if target is None else ["--target", repr(target)]))
    return blank_row(problem, solver, stopped=found["error"]) if "error" in found else found


def median_row(rows: Sequence[Row]) -> Row:
    """The medians over the repeats of one pair; reached if every repeat did."""
    first = rows[0]
    values = {key: [row[key] for row in rows if row[key] is not None] for key in MEASURED}
    medians = {key: statistics.median(found) if found else None for key, found in values.items()}
    kept = {key: first[key] for key in ("stopped", "skipped") if key in first}
    reached = all(row["reached"] for row in rows)
    return {"problem": first["problem"], "solver": first["solver"], "reached": reached, **medians, **kept}


def medians_of(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Of every pair: {problem: {solver: row}}, in the order in which they were first measured."""
    order = {pair: place for place, pair in reversed(list(enumerate((row["problem"], row["solver"]) for row in rows)))}
    place = lambda row: order[row["problem"], row["solver"]]  # noqa: E731
    found: dict[str, dict[str, Row]] = {}
    for _, repeats in groupby(sorted(rows, key=place), place):
        row = median_row(list(repeats))
        found.setdefault(row["problem"], {})[row["solver"]] = row
    return found


def versions() -> dict[str, str | int | None]:
    """Of all that is measured, and the machine."""
    found: dict[str, str | int | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found | {"machine": platform.machine(), "system": platform.platform(), "processors": os.cpu_count()}


def benchmark(
    problems: Sequence[str], solvers: Sequence[str], repeats: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure every pair; the outermost loop is over repeats, so that a change of the machine's load meets all alike.

    Returns:
        The content of the JSON file: versions, settings, targets, rows, medians, bare evaluations and figures.
    """
    check("problem", problems, PROBLEMS)
    check("solver", solvers, SOLVERS)
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1; it is {repeats}.")
    reasons = {solver: why_not(solver) for solver in solvers}
    targets = {}
    for problem in problems:
        if problem not in FUNCTIONS:
            say(f"{problem}: what the usual recipe reaches")
            targets[problem] = answer(problem, "target")["target"]
    rows: list[Row] = []
    bare: dict[str, list[Row]] = {}
    for repeat in range(repeats):
        for problem in problems:
            for solver in solvers:
                reason = reasons[solver]
                if reason is None and SOLVERS[solver].odes_only and problem not in ODES:
                    reason = "fits neural ODEs only"
                if reason is not None:
                    rows.append({**blank_row(problem, solver, skipped=reason), "repeat": repeat})
                    continue
                row = pair_row(problem, solver, targets.get(problem))
                rows.append({**row, "repeat": repeat})
                say(f"{repeat + 1}/{repeats} {problem}, {solver}: {row['evaluations']} evaluations, {row['stopped']}")
            if problem in ODES and "ours" in solvers:
                found = in_process(problem, "bare")
                say(f"{repeat + 1}/{repeats} {problem}, value and gradient alone{': ' + found.get('error', '')}")
                if "error" not in found:
                    bare.setdefault(problem, []).append(found)
    medians = medians_of(rows)
    bare_medians = {
        problem: {key: statistics.median(row[key] for row in found) for key in found[0]}
        for problem, found in bare.items()
    }
    return {
        "versions": versions(),
        "settings": {
            "repeats": repeats,
            "tolerance": TOLERANCE,
            "max_evaluations": MAX_EVALUATIONS,
            "max_seconds": MAX_SECONDS,
        },
        "targets": targets,
        "minima": {
            problem: [m.value for m in FUNCTIONS[problem].minima] for problem in problems if problem in FUNCTIONS
        },
        "rows": rows,
        "medians": medians,
        "bare": bare_medians,
        "figures": figures(medians, bare_medians, ODES),
    }
