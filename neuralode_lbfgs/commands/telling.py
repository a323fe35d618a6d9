"""What a report needs of a fit: gathered at its end from memory, or later from the folder of the run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import DataError, Roles, Trajectories, read_table, to_trajectories
from ..data.opening import stem
from ..outputs.checksum import fingerprint
from ..outputs.metrics import paired, state_scale
from ..outputs.report.account import (
    Account,
    account_of_data,
    account_of_fit,
    drawn_of,
    read_account,
)
from ..outputs.report.choice import Drawn, chosen, trajectory_errors
from ..outputs.report.contents import Contents, Rows
from ..outputs.run_folder import CONFIG, METRICS, PREDICTIONS, read_history
from ..outputs.typed import instance
from .config import read_config
from .options import ModelOptions
from .saved import open_data
from .source import Source

if TYPE_CHECKING:
    import numpy as np

    from ..fitting.result import FitResult
    from ..outputs.evaluate import Metrics


def account_of(source: Source, result: "FitResult | None") -> Account:
    """Of the data, and of the fit if it is at hand."""
    sha256 = "" if source.bundled else fingerprint(source.given)
    account: Account = {
        "data": account_of_data(source.table, source.roles, source.data, source.train, source.test, sha256)
    }
    return account if result is None else {**account, "fit": account_of_fit(result)}


def arrows_of(source: Source, model: object, curves: Trajectories) -> "np.ndarray | None":
    """The field where the phase portrait draws it; None if it depends on more than the observed states."""
    from ..fitting.hidden import hidden_size
    from ..models import NeuralODE
    from ..outputs.field_grid import field_in_plane

    plane = source.data.state_size >= 2 and not source.data.input_size
    if not plane or not isinstance(model, NeuralODE) or hidden_size(model, source.data):
        return None
    return field_in_plane(model, source.data, curves, float(source.train[0].ts[0]))


def curves_to_draw(source: Source, predictions: Trajectories, curves: Trajectories) -> list[Drawn]:
    """The trajectories that a report draws, and their curves.

    Args:
        predictions: of every row of the data.
        curves: of the same trajectories, at these times and more if they are to be smooth.
    """
    errors = trajectory_errors(source.data, predictions, source.train, state_scale(source.train))
    return [Drawn(name, why, curves[name]) for name, why in chosen(errors)]


def contents_at_the_end(
    source: Source,
    out: Path,
    model: ModelOptions,
    account: Account,
    metrics: "Metrics",
    config: str,
    history: Sequence[dict[str, Any]],
    drawn: Sequence[Drawn],
    predictions: Trajectories,
) -> Contents:
    """Of a fit that has just ended."""
    rows = Rows(source.data, predictions, source.train, source.until, source.left_out)
    described = _described(model, source.data.state_size, source.data.input_size)
    return Contents(source.name, str(out), described, account, metrics, config, history, drawn, rows)


def contents_of_folder(run: Path, plane: tuple[str, str] | None = None) -> Contents:
    """Of a run that was saved; what is gone or has changed since is said in its remarks.

    Args:
        run: the folder.
        plane: the states of the phase portrait.

    Raises:
        ValueError: one sentence, if the folder holds no run, or there is no such state.
    """
    try:
        metrics = json.loads((run / METRICS).read_text(encoding="utf-8"))
        config = (run / CONFIG).read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        name = Path(missing.filename).name
        raise DataError(f"{run} holds no run ({name} is missing); name a folder that fit has written.") from None
    except ValueError:
        raise DataError(f"{run / METRICS} is damaged: it is not what a fit writes.") from None
    account, remarks, source, rows = read_account(run), [], None, None
    try:
        source = open_data(run)
    except ValueError as error:
        if account is None:
            raise
        remarks.append(
            f"The data cannot be read any more ({str(error).rstrip('.')}): what is told of them is as it was at "
            "the fit, and what was observed is not drawn."
        )
    if source is not None:
        was = account["data"]["sha256"] if account is not None else ""
        changed = bool(was) and was != fingerprint(source.given)
        rows = _rows(run, source)
        if rows is None:
            remarks.append("The data do not go with the predictions of the run any more: they have changed, or moved.")
        elif changed:
            remarks.append(
                "The data have changed since the fit: figures show them as they are, all numbers as they were."
            )
    if account is not None:
        drawn = drawn_of(account)
    elif source is not None and rows is not None:
        account, drawn = account_of(source, None), curves_to_draw(source, rows.predictions, rows.predictions)
        remarks.append("An older version wrote this run: curves are straight from row to row, and stages are not told.")
    else:
        raise DataError(f"{run} has too little left for a report: fit again with its config.toml.")
    if rows is not None and any(one.id not in rows.data for one in drawn):
        rows = None
    sections = read_config(run / CONFIG)
    model = instance(ModelOptions, sections.get("model", {}))
    columns = account["data"]["columns"]
    number = {kind: sum(one["role"].startswith(kind) for one in columns) for kind in ("state", "input")}
    found = Contents(
        stem(account["data"]["source"]) if source is None else source.name,
        str(run),
        _described(model, number["state"], number["input"]),
        account,
        metrics,
        config,
        read_history(run),
        drawn,
        rows,
        tuple(remarks),
    )
    return found if plane is None else replace(found, plane=_plane(plane, found.states))


def _rows(run: Path, source: Source) -> Rows | None:
    """The rows of the data beside the predictions of the run; None if they do not go together."""
    try:
        table = replace(read_table(run / PREDICTIONS), title=source.table.title)
        roles = Roles(source.roles.trajectory, source.roles.time, source.roles.states)
        predictions = to_trajectories(table, roles, source.data.units, source.data.clock)
        list(paired(source.data, predictions))
    except ValueError:
        return None
    return Rows(source.data, predictions, source.train, source.until, source.left_out)


def _plane(names: tuple[str, str], states: list[str]) -> tuple[int, int]:
    for name in names:
        if name not in states:
            raise DataError(f"--phase: there is no state {name!r}; the states are {', '.join(states)}.")
    if names[0] == names[1]:
        raise DataError(f"--phase needs two different states; it got {names[0]!r} twice.")
    return states.index(names[0]), states.index(names[1])


def _described(model: ModelOptions, states: int, inputs: int) -> str:
    """The model in a few words, as a sentence begins."""
    if model.vector_field is not None:
        return f"The vector field {model.vector_field}"
    every = model.state_size(states)
    learned = states if model.second_order else every - len(model.rate)
    sizes = "-".join(map(str, [every + inputs, *[model.width_size] * model.depth, learned]))
    return f"A neural ODE with a network of layers {sizes} ({model.activation})"
