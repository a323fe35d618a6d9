"""How a fit went: loss, step size and cost of every iteration, stage after stage."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neuralode_lbfgs.outputs import colours
from neuralode_lbfgs.outputs.plots import style


def history(rows: Sequence[Any], *, axes: np.ndarray | Sequence[Axes] | None = None) -> np.ndarray:
    """Draw loss, step size and evaluations of the line search over the iterations of all stages.

    Iterations are counted through all stages; a broken line and a name say where a stage begins. The
    loss has a logarithmic axis, or a linear one if it is negative somewhere, as a likelihood may be.
    A loss that is not finite leaves a gap and a cross at the top.

    Args:
        rows: the iterations in order, records with the attributes (or mappings with the keys) `stage`,
            `evaluations` (counted up, from the start of the fit or of the stage), `loss` and `step_size`.
        axes: three panels to draw in; by default those of a new figure.

    Returns:
        The panels of loss, step size and evaluations, shape `(3,)`; their figure is `axes[0].figure`.

    Raises:
        ValueError: if there are no rows, or `axes` are not three.
    """
    if not rows:
        raise ValueError("the history is empty: there is no iteration to draw.")
    figure = style.new_figure(style.WIDTH, 5.6) if axes is None else None
    if figure is not None:
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(2.0, 1.0, 1.0))
        for panel in panels:
            style.dress(panel)
    else:
        panels = np.array(axes, dtype=object).ravel()
    if panels.size != 3:
        raise ValueError(f"axes holds {panels.size} panels; a history needs 3.")
    stages = [str(_value(row, "stage")) for row in rows]
    starts = [0, *(i for i in range(1, len(rows)) if stages[i] != stages[i - 1])]
    loss, step, evaluations = (
        np.array([_number(_value(row, name)) for row in rows]) for name in ("loss", "step_size", "evaluations")
    )
    _draw_loss(panels[0], loss, starts)
    _draw_steps(panels[1], step, starts)
    _draw_evaluations(panels[2], _per_iteration(evaluations, starts))
    panels[2].set_xlabel("iteration")
    panels[2].xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    for panel in panels:
        panel.set_xlim(-0.5 - 0.01 * len(rows), len(rows) - 0.5 + 0.01 * len(rows))
        for start in starts[1:]:
            panel.axvline(start - 0.5, color=style.FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    _name_stages(panels[0], [stages[start] for start in starts], starts, len(rows))
    if figure is not None:
        figure.align_ylabels()
    return panels


def _draw_loss(axes: Axes, loss: np.ndarray, starts: list[int]) -> None:
    finite = np.isfinite(loss)
    logarithmic = (loss[finite] > 0).any() and not (loss[finite] < 0).any()
    # Zero has no logarithm: a loss that reaches it ends the line.
    drawn = np.where(finite & ((loss > 0) | (not logarithmic)), loss, np.nan)
    for rows in _by_stage(starts, loss.size):
        axes.plot(rows, drawn[rows], label="loss", marker=_mark(loss.size), markersize=3, **style.prediction(1))
    if logarithmic:
        axes.set_yscale("log")
    if not finite.all():
        lost = np.flatnonzero(~finite)
        axes.plot(
            lost,
            np.ones(lost.size),
            linestyle="none",
            marker="x",
            markersize=5,
            color=colours.VERMILLION,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            label="not finite",
        )
        axes.legend(handles=axes.lines[-1:], loc="upper right", frameon=False, fontsize=style.SMALL)
    axes.set_ylabel("loss")


def _draw_steps(axes: Axes, step: np.ndarray, starts: list[int]) -> None:
    positive = np.isfinite(step) & (step > 0)
    drawn = np.where(positive, step, np.nan)
    for rows in _by_stage(starts, step.size):
        axes.plot(rows, drawn[rows], label="step size", color=colours.BLACK, linewidth=0.8, marker=".", markersize=3)
    if positive.any():
        axes.set_yscale("log")
    axes.set_ylabel("step size")


def _draw_evaluations(axes: Axes, cost: np.ndarray) -> None:
    axes.stairs(
        np.nan_to_num(cost), np.arange(cost.size + 1) - 0.5, fill=True, color=colours.SKY_BLUE, label="evaluations"
    )
    axes.set_ylim(0, max(1.0, float(np.nanmax(cost, initial=0.0))) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes.set_ylabel("evaluations")


def _per_iteration(evaluations: np.ndarray, starts: list[int]) -> np.ndarray:
    """Evaluations of each iteration from their running count, which a stage may begin anew."""
    cost = np.diff(evaluations, prepend=0.0)
    anew = [start for start in starts if cost[start] < 0]
    cost[anew] = evaluations[anew]
    return cost


def _name_stages(axes: Axes, names: list[str], starts: list[int], number: int) -> None:
    """Name stages above the panel, from where they begin; slanted where the next name is near."""
    axis = axes.secondary_xaxis("top")
    widths = np.diff([*starts, number]) / number * style.WIDTH
    tight = any(0.07 * len(name) > width for name, width in zip(names, widths, strict=True))
    slant = {"rotation": 35.0, "rotation_mode": "anchor"} if tight and len(names) > 1 else {}
    # Slanted lines of text need this share of the axis each; short stages push the names after them on.
    room = min(0.22 / style.WIDTH, 1.0 / len(names)) * number if slant else 0.0
    places = [starts[0] - 0.5]
    for start in starts[1:]:
        places.append(max(start - 0.5, places[-1] + room))
    axis.set_xticks(places, names)
    for label in axis.get_xticklabels():
        label.set(horizontalalignment="left", fontsize=style.SMALL, **slant)
    axis.tick_params(length=0)
    axis.spines["top"].set_visible(False)


def _by_stage(starts: list[int], number: int) -> list[np.ndarray]:
    """The rows of each stage: losses of different stages are not comparable, so no line joins them."""
    return np.split(np.arange(number), starts[1:])


def _mark(number: int) -> str | None:
    """A mark at each iteration, where there are few enough to see."""
    return "o" if number <= 60 else None


def _value(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


def _number(value: Any) -> float:
    """A cell as a number; an empty one, as in the first row of a stage, is NaN."""
    return float("nan") if value is None or value == "" else float(value)
