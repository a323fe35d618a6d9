"""How far predictions go from what the model was fitted to: told, for there it may say anything."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import Roles, Trajectories, read_table, to_trajectories
from ..fitting.beside import degree_alone, law_in
from ..fitting.coverage import distances, far_from_here
from ..fitting.diagnosis.forecast import NOTHING
from ..fitting.diagnosis.view import in_turn
from ..fitting.run_on import MANY_TIMES
from ..models import NeuralODE
from ..outputs.run_folder import CONFIG, PREDICTIONS
from ..outputs.store import SavedRun
from .config import read_config
from .saying import tell

SIGMAS = 3.0  # of the noise, below zero
MARGIN = 0.25  # times the range of the training data, beyond its ends: new runs of the same kind go so far
ONE_WAY, LATE = 0.9, 0.3  # of the range of a run, between its ends, and of that after its middle: no levelling off
FAR = 10.0  # standard deviations of the training data from their mean


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model was fitted to, as it came out of the fit.

    Args:
        runs: the observed states of each training trajectory, `(rows, states)`, of order one.
        low, high: the least and the largest of each state, in the data's units.
    """

    runs: list[np.ndarray]
    low: np.ndarray
    high: np.ndarray


def warn_of_reach(folder: Path, saved: SavedRun, predicted: Trajectories) -> None:
    """Say which starts are far from all training states, and which predictions leave their range."""
    if not isinstance(saved.model, NeuralODE):
        return
    if (seen := _seen(folder, saved)) is None:
        found = [_far_from_mean(saved, predicted)]
    else:
        found = [_far_start(seen, saved, predicted), *_out_of_range(seen, saved, predicted)]
    for told in filter(None, found):
        tell(f"warning: {told}")


