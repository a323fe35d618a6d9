"""What was understood of a table, for a person to check."""

from .cells import Table, is_missing
from .doubts import doubts
from .errors import MOST_LISTED, counted
from .oddities import oddities
from .roles import Roles
from .trajectories import Trajectories


def describe(table: Table, roles: Roles, data: Trajectories) -> str:
    """A few lines: rows and trajectories, the role of each column, the span of time, missing values.

    Args:
        data: `to_trajectories(table, roles)`.
    """
    shown = ", ".join(data.ids[:5]) + (", ..." if len(data) > 5 else "")
    runs = counted(len(data), "trajectory", "trajectories")
    by = f" (column {roles.trajectory!r}: {shown})" if roles.trajectory else ""
    start = min(trajectory.ts[0] for trajectory in data)
    end = max(trajectory.ts[-1] for trajectory in data)
    entries = len(table) * data.state_size
    lines = [
        f"{table.source}: {counted(len(table), 'row')}, {runs}{by}",
        f"time: {data.label(roles.time)}, from {data.clock.show(start)} to {data.clock.show(end)}",
        f"states: {', '.join(map(data.label, roles.states))}",
    ]
    if data.input_names:
        kinds = zip(data.input_names, data[0].held, strict=True)
        listed = (f"{data.label(name)} ({'held from row to row' if keep else 'linear'})" for name, keep in kinds)
        lines.append(f"inputs: {', '.join(listed)}")
    blank = sum(is_missing(text) for name in roles.states for text in table.column(name).cells)
    if blank:
        lines.append(f"missing: {blank} of {entries} state values")
    if roles.sd:
        known = (
            f"{state} {given if isinstance(given, str) else format(given, 'g')}"
            for state, given in zip(roles.states, roles.sd, strict=True)
        )
        lines.append(f"standard deviations: {', '.join(known)}")
    used = (roles.trajectory, roles.time, *roles.states, *roles.inputs, *roles.sd_columns)
    unused = [name for name in table.names if name not in used]
    if unused:
        more = f", ... and {len(unused) - MOST_LISTED} more" if len(unused) > MOST_LISTED else ""
        lines.append(f"not used: {', '.join(unused[:MOST_LISTED])}{more}")
    notes = [*table.notes, *roles.notes]
    for name, keep in zip(roles.inputs, data[0].held, strict=False):  # those of periods are in no column
        blank = sum(map(is_missing, table.column(name).cells))
        if blank:
            how = "with the value before" if keep else "by straight lines"
            cells = "cell of the input {!r} was" if blank == 1 else "cells of the input {!r} were"
            notes.append(f"{blank} blank {cells.format(name)} filled {how}")
    notes += [*doubts(roles, data), *oddities(table, roles, data)]
    return "\n".join(lines + [f"note: {note}" for note in notes])
