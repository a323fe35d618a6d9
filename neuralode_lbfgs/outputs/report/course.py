"""How the fit was reached."""

from typing import Any

import numpy as np
from bokeh.models import Line, Scatter, VBar

from .choice import every
from .contents import Contents
from .figure import Entry, Figure, nth
from .look import COLOURS, MARKERS, hover, limits, log_limits, panel, source, stacked

ITERATIONS = 2000
HIGH, LOW = 210, 120  # pixels


def course(contents: Contents) -> Figure | None:
    """Loss, step size and evaluations of every iteration, stage after stage; None if there was no iteration."""
    history = contents.history
    if not history:
        return None
    k = every(len(history), ITERATIONS)
    loss, step, counted = (
        np.array([float(row[name]) for row in history]) for name in ("loss", "step_size", "evaluations")
    )
    cost = np.maximum(np.diff(counted, prepend=0.0), 0.0)
    number = np.arange(1, len(history) + 1)
    stages = [str(row["stage"]) for row in history]
    begins = [0, *(i for i in range(1, len(stages)) if stages[i] != stages[i - 1]), len(stages)]
    log = bool((loss[np.isfinite(loss)] > 0).all())
    span = limits((0.5 - 0.01 * len(history), len(history) + 0.5 + 0.01 * len(history)))
    stepped = bool((step[np.isfinite(step)] > 0).any())
    panels = [
        panel(
            "iteration", "loss", height=HIGH, x_range=span, y_range=limits(log_limits(loss) if log else None), log=log
        ),
        panel("iteration", "step size", height=LOW, x_range=span, y_range=limits(log_limits(step)), log=stepped),
        panel("iteration", "evaluations", height=LOW, x_range=span),
    ]
    legend, kept = [], np.arange(len(history)) % k == 0
    known = list(dict.fromkeys(stages))
    marks: list[list[Any]] = [[], [], []]
    for begin, end in zip(begins, begins[1:], strict=False):
        rows = np.arange(begin, end)[kept[begin:end] | (np.arange(begin, end) == end - 1)]
        place = known.index(stages[begin]) % 4
        colour, marker = COLOURS[place], MARKERS[place]
        columns = source(
            t=number[rows], loss=loss[rows], step=np.where(step[rows] > 0, step[rows], np.nan), cost=cost[rows],
            text_stage=[stages[begin]] * rows.size,
        )  # fmt: skip
        for j, (made, column) in enumerate(zip(panels[:2], ("loss", "step"), strict=True)):
            made.add_glyph(columns, Line(x="t", y=column, line_color=colour, line_width=1.5))
            one = Scatter(x="t", y=column, fill_color=colour, line_color=colour, marker=marker, size=4)
            marks[j].append(made.add_glyph(columns, one))
        bar = {"fill_color": colour, "line_color": None, "width": 0.8 * k}
        marks[2].append(panels[2].add_glyph(columns, VBar(x="t", top="cost", **bar)))
        if stages[begin] not in [entry.text for entry in legend]:
            kind = ("dots", "square", "triangle", "diamond")[place]
            legend.append(Entry(kind, colour, stages[begin]))
    for made, renderers, (label, column) in zip(
        panels, marks, (("loss", "loss"), ("step size", "step"), ("evaluations", "cost")), strict=True
    ):
        hover(made, renderers, [("stage", "text_stage"), ("iteration", "t"), (label, column)])
    remarks = ["Losses of different stages are not of one kind; those of one stage are."] if len(known) > 1 else []
    if k > 1:
        remarks.append(f"{nth(k)} of {len(history)} iterations is drawn.")
    return Figure(stacked(panels), "Loss, step sizes and evaluations", tuple(remarks), tuple(legend))
