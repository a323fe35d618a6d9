"""The phase portrait."""

import numpy as np
from bokeh.models import Line, Scatter

from ..limits import value_limits
from .choice import MARKS, every
from .contents import Contents
from .figure import HELD, OBSERVED, Entry, Figure, nth
from .look import COLOURS, DASHES, INK, MARKERS, VERMILLION, hover, limits, panel, source, stacked


def phase_portrait(contents: Contents) -> Figure | None:
    """The plane of two states: what was observed, and the model's curves; None if there is no plane."""
    if len(contents.states) < 2 or not contents.drawn:
        return None
    across, up = contents.plane or (0, 1)
    rows, remarks, legend = contents.rows, [], []
    most = MARKS // (2 * len(contents.drawn))
    runs = [] if rows is None else [rows.data[one.id] for one in contents.drawn]
    ranges = [
        limits(value_limits([run.ys[:, j] for run in runs], [one.curve.ys[:, j] for one in contents.drawn]))
        for j in (across, up)
    ]
    names = [contents.label(contents.states[j]) for j in (across, up)]
    made = panel(names[0], names[1], height=400, x_range=ranges[0], y_range=ranges[1])
    lines, marks = [], []
    alone = len(contents.drawn) == 1
    for place, one in enumerate(contents.drawn):
        colour, marker = COLOURS[place % 4], MARKERS[place % 4]
        curve = source(
            t=one.curve.ts, x=one.curve.ys[:, across], y=one.curve.ys[:, up], text_id=[one.id] * one.curve.ts.size
        )
        line = Line(x="x", y="y", line_color=colour, line_width=2, line_dash=DASHES[place % 4])
        lines.append(made.add_glyph(curve, line))
        legend.append(Entry("line", colour, "model" if alone else f"model, {one.id}", DASHES[place % 4]))
        if rows is None:
            continue
        run, held = rows.data[one.id], rows.held[one.id]
        k = every(run.ts.size, most)
        if k > 1:
            remarks.append(f"{nth(k)} of {run.ts.size} rows of {one.id} is drawn.")
        for kind, at in ((False, ~held), (True, held)):
            at = np.flatnonzero(at & (np.arange(run.ts.size) % k == 0))
            if not at.size:
                continue
            points = source(t=run.ts[at], x=run.ys[at, across], y=run.ys[at, up], text_id=[one.id] * at.size)
            ring = {"fill_color": None, "line_color": VERMILLION if alone else colour, "line_width": 1.4}
            filled = {"fill_color": INK if alone else colour, "line_color": None}
            shape = "circle" if alone else marker
            one_mark = Scatter(x="x", y="y", size=7, marker=shape, **(ring if kind else filled))
            marks.append(made.add_glyph(points, one_mark))
    if not alone and rows is not None:
        legend.append(Entry("dots", INK, "filled: observed"))
        legend.append(Entry("rings", INK, "hollow: observed, held out"))
    elif rows is not None:
        held = rows.held[contents.drawn[0].id]
        legend += [OBSERVED] * bool((~held).any()) + [HELD] * bool(held.any())
    which = [] if alone else [("trajectory", "text_id")]
    for renderers, kind in ((lines, "model"), (marks, "observed")):
        if renderers:
            told = [(f"{contents.states[across]}, {kind}", "x"), (f"{contents.states[up]}, {kind}", "y")]
            hover(made, renderers, [*which, (contents.time, "t"), *told])
    title = f"{contents.states[up]} against {contents.states[across]}"
    return Figure(stacked([made]), title, tuple(dict.fromkeys(remarks)), tuple(legend))
