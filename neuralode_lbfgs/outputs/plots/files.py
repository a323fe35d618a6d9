"""Figures to files: whole or not at all, and the same bytes for the same figure."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

DOTS_PER_INCH = 150  # sharp on a screen and in a draft; print takes the SVG
MOST_POINTS = 5000  # of a line in an SVG; one of more is a picture in it, of kilobytes where it would be megabytes


def save(drawn: Figure | Axes | np.ndarray | Sequence[Axes], path_stem: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write a figure as `path_stem.png` and `path_stem.svg`.

    Each file appears whole or not at all, in the place of one of that name. Neither holds a date, so
    that the same figure gives the same SVG. In that, a line or a cloud of very many points is a picture.

    Args:
        drawn: a figure, axes, or an array of axes as the plots return it.
        path_stem: the path without an ending; its folder must exist.

    Returns:
        The paths of the PNG and the SVG.

    Raises:
        ValueError: if `drawn` holds no axes or axes without a figure.
        OSError: if the folder does not exist or cannot be written to.
    """
    figure = _figure(drawn)
    png, svg = (Path(f"{os.fspath(path_stem)}.{ending}") for ending in ("png", "svg"))
    # Figure.savefig draws everything twice, for a layout that the first drawing of a canvas makes as well.
    canvas, engine, dots = figure.canvas, figure.get_layout_engine(), figure.dpi
    long = [line for line in figure.findobj(Line2D) if isinstance(line, Line2D) and _is_long(line)]
    try:
        for line in long:
            line.set_rasterized(True)
        figure.set_dpi(DOTS_PER_INCH)
        _write(png, FigureCanvasAgg(figure).print_png)
        figure.set_layout_engine("none")  # half of the work, and done
        _write(svg, partial(FigureCanvasSVG(figure).print_svg, metadata={"Date": None}))
    finally:
        for line in long:
            line.set_rasterized(False)
        figure.set_layout_engine(engine or "none")
        figure.set_dpi(dots)
        figure.set_canvas(canvas)
    return png, svg


def warm_up() -> None:
    """Draw a figure that no one sees: the first one of a process takes longer, for fonts and formats are loaded."""
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot([0.0, 1.0], [0.1, 1e3], label="x")
    axes.set_yscale("log")
    axes.legend()
    for ending in ("png", "svg"):
        figure.savefig(BytesIO(), format=ending)


def _is_long(line: Line2D) -> bool:
    return not line.get_rasterized() and np.size(line.get_xdata()) > MOST_POINTS


def _write(path: Path, write: Callable[[BinaryIO], None]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Without a salt of its own an SVG names its parts at random.
        with matplotlib.rc_context({"svg.hashsalt": "neuralode_lbfgs"}), open(unfinished, "wb") as file:
            write(file)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _figure(drawn: Figure | Axes | np.ndarray | Sequence[Axes]) -> Figure:
    """The whole figure that something was drawn in."""
    if isinstance(drawn, Figure):
        return drawn
    flat = np.atleast_1d(np.array(drawn, dtype=object)).ravel()
    figure = flat[0].figure if flat.size else None
    if figure is None:
        raise ValueError("there is nothing to save: no axes with a figure were given.")
    return figure.figure  # of a part of a figure, the whole
