"""The tables of a report, as rows of text; the page makes them HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...fitting.aligned import sd_text
from ..metrics import paired
from .contents import Contents

WORST = 10  # trajectories of the longest table


@dataclass(frozen=True)
class Table:
    """Text in rows. The first `texts` columns are words, the others numbers.

    Args:
        groups: headings over several columns, with how many each.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    groups: tuple[tuple[str, int], ...] = ()


def column_table(contents: Contents) -> Table:
    """What each column is, and what is blank in it."""
    rows = tuple(
        (one["name"], one["role"], one["unit"], str(one["given"]), str(one["blank"]), one["low"], one["high"])
        for one in contents.account["data"]["columns"]
    )
    return Table(("column", "role", "unit", "given", "blank", "lowest", "highest"), rows, 3)


def error_table(contents: Contents) -> Table:
    """Root mean square errors of the model beside those of the mean and of persistence."""
    naive = contents.account["data"]["persistence"]
    parts = [("rows trained on", "train")] + [("rows held out", "test")] * (contents.metrics.get("test") is not None)
    of = {part: (contents.metrics[part], contents.metrics["baseline"][part], naive[part]) for _, part in parts}
    rows = []
    for state in contents.states:
        cells = [_number(errors["rmse"].get(state)) for _, part in parts for errors in of[part]]
        rows.append((contents.label(state), *cells))
    cells = [_number(errors["scaled_rmse"]) for _, part in parts for errors in of[part]]
    rows.append(("all, in standard deviations", *cells))
    head = ("", *("model", "mean", "persistence") * len(parts))
    return Table(head, tuple(rows), 1, (("", 1), *((title, 3) for title, _ in parts)))


def residual_table(contents: Contents) -> Table | None:
    """What the residuals of each state are like; None without data."""
    rows = contents.rows
    if rows is None:
        return None
    pairs = list(paired(rows.data, rows.predictions))
    found = []
    for part in ("trained on", "held out"):
        for j, state in enumerate(contents.states):
            groups = []
            for run, predicted in pairs:
                held = rows.held[run.id]
                with np.errstate(over="ignore"):
                    left = (run.ys - predicted.ys)[held if part == "held out" else ~held, j]
                groups.append(left[np.isfinite(left)])
            every = np.concatenate(groups)
            if every.size:
                cells = (str(every.size), *map(_number, (every.mean(), every.std(), np.abs(every).max())))
                found.append((contents.label(state), part, *cells, _number(_neighbours(groups))))
    head = ("state", "rows", "number", "mean", "spread", "largest", "neighbours alike")
    return Table(head, tuple(found), 2)


def _neighbours(groups: list[np.ndarray]) -> float:
    """The correlation of residuals with those of the next rows, over all trajectories; NaN where there is none."""
    before, after = (np.concatenate([group[cut] for group in groups]) for cut in (slice(None, -1), slice(1, None)))
    if before.size < 3 or not (np.std(before) > 0 and np.std(after) > 0):
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])


def stage_table(contents: Contents) -> Table | None:
    """Iterations, evaluations, loss and time of each stage; None if there was no iteration."""
    rows: list[tuple[str, ...]] = []
    evaluations, seconds = 0.0, 0.0
    groups: list[tuple[str, list[Mapping[str, Any]]]] = []
    for row in contents.history:
        if not groups or groups[-1][0] != row["stage"]:
            groups.append((str(row["stage"]), []))
        groups[-1][1].append(row)
    for name, group in groups:
        last = group[-1]
        losses = (f"{float(group[0]['loss']):.4g}", f"{float(last['loss']):.4g}")
        steps = [float(row["step_size"]) for row in group if float(row["step_size"]) > 0]
        spread = f"{min(steps):.2g} to {max(steps):.2g}" if steps else "–"
        spent = float(last["evaluations"]) - evaluations, float(last["seconds"]) - seconds
        evaluations, seconds = float(last["evaluations"]), float(last["seconds"])
        rows.append((name, str(len(group)), f"{spent[0]:.0f}", *losses, spread, f"{spent[1]:.2f}"))
    head = ("stage", "iterations", "evaluations", "loss at first", "loss at last", "step sizes", "seconds")
    return Table(head, tuple(rows)) if rows else None


def parameter_table(contents: Contents) -> Table | None:
    """Where physical parameters started and ended; None where there are none."""
    parameters = contents.metrics.get("parameters")
    if not parameters:
        return None
    rows = []
    for name, one in parameters.items():
        state = "frozen" if one["frozen"] else "" if one["moved"] else "did not move"
        sd = one.get("sd")  # of no fit by an earlier version
        rows.append((name, _array(one["start"]), _array(one["end"]), "" if sd is None else _array(sd), state))
    return Table(("parameter", "start", "end", "standard deviation", ""), tuple(rows))


def law_table(contents: Contents) -> Table | None:
    """The terms of a polynomial model; None of any other."""
    law = contents.metrics.get("law")
    if not law:
        return None
    rows = [(one["rate"], one["term"], f"{one['coefficient']:.6g}", sd_text(one["sd"])) for one in law]
    return Table(("rate", "term", "coefficient", "standard deviation"), tuple(rows))


def trajectory_table(contents: Contents) -> Table | None:
    """The trajectories with the largest errors; None if all are drawn."""
    rows = contents.rows
    if rows is None or len(rows.data) <= len(contents.drawn):
        return None
    errors, ranked = rows.errors, rows.ranked
    found = tuple((name, *map(_number, errors[name])) for name in ranked[:WORST])
    return Table((f"{len(found)} worst of {len(ranked)}", "rows trained on", "rows held out"), found)


def _array(value: Any) -> str:
    flat = np.ravel(np.asarray(value, dtype=np.float64))
    return ", ".join(f"{x:.4g}" for x in flat[:6]) + (", ..." if flat.size > 6 else "")


def _number(value: float | None) -> str:
    if value is None or np.isnan(value):
        return "–"
    return f"{value:.3g}"
