"""How every figure looks: marks, sizes, and where its legend stands.

No meaning rests on colour alone: observations are marks, predictions are lines, so that a figure survives a grey
printer.
"""

import math
import textwrap
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from neuralode_lbfgs.outputs.colours import BLACK, BLUE, VERMILLION

BAND = "#A6CFE8"  # BLUE at 35 %, where most members of an ensemble lie
SHADE = "#ECECEC"  # what was held out: light enough for marks, dark enough for paper
FAINT = "#9A9A9A"  # guides: zero lines, stage boundaries, the field behind a phase portrait

SMALL, NORMAL = 8, 9  # points: tick labels and legends, axis labels and titles
WIDTH, HEIGHT = 6.8, 9.2  # inches: a page of text

FEW, MANY = 40, 150  # observations along the width of a page: set apart from each other, a cloud


def new_figure(width: float, height: float) -> Figure:
    """A figure that no window system and no global state knows of; size in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def dress(axes: Axes) -> None:
    """Give a panel of a figure of ours its sizes and take away what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(NORMAL)
    for axis in (axes.xaxis, axes.yaxis):
        # Without steps of 2.5, which make a half of a year or of an iteration.
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], min_n_ticks=3))
        axis.get_offset_text().set_fontsize(SMALL)


def prediction(number: int) -> dict[str, Any]:
    """The line of a prediction over this many observations along the width of a page: thin over many."""
    return {"color": BLUE, "linewidth": 1.0 if number > MANY else 1.4, "solid_capstyle": "round"}


def observation(number: int, held_out: bool) -> dict[str, Any]:
    """The marks of this many observations along the width of a page.

    Few are black and stand over the prediction. Many are small, grey and under it, because a cloud
    of marks would hide the curve. Held-out observations are hollow.
    """
    many = number > MANY
    size = 4.5 if number <= FEW else 3.0 if not many else 2.1
    colour = "#7A7A7A" if many else BLACK
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": size,
        "color": colour,
        "markerfacecolor": "white" if held_out else colour,
        "markeredgewidth": 0.5 if many else 0.9 if held_out else 0.0,
        "zorder": 1.5 if many else 3.0,
    }


def left_out() -> dict[str, Any]:
    """The marks of values that were left out of the fit."""
    return {
        "linestyle": "none",
        "marker": "x",
        "markersize": 5.0,
        "color": VERMILLION,
        "markeredgewidth": 1.3,
        "zorder": 3.2,
        "clip_on": False,
    }


def entries(
    kinds: AbstractSet[bool],
    *,
    shaded: bool,
    predicted: bool,
    observed: str = "observed",
    band: str = "",
    gone: str = "",
) -> list[tuple[Any, str]]:
    """The legend of observations and predictions: what is in the figure, each once.

    Args:
        kinds: the kinds of observations drawn: False for fitted, True for held out.
        shaded: whether a held-out span is shaded.
        predicted: whether predictions are drawn.
        observed: what the filled marks are.
        band: what the band around predictions is, if there is one.
        gone: what the crosses are, if there are any.
    """
    listed: list[tuple[Any, str]] = []
    if False in kinds:
        listed.append((Line2D([], [], **observation(1, False)), observed))
    if predicted:
        listed.append((Line2D([], [], **prediction(1)), "predicted"))
    if band:
        listed.append((Patch(facecolor=BAND, edgecolor="none"), band))
    mark, patch = Line2D([], [], **observation(1, True)), Patch(facecolor=SHADE, edgecolor="none")
    if shaded:
        # A tuple of handles is drawn as one: the hollow mark on its shaded ground.
        listed.append(((patch, mark) if True in kinds else patch, "held out"))
    elif True in kinds:
        listed.append((mark, "held out"))
    if gone:
        listed.append((Line2D([], [], **left_out()), gone))
    return listed


def arrow() -> Line2D:
    """The legend's handle for a field of arrows."""
    return Line2D([], [], linestyle="none", marker=r"$\rightarrow$", markersize=11, color=FAINT, markeredgewidth=0.0)


def legend(listed: Sequence[tuple[Any, str]], *, figure: Figure | None, axes: Axes, title: str | None = None) -> None:
    """One legend: above the panels of a figure of ours, else within the caller's axes."""
    if not listed:
        return
    handles, labels = [handle for handle, _ in listed], [label for _, label in listed]
    shared: dict[str, Any] = {"frameon": False, "fontsize": SMALL, "title_fontsize": SMALL, "title": title}
    if figure is None:
        axes.legend(handles, labels, **shared)
    else:
        inches = sum(0.06 * len(label) + 0.6 for label in labels)  # the mean width of a letter, and that of a mark
        rows = math.ceil(inches / figure.get_figwidth())
        figure.legend(handles, labels, loc="outside upper center", ncols=math.ceil(len(labels) / rows), **shared)


def axis_labels(texts: Sequence[str], inches: float) -> list[str]:
    """Labels that fit along axes of this length: if one does not, all are broken before their units."""
    letters = max(8, int(inches / 0.068))  # the mean width of a letter at NORMAL size
    if max(len(text) for text in texts) <= letters:
        return list(texts)
    parts = [text.replace(" [", "\n[", 1).split("\n") for text in texts]
    return ["\n".join(textwrap.fill(part, letters, break_long_words=False) for part in each) for each in parts]
