"""Several files as one table: a trajectory a file, or the trajectories that each of them names."""

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .cells import Column, Table
from .errors import DataError
from .roles import Roles

MOST_PATTERNS = 3  # parts of a path, each of which multiplies the folders to look into


def expanded(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The paths with patterns such as `runs/*.csv` replaced by the files that they match, sorted.

    Raises:
        DataError: if a pattern matches nothing or may match half a disk, or a file is named twice.
    """
    found: list[str] = []
    for one in paths:
        if not isinstance(one, str | os.PathLike):
            raise DataError(f"a file is named by a text or a path, not by a {type(one).__name__}.")
        path = os.fspath(one)
        if not os.path.exists(path) and glob.has_magic(path):
            if sum(map(glob.has_magic, Path(path).parts)) > MOST_PATTERNS:
                raise DataError(f"{path} has patterns in more than {MOST_PATTERNS} of its parts; name the folders.")
            matched = sorted(glob.glob(path))
            if not matched:
                raise DataError(f"no file matches {path}.")
            found += matched
        else:
            found.append(path)
    seen: dict[str, str] = {}
    for path in found:
        if (real := os.path.realpath(path)) in seen:
            raise DataError(f"{path} is given twice; name every file once.")
        seen[real] = path
    return found


def joined(tables: Sequence[Table], roles_of: Callable[[Table], Roles]) -> tuple[Table, Roles]:
    """One table of all rows, and what its columns are.

    Where no column names the trajectories each file is one, named by its stem in a column that is added.
    All files need the columns that the first one has in a role.

    Args:
        roles_of: what the columns of a table are.

    Raises:
        DataError: if a file lacks a column or has one more, units differ, or two files hold one trajectory.
    """
    first = tables[0]
    roles = roles_of(first)
    if len(tables) == 1:
        return first, roles
    used = [name for name in (roles.trajectory, roles.time, *roles.states, *roles.inputs, *roles.sd_columns) if name]
    for table in tables[1:]:
        for name in used:
            if name not in table.names:
                raise DataError(
                    f"{table.source} has no column {name!r}, which {first.source} has; all files need the same columns."
                )
            one, other = first.column(name).unit, table.column(name).unit
            if one != other:
                raise DataError(
                    f"{table.source}: column {name!r} has the unit {other!r}, but in {first.source} it is {one!r}; "
                    "write all files in the same units."
                )
        own = roles_of(table)
        more = [name for name in (own.trajectory, *own.states, *own.inputs) if name is not None and name not in used]
        if more:
            raise DataError(
                f"{first.source} has no column {more[0]!r}, which {table.source} has; all files need the same columns, "
                "or name those that count with --states (states= in Python)."
            )
    names = [name for name in first.names if all(name in table.names for table in tables)]
    id_name = roles.trajectory
    columns = {name: [cell for table in tables for cell in table.column(name).cells] for name in names}
    lengths = [len(table) for table in tables]
    files = [table.source for table, length in zip(tables, lengths, strict=True) for _ in range(length)]
    if id_name is None:
        id_name = "trajectory" if "trajectory" not in names else "file"
        columns = {
            id_name: [t.title for t, length in zip(tables, lengths, strict=True) for _ in range(length)],
            **columns,
        }
    _refuse_clashes(columns[id_name], files, by_file=roles.trajectory is None)
    headers = {name: first.column(name) for name in names}
    described = f"{len(tables)} files ({first.source}, ..., {tables[-1].source})"
    if len(tables) <= 3:
        described = ", ".join(table.source for table in tables)
    table = replace(
        first,
        source=described,
        columns=tuple(
            replace(headers[name], cells=tuple(cells)) if name in headers else Column(name, name, "", tuple(cells))
            for name, cells in columns.items()
        ),
        places=[place for table in tables for place in table.places],
        decimal="," if any(table.decimal == "," for table in tables) else ".",
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        files=tuple(files),
    )
    if id_name == "trajectory":  # a name that is known: what is a condition of each file shows only now
        roles = roles_of(table)
    return table, replace(roles, trajectory=id_name)


def _refuse_clashes(ids: Sequence[str], files: Sequence[str], *, by_file: bool) -> None:
    holding: dict[str, str] = {}
    for name, file in zip(ids, files, strict=True):
        if holding.setdefault(name, file) != file:
            advice = "rename one of the files" if by_file else "name trajectories differently in each file"
            raise DataError(f"trajectory {name!r} is in {holding[name]} and in {file}; {advice}.")
