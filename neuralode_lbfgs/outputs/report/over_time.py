"""The fit over time: what was observed, the model, and what drives it."""

from typing import Any

import numpy as np
from bokeh.models import Line, Step

from ...data import Trajectory
from ..limits import LEFT_OUT, of_crosses, value_limits, with_left_out
from .choice import MARKS, every
from .contents import Contents, Rows
from .figure import (
    STATES,
    Entry,
    Figure,
    cross_out,
    few_states,
    kinds_of,
    mark,
    nth,
    points_of,
    states_shown,
    time_column,
)
from .look import BLUE, COLOURS, SHADE, VERMILLION, hover, limits, panel, shade, source, stacked

INPUTS = STATES  # panels of a trajectory
INPUT_ROWS = 16_000  # over these panels
HIGH, LOW = 210, 120  # pixels


def over_time(contents: Contents) -> list[Figure]:
    """For each trajectory that is drawn a panel for each state and input, under one time axis."""
    states = states_shown(contents)
    figures = []
    for one in contents.drawn:
        rows = contents.rows
        remarks = [] if len(states) == len(contents.states) else [few_states(contents, states)]
        panels, legend, crossed, beyond = [], [Entry("line", BLUE, "model")], False, False
        ends = [one.curve.ts[0], one.curve.ts[-1]]
        run = None if rows is None else rows.data[one.id]
        if rows is not None and run is not None:
            most = MARKS // (len(contents.drawn) * len(states))
            k = every(run.ts.size, most)
            if k > 1:
                remarks.append(f"{nth(k)} of {run.ts.size} rows is drawn; the curve keeps its peaks.")
            points = points_of(rows, run, states, k)
            ends = [min(ends[0], run.ts[0]), max(ends[1], run.ts[-1])]
            legend += kinds_of(points)
        else:
            points = {}
        margin = 0.02 * (ends[1] - ends[0]) or 0.5
        span = limits((ends[0] - margin, ends[1] + margin))
        start = None if rows is None else rows.held_from(one.id)
        curve = source(t=one.curve.ts, **{f"y{j}": one.curve.ys[:, j] for j in states})
        for j in states:
            seen = [] if run is None else [run.ys[:, j]]
            gone = None if rows is None or rows.left_out is None else rows.left_out[one.id]
            span_y, off = with_left_out(
                value_limits(seen, [one.curve.ys[:, j]]), [] if gone is None else [gone.ys[:, j]]
            )
            made = panel(
                contents.label(contents.time), contents.label(contents.states[j]), height=HIGH, x_range=span,
                y_range=limits(span_y),
            )  # fmt: skip
            shade(made, start, ends[1])
            line = made.add_glyph(curve, Line(x="t", y=f"y{j}", line_color=BLUE, line_width=2))
            hover(made, [line], [(contents.time, "t"), ("model", f"y{j}")])
            marks = [mark(made, points[kind], f"o{j}", kind) for kind in points]
            told = [
                (contents.time, time_column(rows)),
                ("observed", f"o{j}"),
                ("model", f"m{j}"),
                ("difference", f"d{j}"),
            ]
            hover(made, marks, told)
            if rows is not None and gone is not None and span_y is not None and np.isfinite(gone.ys[:, j]).any():
                crosses = cross_out(made, rows, gone, j, span_y)
                hover(made, [crosses], [(contents.time, time_column(rows)), (LEFT_OUT, "o")])
                crossed, beyond = True, beyond or off
            panels.append(made)
        if crossed:
            legend.append(Entry("cross", VERMILLION, of_crosses(beyond)))
        if run is not None and run.inputs is not None and rows is not None:
            shown = range(min(INPUTS, rows.data.input_size))
            if rows.data.input_size > INPUTS:
                remarks.append(f"Of {rows.data.input_size} inputs the first {INPUTS} are drawn.")
            panels += [_driving(contents, rows, run, j, span, start, ends[1]) for j in shown]
        if start is not None and start < ends[1]:
            legend.append(Entry("span", SHADE, "held-out span"))
        title = one.id if len(contents.drawn) > 1 or one.why else ""
        figures.append(
            Figure(stacked(panels), f"{title}: {one.why}" if one.why else title, tuple(remarks), tuple(legend))
        )
    return figures


def which(contents: Contents) -> str:
    """Which trajectories are drawn, in a sentence; empty if all are."""
    number, drawn = contents.account["data"]["trajectories"], contents.drawn
    if len(drawn) >= number:
        return ""
    names = "; ".join(f"{one.id} ({one.why})" for one in drawn)
    return f"{len(drawn)} of {number} trajectories are drawn: {names}."


def _driving(
    contents: Contents, rows: Rows, run: Trajectory, j: int, span: Any, start: float | None, end: float
) -> Any:
    """The panel of an input."""
    assert run.inputs is not None
    name = rows.data.input_names[j]
    k = every(run.ts.size, INPUT_ROWS // min(INPUTS, rows.data.input_size))
    made = panel(contents.label(contents.time), contents.label(name), height=LOW, x_range=span)
    shade(made, start, end)
    columns = source(t=run.ts[::k], u=run.inputs[::k, j])
    look = {"x": "t", "y": "u", "line_color": COLOURS[2], "line_width": 1.5}
    line = made.add_glyph(columns, Step(mode="after", **look) if run.hold and run.hold[j] else Line(**look))
    hover(made, [line], [(contents.time, "t"), (name, "u")])
    return made
