"""Driven runs begin anew after a gap: what the inputs did there is not known, so that no solution leads through it."""

from dataclasses import replace

import numpy as np

from .arrange import read_times, rows_by_trajectory
from .cells import Column, Table
from .driving import begin_anew, read_inputs
from .errors import counted
from .roles import Roles


def with_stretches(table: Table, roles: Roles) -> tuple[Table, Roles]:
    """Each stretch of a driven run without gaps as a trajectory of its own, as `run (1)`, `run (2)`, ...; and a note.

    Raises:
        DataError: as `to_trajectories`.
    """
    if not roles.inputs:
        return table, roles
    rows, (ts, _) = rows_by_trajectory(table, roles), read_times(table, roles.time)
    us = read_inputs(table, roles, rows)
    anew = {name: at[begin_anew(ts[at], us[at])] for name, at in rows.items()}
    gaps = np.concatenate([*anew.values()])
    if not gaps.size:
        return table, roles
    names = np.empty(len(table), object)
    for name, at in rows.items():
        names[at] = name
        if anew[name].size:
            for number, stretch in enumerate(np.split(at, np.searchsorted(ts[at], ts[anew[name]])), 1):
                names[stretch] = f"{name} ({number})"
    note = (
        f"{counted(gaps.size, 'gap')} in the rows (the first before {table.where(int(gaps[0]), roles.time)}): what the "
        "inputs did there is not known, so the run begins anew there; rows with inputs and blank states would close it"
    )
    id_name = roles.trajectory or next(name for name in ("stretch", "stretch_") if name not in table.names)
    column = Column(id_name, id_name, "", tuple(names))
    others = tuple(one for one in table.columns if one.name != id_name)
    table = replace(table, columns=(column, *others), notes=(*table.notes, note))
    return table, replace(roles, trajectory=id_name)
