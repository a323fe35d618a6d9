"""`report`: write the report of a saved run again."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(run: Annotated[Path, Parameter(name="RUN")], /, *, phase: tuple[str, str] | None = None) -> int:
    """Write the report of a run again: one HTML file that needs nothing beside it.

    Args:
        run: A folder that fit has written; nothing is fitted or solved anew.
        phase: The two states of the phase portrait; by default the first two.
    """
    from ..outputs.report.page import write_report
    from ..outputs.run_folder import REPORT
    from .telling import contents_of_folder

    write_report(run / REPORT, contents_of_folder(run, phase))
    print(run / REPORT)
    return 0
