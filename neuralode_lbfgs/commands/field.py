"""`field`: the learned rates of change on a grid of states, as CSV."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    import numpy as np

    from ..outputs.store import Columns, SavedRun


def field(
    run: Annotated[Path, Parameter(name="RUN")],
    /,
    *,
    grid: tuple[str, ...],
    out: Path,
    at: tuple[str, ...] = (),
    vector_field: str | None = None,
) -> int:
    """Evaluate the learned field on a grid and write it as CSV.

    Args:
        run: A folder that fit has written.
        grid: The axes, as NAME=LOW:HIGH:NUMBER: states, inputs or the time; the last one varies fastest.
        out: The CSV file to write: the time, the states, the inputs, and the rate of each state.
        at: What the others are held at, as NAME=VALUE; the time is the start of the training data by default.
        vector_field: FILE.py:NAME of your own equations, if the run was fitted with them.
    """
    from .environment import prepare_jax

    if not out.absolute().parent.is_dir():
        raise ValueError(f"{out} cannot be written: the folder {out.absolute().parent} does not exist.")
    prepare_jax()
    from ..data import Table, write_table
    from ..data.cells import Column, format_number
    from ..data.headers import with_unit
    from ..fitting.hidden import hidden_names
    from ..models import NeuralODE
    from ..outputs.field_grid import field_on_grid, rate_unit
    from .saved import open_run

    saved = open_run(run, vector_field)
    columns = saved.columns
    if not isinstance(saved.model, NeuralODE):
        raise ValueError(f"{run} holds a model that has no vector field.")
    states = (*columns.states, *hidden_names(saved.model, columns.states))
    axes = _axes(grid, at, saved)
    found = field_on_grid(saved.model, axes, states=states, inputs=columns.inputs, time=columns.time)
    units = _units(columns)
    units |= {
        f"d{name}/d{columns.time}": rate_unit(units.get(name, ""), units.get(columns.time, "")) for name in states
    }
    if columns.clock.dated:
        units.pop(columns.time)
    cells = {name: tuple(map(format_number, values.tolist())) for name, values in found.items()}
    cells[columns.time] = tuple(map(columns.clock.write, found[columns.time].tolist()))
    headers = {name: with_unit(name, units.get(name, "")) for name in found}
    table = Table(
        str(out),
        tuple(Column(name, headers[name], units.get(name, ""), cells[name]) for name in found),
        range(len(cells[columns.time])),
    )
    write_table(table, out)
    print(f"{out}: {len(table)} points", file=sys.stderr)
    return 0


def _axes(grid: tuple[str, ...], at: tuple[str, ...], saved: "SavedRun") -> "dict[str, np.ndarray | float]":
    """The values of each name, in the order in which they are given; the time first if it is not."""
    import numpy as np

    columns = saved.columns
    axes: dict[str, np.ndarray | float] = {}
    if not any(word.startswith(f"{columns.time}=") for word in (*grid, *at)):
        axes[columns.time] = min((start.t for start in saved.starts.values()), default=0.0)
    for flag, words in (("--at", at), ("--grid", grid)):
        for word in words:
            name, _, value = word.partition("=")
            if name in axes:
                raise ValueError(f"{flag} {word}: {name} is given twice; give it once.")
            try:
                if flag == "--at":
                    axes[name] = columns.clock.read(value) if name == columns.time else float(value)
                else:
                    low, high, number = value.split(":")
                    axes[name] = _spread(float(low), float(high), int(number))
            except ValueError:
                form = "NAME=VALUE, such as x=1.5" if flag == "--at" else "NAME=LOW:HIGH:NUMBER, such as x=0:2:21"
                raise ValueError(f"{flag} is {form}; it is {word!r}.") from None
    return axes


def _spread(low: float, high: float, number: int) -> "np.ndarray":
    import numpy as np

    from ..outputs.field_grid import MOST_POINTS

    if not (1 <= number <= MOST_POINTS and np.isfinite([low, high]).all()):
        raise ValueError
    return np.linspace(low, high, number)


def _units(columns: "Columns") -> dict[str, str]:
    """The units of the columns; that of the time as it is counted, without where it is counted from."""
    from ..data.clock import SECONDS

    unit = columns.units.get(columns.time, "").partition(" since ")[0]
    return {**columns.units, columns.time: columns.clock.unit if columns.clock.unit in SECONDS else unit}