def _seen(folder: Path, saved: SavedRun) -> Seen | None:
    """From the predictions that lie in the folder of the run; None where they do not."""
    columns = saved.columns
    try:
        table = read_table(folder / PREDICTIONS)
        roles = Roles(columns.trajectory if columns.trajectory in table.names else None, columns.time, columns.states)
        data = to_trajectories(table, roles, columns.units, columns.clock)
        until = read_config(folder / CONFIG).get("data", {}).get("train_until")
        last = np.inf if until is None else columns.clock.read(until)
    except (OSError, ValueError):
        return None
    parts = [
        run.ys[(run.ts <= last) & np.isfinite(run.ys).all(axis=1)] for run in data if _trained(run.id, saved, data)
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    rows = np.concatenate(parts)
    return Seen([_of_order_one(saved, part) for part in parts], rows.min(axis=0), rows.max(axis=0))


def _trained(name: str, saved: SavedRun, data: Trajectories) -> bool:
    """A single run is called after its file, wherever that is."""
    return name in saved.starts or len(data) == len(saved.starts) == 1


def _of_order_one(saved: SavedRun, ys: np.ndarray) -> np.ndarray:
    """The observed states in standard deviations of the training data."""
    coordinates, number = saved.model.coordinates, ys.shape[1]
    hidden = np.ones((len(ys), np.size(coordinates.centre) - number))  # may be in logarithms, of which one is always
    return np.asarray(coordinates.states_in(np.concatenate([ys, hidden], axis=1)))[:, :number]


def _far_start(seen: Seen, saved: SavedRun, predicted: Trajectories) -> str:
    begun = [(run.id, run.ys[rows[0]]) for run in predicted if (rows := _whole(run.ys)).size]
    if not begun:
        return ""
    states = np.nan_to_num(_of_order_one(saved, np.stack([y for _, y in begun])))  # zero has no logarithm
    away = distances(states, seen.runs)
    far = away > far_from_here(seen.runs, saved.noise or 0.0)
    if not far.any():
        return ""
    worst = int(np.argmax(away))
    others = f" (the farthest of {int(far.sum())} such starts)" if far.sum() > 1 else ""
    return (
        f"the start of trajectory {begun[worst][0]!r}{others} is {away[worst]:.2g} standard deviations from the "
        f"nearest state that the model was fitted to: {_known_there(saved)}; fit trajectories that pass near it."
    )


def _known_there(saved: SavedRun) -> str:
    """What a model is worth where it was not seen."""
    if (law := law_in(saved.model)) is not None:
        return f"its {law.called} were not seen there, and hold if they are those of the system"
    if degree_alone(saved.model) is not None:
        return "the polynomial that the model is was not seen there, and holds if it is the law of the system"
    return "it knows nothing there, unless it is a law that holds everywhere"


def _whole(ys: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.isfinite(ys).all(axis=1))


def _far_from_mean(saved: SavedRun, predicted: Trajectories) -> str:
    """Where nothing but the coordinates of the model is left of the data."""
    logarithms = [number for number, _ in saved.model.coordinates.transform.log]  # far is near there
    centre, scale = (np.asarray(one) for one in (saved.model.coordinates.centre, saved.model.coordinates.scale))
    worst, told = FAR, ""
    for run in predicted:
        for i, name in enumerate(predicted.state_names):
            away = np.abs(run.ys[:, i] - centre[i]) / scale[i]
            if i not in logarithms and np.nanmax(away, initial=0.0) > worst:
                row = int(np.nanargmax(away))
                worst = float(away[row])
                told = (
                    f"{name} of trajectory {run.id!r} comes to {run.ys[row, i]:.3g}, {worst:.0f} standard deviations "
                    "from the mean of the data that the model was fitted to: it knows nothing there."
                )
    return told


def _out_of_range(seen: Seen, saved: SavedRun, predicted: Trajectories) -> list[str]:
    """Where states leave the range of the training data, and those that fall below zero where these never do."""
    logarithms = [number for number, _ in saved.model.coordinates.transform.log]  # far is near there
    noise = (saved.noise or 0.0) * np.asarray(saved.model.coordinates.scale)
    left: list[tuple[float, str]] = []
    below = []
    for i, (name, low, high) in enumerate(zip(predicted.state_names, seen.low, seen.high, strict=True)):
        span, column = high - low, np.concatenate([run.ys[:, i] for run in predicted])
        if i in logarithms or not (np.isfinite(column).any() and span > 0):
            continue
        least = float(np.nanmin(column))
        negative = low >= -NOTHING * span and low - least <= MANY_TIMES * span
        if negative and least < -max(NOTHING * span, SIGMAS * noise[i]):
            below.append((name, f"{name} to {least:.3g}"))
        margin = MANY_TIMES if _drifts(seen, i) else MARGIN
        for run in predicted:
            y = run.ys[:, i]
            off = np.nan_to_num(np.maximum(-np.inf if negative else low - y, y - high) / span, nan=-np.inf)
            if off.max() <= max(margin, off[0]):  # how far off it starts is told by itself
                continue
            when = f"{predicted.time_name} = {predicted.clock.show(float(run.ts[np.argmax(off > margin)]))}"
            worst = f"{name} of trajectory {run.id!r} comes to {y[np.argmax(off)]:.3g}"
            left.append((-float(off.max()), f"{worst}, from {when} on well outside of {low:.3g} to {high:.3g}"))
    told = []
    if left:
        told.append(
            f"{in_turn([word for _, word in sorted(left)])}: so far the model itself goes in the runs that it was "
            f"fitted to; beyond, {_known_there(saved)}."
        )
    if below:
        names = shlex.join(name for name, _ in below)
        told.append(
            f"below zero, where nothing is that the model was fitted to, fall {', '.join(word for _, word in below)}; "
            f"what cannot be negative is kept positive by fit --positive {names}."
        )
    return told


def _drifts(seen: Seen, state: int) -> bool:
    """Whether a state goes on in one direction all through each training run, to its end: then it leaves its range as
    soon as a run takes longer, as positions and angles do."""
    columns = [run[:, state] for run in seen.runs]
    whole = [(abs(y[-1] - y[0]), np.ptp(y), abs(y[-1] - y[len(y) // 2])) for y in columns]
    return all(far >= ONE_WAY * extent and late >= LATE * far for far, extent, late in whole)
