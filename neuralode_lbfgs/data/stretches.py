"""Driven runs begin anew after a gap: what the inputs did there is not known, so that no solution leads through it."""

from dataclasses import replace

import numpy as np

from .cells import Column, Table
from .driving import stretches_of
from .errors import counted
from .roles import Roles
from .rows import read_inputs, read_times, rows_by_trajectory


def with_stretches(table: Table, roles: Roles) -> tuple[Table, Roles]:
    """Each stretch of a driven run without gaps as a trajectory of its own, as `run (1)`, `run (2)`, ...; and a note.

    Raises:
        DataError: as `to_trajectories`.
    """
    if not roles.inputs:
        return table, roles
    us, (ts, _) = read_inputs(table, roles, None), read_times(table, roles.time, None)
    names, gaps = np.empty(len(table), object), []
    for name, at in rows_by_trajectory(table, roles, None).items():
        for number, (stretch, part) in enumerate(stretches_of(name, ts[at], us[at])):
            names[at[part]] = stretch
            gaps += [int(at[part[0]])] if number else []
    if not gaps:
        return table, roles
    note = (
        f"{counted(len(gaps), 'gap')} in the rows (the first before {table.where(gaps[0], roles.time)}): what the "
        "inputs did there is not known, so the run begins anew there; rows with inputs and blank states would close it"
    )
    id_name = roles.trajectory or next(name for name in ("stretch", "stretch_") if name not in table.names)
    columns = table.columns if roles.trajectory else (Column(id_name, id_name, "", ()), *table.columns)
    columns = tuple(replace(one, cells=tuple(names)) if one.name == id_name else one for one in columns)
    return replace(table, columns=columns, notes=(*table.notes, note)), replace(roles, trajectory=id_name)
