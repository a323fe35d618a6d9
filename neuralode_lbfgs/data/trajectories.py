"""What was measured: trajectories in the data's own units, never padded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload

import numpy as np

from .clock import Clock
from .driving import stretches_of
from .errors import counted
from .headers import with_unit
from .outliers import outliers
from .periods import between_rows, names_of, period_in, phases
from .trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Trajectories of one system, with the names and units of its columns.

    A sequence of `Trajectory`: it has a length and can be looped over. Units are the text
    that plots and tables show; an empty string is "not given". `clock` says how the times were
    written, for those that are counted from an origin: timestamps, and numbers far from zero. `sifted` says that
    somebody has looked for observations that stand alone, so that a fit need not.

    Raises:
        ValueError: if trajectories differ in their numbers of states or inputs, two have one
            id, or names do not fit the columns.
    """

    trajectories: tuple[Trajectory, ...]
    state_names: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    time_name: str = "t"
    id_name: str = "trajectory"
    units: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    sifted: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "trajectories", tuple(self.trajectories))
        if not self.trajectories:
            raise ValueError("there is no trajectory: at least one is needed.")
        first = self.trajectories[0]
        states = first.ys.shape[1]
        inputs = 0 if first.inputs is None else first.inputs.shape[1]
        for trajectory in self.trajectories:
            own_inputs = 0 if trajectory.inputs is None else trajectory.inputs.shape[1]
            if trajectory.ys.shape[1] != states or own_inputs != inputs:
                raise ValueError(
                    f"trajectory {trajectory.id!r} has {trajectory.ys.shape[1]} states and {own_inputs} inputs, "
                    f"but {first.id!r} has {states} and {inputs}; all must have the same columns."
                )
            if trajectory.hold != first.hold:
                raise ValueError(f"trajectories {trajectory.id!r} and {first.id!r} differ in which inputs are held.")
        ids = [trajectory.id for trajectory in self.trajectories]
        twice = {name for name in ids if ids.count(name) > 1} if len(set(ids)) < len(ids) else set()
        if twice:
            raise ValueError(f"two trajectories have the id {min(twice)!r}; ids must differ.")
        if not self.state_names:
            object.__setattr__(self, "state_names", tuple(f"y{i}" for i in range(states)))
        if not self.input_names:
            object.__setattr__(self, "input_names", tuple(f"u{i}" for i in range(inputs)))
        object.__setattr__(self, "state_names", tuple(self.state_names))
        object.__setattr__(self, "input_names", tuple(self.input_names))
        for kind, names, number in (("state", self.state_names, states), ("input", self.input_names, inputs)):
            if len(names) != number:
                raise ValueError(f"{len(names)} {kind} names {list(names)} for {number} {kind} columns.")
        names = (self.time_name, *self.state_names, *self.input_names)
        if len(set(names)) < len(names):
            raise ValueError(f"time, states and inputs need different names; they have {list(names)}.")

    def __repr__(self) -> str:
        runs = counted(len(self), "trajectory", "trajectories")
        shown = ", ".join(self.ids[:5]) + ", ..." * (len(self) > 5)
        rows = counted(sum(run.ts.size for run in self), "row")
        first, last = min(run.ts[0] for run in self), max(run.ts[-1] for run in self)
        span = f"{self.label(self.time_name)} from {self.clock.show(float(first))} to {self.clock.show(float(last))}"
        inputs = f"; inputs {', '.join(map(self.label, self.input_names))}" if self.input_size else ""
        states = f"states {', '.join(map(self.label, self.state_names))}"
        return f"Trajectories({runs}: {shown}; {rows}, {span}; {states}{inputs})"

    def __len__(self) -> int:
        return len(self.trajectories)

    def __iter__(self) -> Iterator[Trajectory]:
        return iter(self.trajectories)

    @overload
    def __getitem__(self, key: slice) -> "Trajectories": ...
    @overload
    def __getitem__(self, key: int | str) -> Trajectory: ...
    def __getitem__(self, key: int | str | slice) -> "Trajectory | Trajectories":
        """A trajectory by its position or its id; by a slice some of them, under the same names and units."""
        if isinstance(key, slice):
            return self.with_trajectories(self.trajectories[key])
        if isinstance(key, str):
            if key not in self._by_id:
                raise KeyError(f"no trajectory has the id {key!r}; there are {', '.join(self.ids[:10])}.")
            return self._by_id[key]
        return self.trajectories[key]

    def __contains__(self, key: object) -> bool:
        """Whether a trajectory has this id, or is one of these."""
        return key in self._by_id if isinstance(key, str) else any(one is key for one in self.trajectories)

    @cached_property
    def _by_id(self) -> dict[str, Trajectory]:
        return {trajectory.id: trajectory for trajectory in self.trajectories}

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(trajectory.id for trajectory in self.trajectories)

    @property
    def state_size(self) -> int:
        return self.trajectories[0].ys.shape[1]

    @property
    def input_size(self) -> int:
        return len(self.input_names)

    @cached_property
    def observed(self) -> int:
        """The number of observed entries over all trajectories, times and states."""
        return sum(int(np.isfinite(trajectory.ys).sum()) for trajectory in self.trajectories)

    def unit(self, name: str) -> str:
        """The unit of a column, or an empty string."""
        return self.units.get(name, "")

    def label(self, name: str) -> str:
        """A column's name with its unit, as on an axis: `hare [thousands of pelts]`."""
        return with_unit(name, self.unit(name))

    def with_trajectories(self, trajectories: Sequence[Trajectory]) -> "Trajectories":
        """Other trajectories under the same names and units."""
        return replace(self, trajectories=tuple(trajectories))

    def some(self, most: int) -> "Trajectories":
        """So many of the trajectories at most, evenly spread."""
        return self.with_trajectories(self.trajectories[:: -(-len(self) // most)])

    def rows_of(self, part: "Trajectories") -> "Trajectories":
        """Of these, such as predictions, the rows whose times a part of the data has."""
        return part.with_trajectories([self[run.id].at(np.isin(self[run.id].ts, run.ts)) for run in part])

    def counted_by(self, clock: Clock) -> "Trajectories":
        """The same with times as another clock counts them.

        Raises:
            ValueError: if times of one are timestamps and of the other numbers.
        """
        if clock == self.clock:
            return self
        runs = tuple(replace(run, ts=self.clock.moved(run.ts, clock)) for run in self)
        return replace(self, trajectories=runs, clock=clock)

    def split(
        self, *, until: float | str | None = None, ids: Sequence[str] | str | None = None
    ) -> "tuple[Trajectories, Trajectories]":
        """Training and test data: by time, or by trajectory.

        Args:
            until: train on rows with t <= until, a time as the data's file has it: a number or a
                timestamp. The test data are the rows after it; a trajectory appears in each part
                in which it has rows.
            ids: the trajectory, or trajectories, held out as test data.

        Raises:
            ValueError: if both or neither is given, an id is unknown, or a part would be empty.
        """
        if (until is None) == (ids is None):
            raise ValueError("split by time (until=) or by trajectory (ids=): give exactly one of them.")
        ids = [ids] if isinstance(ids, str) else ids
        if ids is not None:
            known, chosen = set(self.ids), set(ids)
            unknown = [name for name in ids if name not in known]
            if unknown:
                raise ValueError(f"no trajectory has the id {unknown[0]!r}; there are {', '.join(self.ids[:10])}.")
            train = [trajectory for trajectory in self if trajectory.id not in chosen]
            test = [trajectory for trajectory in self if trajectory.id in chosen]
        else:
            assert until is not None
            last = self.clock.read(until)
            train = [trajectory.at(trajectory.ts <= last) for trajectory in self if (trajectory.ts <= last).any()]
            test = [trajectory.at(trajectory.ts > last) for trajectory in self if (trajectory.ts > last).any()]
        if not train or not test:
            what = f"the test trajectories {list(ids or ())}"
            if until is not None:
                what = f"t = {until}" if isinstance(until, str) else f"t = {until:.12g}"
            part = "train on" if not train else "test on"
            raise ValueError(f"splitting at {what} leaves nothing to {part}.")
        return self.with_trajectories(train), self.with_trajectories(test)

    def windows(self, length: int) -> "Trajectories":
        """Cut every trajectory into consecutive pieces of at most `length` rows.

        Neighbouring pieces share the row at their seam, so that each interval is in one
        piece. Ids are `ID:0`, `ID:1`, ...

        Raises:
            ValueError: if `length` is less than two.
        """
        if length < 2:
            raise ValueError(f"a window needs at least two rows; length is {length}.")
        pieces = []
        for trajectory in self:
            starts = range(0, max(trajectory.ts.size - 1, 1), length - 1)
            for number, start in enumerate(starts):
                pieces.append(replace(trajectory.at(slice(start, start + length)), id=f"{trajectory.id}:{number}"))
        return self.with_trajectories(pieces)

    def stretches(self) -> "Trajectories":
        """Driven trajectories in the stretches between gaps, as `ID (1)`, `ID (2)`, ...; the others as they are.

        A solution through a gap would need inputs that nobody knows. `fit` of the command line does so by itself.
        """
        pieces = []
        for run in self:
            parts = [] if run.inputs is None else stretches_of(run.id, run.ts, run.inputs)
            pieces += [replace(run.at(rows), id=name) for name, rows in parts] if len(parts) > 1 else [run]
        return self.with_trajectories(pieces)

    def with_periods(self, *periods: float | str) -> "Trajectories":
        """The same with inputs that come again: the sine and cosine of each period, as of a day or a year that drives
        the system and is in no column. `--period` of the command line does so. Gaps get rows in which nothing is
        observed.

        Args:
            periods: in the unit of the times; of timestamps also `hour`, `day`, `week` and `year`.

        Raises:
            ValueError: if it is no period.
        """
        lengths = [period_in(self.clock, period) for period in periods]
        if not lengths:
            return self

        def driven(run: Trajectory) -> Trajectory:
            run = run.with_times(between_rows(run.ts, lengths))
            waves = phases(run.ts, self.clock, lengths)
            inputs = np.concatenate([run.inputs_at(run.ts), waves], axis=1)
            return replace(run, inputs=inputs, hold=(*run.held, *(False,) * waves.shape[1]))

        names = (*self.input_names, *names_of(periods))
        return replace(self, trajectories=tuple(map(driven, self)), input_names=names)

    def without_outliers(self) -> "Trajectories":
        """The same without observations that stand alone, far off the rows on both sides, which agree without them.

        They are NaN then, as if nothing had been observed. `fit` of the command line does so by itself.
        """
        alone = outliers([(run.ts, run.ys) for run in self])
        if not any(mask.any() for mask in alone):
            return replace(self, sifted=True)
        blank = [np.where(mask, np.nan, run.ys) for run, mask in zip(self, alone, strict=True)]
        return replace(
            self, trajectories=tuple(replace(run, ys=ys) for run, ys in zip(self, blank, strict=True)), sifted=True
        )
