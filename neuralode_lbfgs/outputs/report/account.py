"""`report.json`: what a report tells and no other file of a run does, so that a report needs neither fit nor model."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np

from ...data import Roles, Table, Trajectories, Trajectory, describe
from ...data.cells import is_missing
from ..metrics import Baseline
from ..naive import persistence_baseline
from ..run_folder import ACCOUNT, without_nan
from .choice import Drawn, thinned

if TYPE_CHECKING:
    from ...fitting.result import FitResult

PACKAGES = ("neuralode-lbfgs", "jax", "equinox", "diffrax", "optax", "numpy", "scipy")


class ColumnAccount(TypedDict):
    """One column: what it is, and what is in it."""

    name: str
    role: str
    unit: str
    given: int
    blank: int
    low: str
    high: str


class DataAccount(TypedDict):
    """The data, as they were when the model was fitted; `sha256` of a bundled set is empty."""

    source: str
    sha256: str
    rows: int
    trajectories: int
    trained_rows: int
    columns: list[ColumnAccount]
    notes: list[str]
    persistence: Baseline


class StageAccount(TypedDict):
    """A stage: why it was done, and how it ended; what to do about it is said of the fit as a whole."""

    name: str
    why: str
    ended: str
    note: str


class FitAccount(TypedDict):
    """What a fit did, and on which machine."""

    trained: int
    hidden: int
    noise: float | None
    estimated: bool
    stopped: str
    stages: list[StageAccount]
    notes: list[str]
    when: str
    machine: str
    versions: dict[str, str]


class DrawnAccount(TypedDict):
    """The curve of a trajectory that is drawn; None where a solve did not reach."""

    id: str
    why: str
    ts: list[float]
    ys: list[list[float | None]]


class Account(TypedDict):
    """The contents of `report.json`; a run of an older version has no `fit` and no `drawn`."""

    data: DataAccount
    fit: NotRequired[FitAccount]
    drawn: NotRequired[list[DrawnAccount]]


def account_of_data(
    table: Table, roles: Roles, data: Trajectories, train: Trajectories, test: Trajectories | None, sha256: str = ""
) -> DataAccount:
    """Columns with their gaps, notes on how the table was read, and what persistence would predict."""
    lines = describe(table, roles, data).splitlines()
    return {
        "source": table.source,
        "sha256": sha256,
        "rows": len(table),
        "trajectories": len(data),
        "trained_rows": sum(run.ts.size for run in train),
        "columns": _columns(table, roles, data),
        "notes": [line.removeprefix("note: ") for line in lines if line.startswith(("note: ", "not used: "))],
        "persistence": persistence_baseline(train, test),
    }


def _columns(table: Table, roles: Roles, data: Trajectories) -> list[ColumnAccount]:
    def column(name: str, role: str, values: np.ndarray | None) -> ColumnAccount:
        blank = sum(map(is_missing, table.column(name).cells))
        low = high = ""
        if values is not None and np.isfinite(values).any():
            show = data.clock.show if name == roles.time else "{:.5g}".format
            low, high = show(float(np.nanmin(values))), show(float(np.nanmax(values)))
        unit = data.unit(name)
        return {
            "name": name, "role": role, "unit": unit, "given": len(table) - blank, "blank": blank, "low": low,
            "high": high,
        }  # fmt: skip

    found = [column(roles.time, "time", np.concatenate([run.ts for run in data]))]
    if roles.trajectory is not None:
        found.append(column(roles.trajectory, "names the trajectory", None))
    states = np.concatenate([run.ys for run in data])
    found += [column(name, "state", values) for name, values in zip(roles.states, states.T, strict=True)]
    for j, (name, keep) in enumerate(
        zip(roles.inputs, data[0].held, strict=False)
    ):  # those of periods are in no column
        values = np.concatenate([run.inputs[:, j] for run in data if run.inputs is not None])
        found.append(column(name, "input, held from row to row" if keep else "input, linear between rows", values))
    return found + [column(name, "standard deviation", None) for name in roles.sd_columns]


def account_of_fit(result: "FitResult") -> FitAccount:
    """Stages, notes, and the machine that this runs on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    cores = f"{os.cpu_count()} cores" if os.cpu_count() else "cores unknown"
    return {
        "trained": int(result.trained),
        "hidden": int(result.hidden),
        "noise": None if result.noise is None or not np.isfinite(result.noise) else float(result.noise),
        "estimated": bool(result.estimated),
        "stopped": result.stop_reason.sentence,
        "stages": [
            {
                "name": stage.name,
                "why": stage.why if stage.kept else f"given up: {stage.why}",
                "ended": stage.reason.ending,
                "note": stage.note,
            }
            for stage in result.stages
        ],
        "notes": list(result.notes),
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.system()} on {platform.machine()}, {cores}, Python {platform.python_version()}",
        "versions": versions,
    }


def write_account(folder: Path, account: Account, drawn: Sequence[Drawn]) -> None:
    """Write `report.json`; curves with as many rows as can be seen, and as many digits."""
    curves: list[DrawnAccount] = []
    for one in drawn:
        curve = thinned(one.curve)
        ys = [[float(f"{y:.7g}") if np.isfinite(y) else None for y in row] for row in curve.ys.tolist()]
        curves.append({"id": one.id, "why": one.why, "ts": curve.ts.tolist(), "ys": ys})
    text = json.dumps(without_nan({**account, "drawn": curves}), allow_nan=False)
    (folder / ACCOUNT).write_text(text + "\n", encoding="utf-8")


def read_account(folder: Path) -> Account | None:
    """The account of a run; None if an older version wrote the run.

    Raises:
        ValueError: one sentence, if it is damaged.
    """
    try:
        account = json.loads((folder / ACCOUNT).read_text(encoding="utf-8"))
        _ = [account["data"]["columns"], *(one["ys"] for one in account.get("drawn", ()))]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{folder / ACCOUNT} is damaged: remove it, and the report tells what is left.") from None
    return account


def drawn_of(account: Account) -> list[Drawn]:
    """The curves of an account."""
    curves = []
    for one in account.get("drawn", ()):
        ys = np.array(one["ys"], dtype=np.float64)  # None becomes NaN
        curves.append(Drawn(one["id"], one["why"], Trajectory(one["id"], np.array(one["ts"]), ys)))
    return curves
