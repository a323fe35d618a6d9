"""How an interactive figure looks and behaves: its tools, its text, its colours, and how it prints.

Colours are those of Okabe and Ito, as in the plots; figures are drawn dark on a transparent ground, and the page
turns them over where the reader's screen is dark.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.layouts import gridplot
from bokeh.models import (
    BoxAnnotation,
    BoxZoomTool,
    ColumnDataSource,
    GridPlot,
    HoverTool,
    Label,
    NoOverlap,
    PanTool,
    PlainText,
    PrintfTickFormatter,
    Range1d,
    ResetTool,
    SaveTool,
    Span,
    WheelZoomTool,
)
from bokeh.plotting import figure as bokeh_figure

from ..colours import BLUE, VERMILLION

INK, FAINT, SHADE = "#222222", "#8a8a8a", "#808080"
# Told apart with the common colour blindnesses, and each with a mark and a dash of its own.
COLOURS = (BLUE, VERMILLION, "#009E73", "#CC79A7")
MARKERS = ("circle", "square", "triangle", "diamond")
DASHES = ("", "7 4", "2 3 8 3", "2 3")  # as SVG writes them; the first is an unbroken line
FONT = "system-ui, sans-serif"
LEFT = 74  # pixels for labels of the vertical axis: panels under each other begin at one line
WIDE = 105.0  # times the low end of an axis: a little more than two decades
ON_PAPER = "@media print { .bk-Toolbar { display: none !important } }"


def panel(
    across: str, up: str, *, height: int = 190, x_range: Any = None, y_range: Any = None, log: bool = False
) -> Any:
    """An empty panel as wide as the page, with labels on its axes.

    A drag scrolls the page until zooming is switched on; the wheel zooms while Ctrl is down, two fingers always.
    """
    wheel = WheelZoomTool(modifiers="ctrl", description="Ctrl and the wheel zoom")
    ranges = {name: given for name, given in (("x_range", x_range), ("y_range", y_range)) if given is not None}
    settings: dict[str, Any] = {
        "height": height,
        "sizing_mode": "stretch_width",
        "min_border_left": LEFT,
        "min_border_right": 12,
        "y_axis_type": "log" if log else "linear",
        "tools": [BoxZoomTool(), PanTool(), wheel, ResetTool(), SaveTool()],
        "active_drag": None,
        "active_scroll": wheel,
        "background_fill_color": None,
        "border_fill_color": None,
        "outline_line_color": None,
    }
    made: Any = bokeh_figure(**settings, **ranges)
    made.toolbar.logo = None
    plain = PrintfTickFormatter(format="%.10g")  # 0.0005 and not 5.000e-4
    for axis, text in ((made.xaxis[0], _cut(across, 45)), (made.yaxis[0], _along(up, height - 40))):
        axis.axis_label = PlainText(text=text)  # a plain string between two dollar signs would be read as TeX
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "12px"
        axis.major_label_text_font_size = "12px"
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = FAINT
        axis.minor_tick_line_color = None
        if not (log and axis is made.yaxis[0]):
            axis.formatter = plain
    if log:  # ticks of less than two decades are linear, and crowd at the upper end
        made.yaxis[0].ticker.desired_num_ticks = 10
        made.yaxis[0].major_label_policy = NoOverlap(min_distance=4)
    for grid in made.center:
        grid.update(grid_line_color=FAINT, grid_line_alpha=0.25)
    return made


def stacked(panels: Sequence[Any]) -> GridPlot:
    """Panels one above the other, or a single one, under one toolbar that is as wide as they are."""
    for above in panels[:-1]:
        above.xaxis[0].axis_label = None
    grid = gridplot([[one] for one in panels], sizing_mode="stretch_width", toolbar_options={"logo": None})
    grid.stylesheets = [ON_PAPER]
    return grid


def hover(made: Any, renderers: Sequence[Any], rows: Sequence[tuple[str, str]]) -> None:
    """Tell what is under the pointer.

    Args:
        rows: what a row is called, and the column of the source that it shows; those of texts begin with `text_`.
    """
    numbers = [column for _, column in rows if not column.startswith("text_")]
    tooltips = [(_cut(name, 40), f"@{column}" + "{%.5g}" * (column in numbers)) for name, column in rows]
    formatters: dict[Any, Any] = {f"@{column}": "printf" for column in numbers}
    made.add_tools(HoverTool(renderers=list(renderers), tooltips=tooltips, formatters=formatters))


def _cut(text: str, letters: int) -> str:
    """Without its middle where it is too long: names that begin alike, `flow_1` and `flow_2`, differ at their end."""
    return text if len(text) <= letters else f"{text[: letters - 6]}...{text[-3:]}"


def _along(text: str, pixels: int) -> str:
    """A label along an axis of this length: broken before its unit if it is too long, then cut."""
    letters = max(8, int(pixels / 6.5))  # the mean width of a letter
    if len(text) <= letters:
        return text
    return "\n".join(_cut(part, letters) for part in text.replace(" [", "\n[", 1).split("\n"))


def shade(made: Any, start: float | None, high: float) -> None:
    """Shade the span that was held out, which ends where the data do, and name it where it is not all."""
    if start is None or start >= high:
        return
    left: Any = None if np.isinf(start) else start
    made.add_layout(BoxAnnotation(left=left, fill_color=SHADE, fill_alpha=0.16, line_color=None, level="underlay"))
    if left is None:
        return
    text = Label(
        x=left, y=4, y_units="screen", x_offset=4, text="held out", text_font_size="11px", text_font=FONT,
        text_color=INK, text_alpha=0.85,
    )  # fmt: skip
    made.add_layout(text)


def zero_line(made: Any) -> None:
    made.add_layout(Span(location=0.0, dimension="width", line_color=FAINT, line_width=1))


def source(**columns: Any) -> ColumnDataSource:
    """Columns of numbers, in single precision but for the times `t`, and of texts."""
    data = {}
    for name, values in columns.items():
        if name.startswith("text_"):
            data[name] = list(values)
            continue
        with np.errstate(over="ignore"):
            numbers = np.asarray(values, dtype=np.float64 if name == "t" else np.float32)
        data[name] = np.where(np.isfinite(numbers), numbers, np.array(np.nan, numbers.dtype))
    return ColumnDataSource(data)


def log_limits(values: np.ndarray) -> tuple[float, float] | None:
    """The ends of a logarithmic axis of positive values; None if there are none.

    Between one decade and two Bokeh has ticks at even distances, nearly all at the upper end: such an axis gets two.
    """
    seen = values[np.isfinite(values) & (values > 0)]
    if not seen.size:
        return None
    low, high = 0.7 * float(seen.min()), 1.4 * float(seen.max())
    if 10 < high / low < WIDE:
        room = np.sqrt(WIDE * low / high)
        low, high = float(low / room), float(high * room)
    return low, high


def limits(low_high: tuple[float, float] | None) -> Range1d | None:
    """A fixed range; None for the one that the data ask for."""
    return None if low_high is None else Range1d(start=low_high[0], end=low_high[1])
