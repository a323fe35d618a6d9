"""What is left between data and model: over time, and by trajectory."""

import numpy as np

from ..limits import residual_limits
from ..metrics import differences
from .choice import every
from .contents import Contents
from .figure import Entry, Figure, kinds_of, mark, nth, states_shown
from .look import INK, SHADE, VERMILLION, hover, limits, log_limits, panel, shade, source, stacked, zero_line

MARKS = 6000  # over all panels
TRAJECTORIES = 2000


def residuals(contents: Contents) -> Figure | None:
    """Observed minus model over time, all trajectories in one panel for each state; None without data."""
    rows = contents.rows
    if rows is None:
        return None
    states = states_shown(contents)
    ts = np.concatenate([run.ts for run in rows.data])
    left = differences(rows.data, rows.predictions)
    reach = [residual_limits([run.ys[:, j] for run in rows.data], left[:, j]) for j in range(left.shape[1])]
    held = np.concatenate([rows.held[run.id] for run in rows.data])
    ids = np.concatenate([np.full(run.ts.size, i) for i, run in enumerate(rows.data)])
    k = every(ts.size, MARKS // len(states))
    remarks = (f"{nth(k)} of {ts.size} rows is drawn.",) if k > 1 else ()
    if any(reach[j][1] for j in states):
        remarks += ("Where the model is off by more than the range of the data, marks stand at the edge.",)
    many, panels, sources = len(rows.data) > 1, [], {}
    for kind, at in (("fitted", ~held), ("held", held)):
        at = np.flatnonzero(at & (np.arange(ts.size) % k == 0))
        if at.size:
            names = {"text_id": [rows.data.ids[i] for i in ids[at]]} if many else {}
            columns = {f"d{j}": left[at, j] for j in states}
            columns |= {f"y{j}": np.clip(left[at, j], -reach[j][0], reach[j][0]) for j in states if reach[j][1]}
            sources[kind] = source(t=ts[at], **columns, **names)
    margin = 0.02 * float(np.ptp(ts)) or 0.5
    span = limits((float(ts.min()) - margin, float(ts.max()) + margin))
    starts = {rows.held_from(run.id) for run in rows.data} if len(rows.data) <= 50 else {rows.until}
    start = starts.pop() if len(starts) == 1 else rows.until
    for j in states:
        most, beyond = reach[j]
        made = panel(
            contents.label(contents.time), contents.label(contents.states[j]), height=180, x_range=span,
            y_range=limits((-1.1 * most, 1.1 * most)),
        )  # fmt: skip
        shade(made, start, float(ts.max()))
        zero_line(made)
        marks = [mark(made, sources[kind], f"y{j}" if beyond else f"d{j}", kind) for kind in sources]
        told = [("trajectory", "text_id")] if many else []
        hover(made, marks, [*told, (contents.time, "t"), ("observed minus model", f"d{j}")])
        panels.append(made)
    legend = [*kinds_of(sources)]
    if start is not None and start < ts.max():
        legend.append(Entry("span", SHADE, "held-out span"))
    return Figure(stacked(panels), "Observed minus model", remarks, tuple(legend))


def by_trajectory(contents: Contents) -> Figure | None:
    """The error of each trajectory, from the worst to the best; None if all are drawn above."""
    rows = contents.rows
    if rows is None or len(rows.data) <= len(contents.drawn):
        return None
    errors, ranked = rows.errors, rows.ranked
    k = every(len(ranked), TRAJECTORIES)
    shown = {name: place for place, name in enumerate(ranked, start=1) if (place - 1) % k == 0}
    values = np.array([errors[name] for name in shown])
    finite = values[np.isfinite(values) & (values > 0)]
    if not finite.size:
        return None
    log = bool(finite.max() > 20 * finite.min())
    room = limits(log_limits(finite) if log else (0.0, 1.08 * float(finite.max())))
    made = panel("trajectories, from the worst to the best", "error / sd", height=240, y_range=room, log=log)
    marks, legend = [], []
    for j, (kind, entry) in enumerate(
        (("fitted", Entry("dots", INK, "rows trained on")), ("held", Entry("rings", VERMILLION, "rows held out")))
    ):
        given = np.isfinite(values[:, j])
        if given.any():
            names = [name for name, seen in zip(shown, given, strict=True) if seen]
            points = source(t=[shown[name] for name in names], e=values[given, j], text_id=names)
            marks.append(mark(made, points, "e", kind))
            legend.append(entry)
    hover(made, marks, [("trajectory", "text_id"), ("error / sd", "e")])
    remarks = (f"{nth(k)} of {len(ranked)} trajectories is drawn.",) if k > 1 else ()
    return Figure(
        stacked([made]), "Error of each trajectory, in standard deviations of the states", remarks, tuple(legend)
    )
