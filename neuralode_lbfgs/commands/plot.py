"""`plot`: draw the plots of a saved run again."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def plot(run: Annotated[Path, Parameter(name="RUN")], /, *, vector_field: str | None = None) -> int:
    """Draw the plots of a run again.

    Args:
        run: A folder that fit has written; its data must still be where they were.
        vector_field: FILE.py:NAME of your own equations, if the run was fitted with them.
    """
    from .environment import prepare_jax

    prepare_jax()
    from ..outputs.evaluate import predict_band, with_curve_times
    from ..outputs.run_folder import read_history
    from .figures import draw
    from .saved import open_data, open_members, open_run
    from .telling import arrows_of

    saved, source, history = open_run(run, vector_field), open_data(run), read_history(run)
    members = open_members(run, vector_field)
    band = predict_band(members, with_curve_times(source.data))
    ends = (band.low, band.high) if len(members) > 1 else None
    arrows = arrows_of(source, saved.model, band.middle)
    for name in draw(
        run,
        source.data,
        band.middle,
        history,
        source.train,
        source.until,
        field=arrows,
        band=ends,
        left_out=source.left_out,
    ):
        print(run / f"{name}.png", run / f"{name}.svg", sep="\n")
    return 0
