"""What was measured in one run, in the data's own units."""

from dataclasses import dataclass, replace

import numpy as np

from .errors import counted


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One run of the system.

    Args:
        id: the name of the run.
        ts: times, shape `(times,)`, finite and strictly increasing.
        ys: observed states, shape `(times, states)`; NaN where a state was not observed.
        sd: standard deviations of the observations, same shape as `ys`, or None.
        inputs: known inputs at `ts`, shape `(times, inputs)`, or None.
        hold: for each input whether it keeps the value of a row until the next one; it is linear in
            between where not. Empty when all are linear.

    Raises:
        ValueError: if shapes disagree, times do not increase, a value is infinite, or an input is
            NaN or a standard deviation not positive where one is needed.
    """

    id: str
    ts: np.ndarray
    ys: np.ndarray
    sd: np.ndarray | None = None
    inputs: np.ndarray | None = None
    hold: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "hold", tuple(map(bool, self.hold)))
        for name in ("ts", "ys", "sd", "inputs"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value, dtype=np.float64))
        who = f"trajectory {self.id!r}"
        if self.ts.ndim != 1 or self.ts.size == 0:
            raise ValueError(
                f"{who}: ts must have shape (times,) with at least one time; it has shape {self.ts.shape}."
            )
        if self.ys.ndim != 2 or self.ys.shape[0] != self.ts.size:
            raise ValueError(
                f"{who}: ys must have shape (times, states) = ({self.ts.size}, ...); it has shape {self.ys.shape}."
            )
        if self.sd is not None and self.sd.shape != self.ys.shape:
            raise ValueError(f"{who}: sd must have the shape of ys, {self.ys.shape}; it has shape {self.sd.shape}.")
        if self.inputs is not None and (self.inputs.ndim != 2 or self.inputs.shape[0] != self.ts.size):
            raise ValueError(
                f"{who}: inputs must have shape (times, inputs) = ({self.ts.size}, ...); "
                f"it has shape {self.inputs.shape}."
            )
        if not np.isfinite(self.ts).all():
            raise ValueError(f"{who}: every time must be a finite number.")
        backward = np.flatnonzero(np.diff(self.ts) <= 0)
        if backward.size:
            first, second = self.ts[backward[0]], self.ts[backward[0] + 1]
            raise ValueError(
                f"{who}: times must increase, but {second:.12g} follows {first:.12g}; "
                "sort the rows and remove duplicate times."
            )
        if np.isinf(self.ys).any():
            raise ValueError(f"{who}: ys holds an infinite value; leave the entry NaN if it was not observed.")
        if self.sd is not None and not (self.sd[np.isfinite(self.ys)] > 0).all():
            raise ValueError(f"{who}: sd must be positive wherever a state was observed.")
        if self.inputs is not None and not np.isfinite(self.inputs).all():
            raise ValueError(f"{who}: inputs must be finite at every time of the trajectory.")
        if self.hold and (self.inputs is None or len(self.hold) != self.inputs.shape[1]):
            raise ValueError(f"{who}: hold needs one entry for each input; it has {len(self.hold)}.")

    def __repr__(self) -> str:
        inputs = "" if self.inputs is None else f", {counted(self.inputs.shape[1], 'input')}"
        rows, states = counted(self.ts.size, "row"), counted(self.ys.shape[1], "state")
        return f"Trajectory({self.id!r}, {rows} from {self.ts[0]:g} to {self.ts[-1]:g}, {states}{inputs})"

    @property
    def held(self) -> tuple[bool, ...]:
        """As `hold`, an entry for each input also where all are linear."""
        return self.hold or (False,) * (0 if self.inputs is None else self.inputs.shape[1])

    def inputs_at(self, ts: np.ndarray) -> np.ndarray:
        """The inputs at any times, shape `(times, inputs)`; beyond the first and last row they stay as there."""
        if self.inputs is None:
            return np.zeros((len(ts), 0))
        row = np.maximum(np.searchsorted(self.ts, ts, side="right") - 1, 0)
        kinds = zip(self.inputs.T, self.held, strict=True)
        columns = [u[row] if keep else np.interp(ts, self.ts, u) for u, keep in kinds]
        return np.stack(columns, axis=1)

    def with_times(self, more: np.ndarray) -> "Trajectory":
        """The same with rows at more times, in which nothing is observed."""
        ts = np.union1d(self.ts, more)
        at = np.searchsorted(ts, self.ts)

        def among(values: np.ndarray) -> np.ndarray:
            wide = np.full((ts.size, values.shape[1]), np.nan)
            wide[at] = values
            return wide

        return replace(
            self,
            ts=ts,
            ys=among(self.ys),
            sd=None if self.sd is None else among(self.sd),
            inputs=None if self.inputs is None else self.inputs_at(ts),
        )

    def at(self, rows: np.ndarray | slice) -> "Trajectory":
        """The same trajectory at some of its rows (indices, a mask or a slice)."""
        sd = None if self.sd is None else self.sd[rows]
        inputs = None if self.inputs is None else self.inputs[rows]
        return replace(self, ts=self.ts[rows], ys=self.ys[rows], sd=sd, inputs=inputs)
