"""The page: text and tables from a template that escapes all it is given, figures, and the library that draws them."""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import course, over_time, plane, residuals
from .contents import Contents
from .figure import Figure
from .tables import (
    column_table,
    error_table,
    law_table,
    parameter_table,
    residual_table,
    stage_table,
    trajectory_table,
)
from .words import facts, question, verdict

HERE = Path(__file__).parent


def write_report(path: Path, contents: Contents) -> None:
    """Write the report of a run, whole or not at all.

    Raises:
        OSError: if the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(page(contents), encoding="utf-8", errors="replace")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def page(contents: Contents) -> str:
    """The whole HTML text: style, figures and the script that draws them are in it."""
    figures = {
        "over_time": over_time.over_time(contents),
        "plane": _given(plane.phase_portrait(contents)),
        "course": _given(course.course(contents)),
        "residuals": _given(residuals.residuals(contents)),
        "by_trajectory": _given(residuals.by_trajectory(contents)),
    }
    flat = {f"{name}{i}": one for name, group in figures.items() for i, one in enumerate(group)}
    script, places = _embedded({name: one.drawn for name, one in flat.items()})
    library = Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw
    scripts = [*library, script]
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        run=contents,
        account=contents.account,
        fit=contents.account.get("fit"),
        metrics=contents.metrics,
        facts=facts(contents),
        question=question(contents),
        verdict=verdict(contents),
        tables={
            "columns": column_table(contents),
            "errors": error_table(contents),
            "law": law_table(contents),
            "parameters": parameter_table(contents),
            "residuals": residual_table(contents),
            "stages": stage_table(contents),
            "trajectories": trajectory_table(contents),
        },
        few=over_time.which(contents),
        figures={name: [(f"{name}{i}", one) for i, one in enumerate(group)] for name, group in figures.items()},
        places=places,
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        scripts=scripts,
        policy=_policy(scripts),
    )


def _embedded(drawn: dict[str, Any]) -> tuple[str, Mapping[str, str]]:
    """The script that draws figures, and the place of each in the page."""
    if not drawn:
        return "", {}
    document = Document()
    with document.models.freeze():  # else what they refer to is collected again with each of them
        for one in drawn.values():
            document.add_root(one)
    return components(drawn, wrap_script=False)


def _policy(scripts: Sequence[str]) -> str:
    """What a browser may do on this page: run these scripts and no other, and ask no network for anything."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"


def _given(figure: Figure | None) -> list[Figure]:
    return [] if figure is None else [figure]
