"""A figure of the report, and what figures of rows have in common: which states, which marks, which words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import Scatter

from ...data import Trajectory
from .contents import Contents, Rows
from .look import INK, VERMILLION, source

STATES = 8  # panels of a figure


@dataclass(frozen=True)
class Entry:
    """What a mark or line means; legends stand above their figures as text, so that they wrap on a phone.

    Args:
        kind: `line`, `dots`, `rings`, `span`, `cross`, `square`, `triangle` or `diamond`: drawn by the page's template.
        colour: in hexadecimal digits.
        text: what it means.
        dash: of a line, as in an SVG's stroke-dasharray.
    """

    kind: str
    colour: str
    text: str
    dash: str = ""


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure: what to embed, what it shows in words, and its legend."""

    drawn: Any
    title: str
    remarks: tuple[str, ...] = ()
    legend: tuple[Entry, ...] = ()


OBSERVED = Entry("dots", INK, "observed")
HELD = Entry("rings", VERMILLION, "observed, held out")


def states_shown(contents: Contents) -> list[int]:
    """All of few states, else those with the largest errors, in the order of the data."""
    errors = (contents.metrics.get("test") or contents.metrics["train"])["rmse"]
    baseline = contents.metrics["baseline"]["test" if contents.metrics.get("test") else "train"]["rmse"]
    if len(contents.states) <= STATES:
        return list(range(len(contents.states)))

    def badness(j: int) -> float:
        error, scale = (part.get(contents.states[j]) for part in (errors, baseline))
        return np.inf if error is None else error / (scale or 1.0)

    return sorted(sorted(range(len(contents.states)), key=badness, reverse=True)[:STATES])


def few_states(contents: Contents, states: Sequence[int]) -> str:
    return f"Of {len(contents.states)} states the {len(states)} with the largest errors are drawn."


def points_of(rows: Rows, run: Trajectory, states: Sequence[int], k: int) -> dict[str, Any]:
    """Sources of every k-th row: of those trained on, and of those held out."""
    predicted, held = rows.predictions[run.id], rows.held[run.id]
    sources = {}
    for kind, at in (("fitted", ~held), ("held", held)):
        at = np.flatnonzero(at & (np.arange(run.ts.size) % k == 0))
        if not at.size:
            continue
        columns: dict[str, Any] = {"t": run.ts[at]}
        if rows.data.clock.origin:
            columns["text_t"] = [rows.data.clock.show(t) for t in run.ts[at]]
        with np.errstate(over="ignore"):
            difference = run.ys[at] - predicted.ys[at]
        for j in states:
            columns |= {f"o{j}": run.ys[at, j], f"m{j}": predicted.ys[at, j], f"d{j}": difference[:, j]}
        sources[kind] = source(**columns)
    return sources


def kinds_of(points: dict[str, Any]) -> list[Entry]:
    return [entry for kind, entry in (("fitted", OBSERVED), ("held", HELD)) if kind in points]


def time_column(rows: Rows | None) -> str:
    """Timestamps are told as they were written."""
    return "text_t" if rows is not None and rows.data.clock.origin else "t"


def mark(made: Any, points: Any, column: str, kind: str) -> Any:
    """Observations; glyphs are added by themselves, without the looks that selected ones would have."""
    size = 6 if len(points.data["t"]) <= 150 else 4
    if kind == "held":
        ring = {"fill_color": None, "line_color": VERMILLION, "line_width": 1.4}
        return made.add_glyph(points, Scatter(x="t", y=column, size=size + 1, **ring))
    return made.add_glyph(points, Scatter(x="t", y=column, size=size, fill_color=INK, line_color=None))


def cross_out(made: Any, rows: Rows, gone: Trajectory, j: int, low_high: tuple[float, float]) -> Any:
    """The values of one state that were left out of the fit; beyond the limits just within them, to be seen whole."""
    low, high = low_high
    inside = 0.04 * (high - low)
    at = np.flatnonzero(np.isfinite(gone.ys[:, j]))
    columns: dict[str, Any] = {"t": gone.ts[at], "o": gone.ys[at, j]}
    columns["y"] = np.clip(columns["o"], low + inside, high - inside)
    if rows.data.clock.origin:
        columns["text_t"] = [rows.data.clock.show(t) for t in gone.ts[at]]
    look = {"marker": "x", "size": 9, "line_color": VERMILLION, "line_width": 2}
    return made.add_glyph(source(**columns), Scatter(x="t", y="y", **look))


def nth(k: int) -> str:
    """`Every 3rd`."""
    ending = "th" if 10 <= k % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")
    return f"Every {k}{ending}"
