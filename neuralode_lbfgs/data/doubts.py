"""States that nobody named and that may be something else: inputs, standard deviations, constants, several runs."""

import re
import shlex

import numpy as np

from .derived import told_of_sums
from .errors import listed
from .headers import DEVIATION_OF, MEAN_OF
from .roles import Roles
from .steps import FEWEST, looks_set
from .trajectories import Trajectories

_RUN_OF = re.compile(r".+?[ _.(-]+(?:run|rep|replicate|trial)[ _.-]?\d+\)?", re.IGNORECASE)
_RUN = re.compile(r"(run|rep|replicate|trial)[ _.-]?\d+", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*\D)\d+")
_PROGRAM = re.compile(r"step|cycle|index|counter|stage|segment", re.IGNORECASE)
ALIKE = 0.1  # of the spread of columns, by which they differ where they are replicates


def doubts(roles: Roles, data: Trajectories) -> list[str]:
    """A sentence for the states that look like inputs, one for those that look like standard deviations, one for those
    that never change or count rows or the steps of a program, for each that is a sum of others, and one for those that
    are runs side by side.

    Nothing is said where the states were named.

    Args:
        data: `to_trajectories(table, roles)`.
    """
    if not roles.inferred:
        return []
    columns = {name: [run.ys[:, i] for run in data] for i, name in enumerate(roles.states)}
    sd = {} if roles.sd else _deviations(columns)
    known = [name for name in columns if name not in sd and looks_set(columns[name])]
    said = []
    if known and len(known) + len(sd) < len(columns):  # something is left that they could drive
        looks, are, them = ("looks", "it is", "it") if len(known) == 1 else ("look", "they are", "them")
        flags = " ".join(map(shlex.quote, [*roles.inputs, *known]))
        said.append(
            f"{listed(known)} {looks} like steps or pulses, as no state does; if {are} known, give {them} as "
            f"--inputs {flags} (inputs= in Python)"
        )
    side_by_side = [name for name in columns if _RUN_OF.fullmatch(name)] or _replicates(columns)
    if all(map(_RUN.fullmatch, columns)):  # nothing else is there that such numbers could be beside
        side_by_side = list(columns)
    if len(side_by_side) > 1:
        said.append(
            f"{listed(side_by_side)} look like runs side by side: as states of one system each would drive the others; "
            "give each run rows of its own, with its name in a column (--trajectory)"
        )
    counting = [name for name in columns if _counts_rows(columns[name])]
    if counting and len(counting) < len(columns):
        said.append(
            f"{listed(counting)} {'counts' if len(counting) == 1 else 'count'} the rows, as no state does; leave "
            f"{'it' if len(counting) == 1 else 'them'} out with --states (states= in Python)"
        )
    program = [name for name in columns if name not in (*counting, *known) and _counts_a_program(name, columns[name])]
    if program and len(program) < len(columns):
        said.append(
            f"{listed(program)} {'counts' if len(program) == 1 else 'count'} the steps of a program, as no state does; "
            f"leave {'it' if len(program) == 1 else 'them'} out with --states (states= in Python)"
        )
    still = [name for name in columns if name not in sd and _is_constant(columns[name])]
    if still and len(still) < len(columns):
        stands, it = ("stands", "it") if len(still) == 1 else ("stand", "them")
        said.append(
            f"{listed(still)} {stands} still in every row: nothing shows what would change {it}, and in the model "
            f"{'it' if len(still) == 1 else 'they'} may take the place of any constant; leave {it} out with --states "
            "(states= in Python)"
        )
    said += told_of_sums({name: runs for name, runs in columns.items() if name not in (*sd, *known, *still)})
    if sd:
        looks = "looks" if len(sd) == 1 else "look"
        flags = " ".join(shlex.quote(f"{state}={name}") for name, state in sd.items())
        said.append(
            f"{listed(sd)} {looks} like standard deviations of {listed(sd.values())}; if so, give --sd-columns {flags} "
            "(sd_columns= in Python)"
        )
    return said


def _deviations(columns: dict[str, list[np.ndarray]]) -> dict[str, str]:
    """By the names of columns such as `x_sd`, without negative numbers: the state that each may belong to."""
    states = {name.lower(): name for name in columns}
    means = [(match, name) for name in columns if (match := MEAN_OF.fullmatch(name.lower()))]
    states = {**{match["after"] or match["before"]: name for match, name in means}, **states}
    found: dict[str, str] = {}
    for name, runs in columns.items():
        match = DEVIATION_OF.fullmatch(name.lower())
        state = states.get(match["after"] or match["before"]) if match else None
        if state is not None and state not in found.values() and not any((run < 0).any() for run in runs):
            found[name] = state
    return found


def _replicates(columns: dict[str, list[np.ndarray]]) -> list[str]:
    """Names that differ in a number alone, above columns that hardly differ: `x_1`, `x_2`, and wells `A1`, `A2`."""
    groups: dict[str, list[str]] = {}
    for name in columns:
        if match := _NUMBERED.fullmatch(name):
            groups.setdefault(match[1], []).append(name)
    found = []
    for names in groups.values():
        values = np.stack([np.concatenate(columns[name]) for name in names])
        values = values[:, np.isfinite(values).all(axis=0)]
        if len(names) > 1 and values.shape[1] >= FEWEST and np.ptp(values.mean(axis=0)):
            apart = np.sqrt(np.mean((values - values.mean(axis=0)) ** 2))
            found += names if apart < ALIKE * np.std(values) else []
    return found


def _counts_rows(runs: list[np.ndarray]) -> bool:
    steps = np.concatenate([np.diff(run) for run in runs])
    return steps.size >= FEWEST and bool((steps == 1).all()) and all(run[0] % 1 == 0 for run in runs)


def _counts_a_program(name: str, runs: list[np.ndarray]) -> bool:
    """Whether the name is that of a counter, and whole numbers go up by one after some rows each, or start again."""
    seen = [run[np.isfinite(run)] for run in runs]
    moves = np.concatenate([np.diff(run) for run in seen])
    up, again = int((moves == 1).sum()), int((moves < 0).sum())
    whole = all(float(value).is_integer() for run in seen for value in run)
    named = any(map(_PROGRAM.fullmatch, re.findall(r"[a-z]+|[A-Z][a-z]*", name)))
    odd = ((moves > 1) | (moves == -1)).any()  # what is measured may go back by one
    return named and whole and not odd and again < up and 2 * (up + again) < moves.size


def _is_constant(runs: list[np.ndarray]) -> bool:
    seen = np.concatenate(runs)
    seen = seen[np.isfinite(seen)]
    return seen.size > 1 and bool(np.ptp(seen) == 0)
