"""What became of physical parameters: the arrays of a model that are not weights of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models import leaf_names, plain
from .aligned import aligned, sd_text
from .bounds import ranges_of
from .constraints import covering, parameters_of, physical_names
from .task import Task

UNMOVED = 1e-6  # relative: a change of less is none that a person would see
MOST_NUMBERS = 6  # of an array that are written out
UNKNOWN = 0.5  # of a parameter's size: a larger standard deviation tells little of it
AT_BOUND = 1e-3  # of the width of a range, or of the start's distance from its only bound


@dataclass(frozen=True)
class PhysicalParameter:
    """One of them: where it started and ended, in the units in which it was written.

    Args:
        name: its path in the vector field.
        start, end: arrays of the same shape, which may be `()`.
        frozen: whether it was not to be trained.
        at_bound: the bound at which it ended, if it did.
        sd: standard deviations of the end from the noise that was found, of its shape; None where nobody knows.
    """

    name: str
    start: np.ndarray
    end: np.ndarray
    frozen: bool = False
    at_bound: float | None = None
    sd: np.ndarray | None = None

    @property
    def undetermined(self) -> bool:
        """Whether a number of it may as well be zero, or twice as much."""
        return self.sd is not None and self.moved and bool(np.any(self.sd > UNKNOWN * np.abs(self.end)))

    @property
    def moved(self) -> bool:
        if self.frozen:
            return False
        return not np.allclose(self.end, self.start, rtol=UNMOVED, atol=0.0)

    @property
    def remark(self) -> str | None:
        """A sentence on a parameter that did not move, or went as far as it may."""
        if self.frozen:
            return f"{self.name} did not move: it is frozen."
        if not self.moved:
            return f"{self.name} did not move: the data say nothing of it, or the fit made no step."
        if self.at_bound is not None:
            return f"{self.name} ended at its bound {self.at_bound:g}: the data draw it further."
        return None


def parameters_after(task: Task, model: Any, sds: Mapping[str, np.ndarray]) -> tuple[PhysicalParameter, ...]:
    """The physical parameters of a task before and after a fit, and how well the data determine them.

    Args:
        model: that was fitted, with its constraints.
        sds: standard deviations by name, as far as they are known.
    """
    before, options = task.written, task.options
    starts, ends = leaf_names(before), leaf_names(parameters_of(plain(model)))
    ranges = ranges_of(options.bounds)
    found = []
    for name in physical_names(before):
        start, end = np.asarray(starts[name]), np.asarray(ends[name])
        is_frozen = covering(name, options.freeze) is not None
        bounded = covering(name, ranges)
        at = None if bounded is None or is_frozen else _reached(start, end, ranges[bounded])
        found.append(PhysicalParameter(name, start, end, is_frozen, at, None if is_frozen else sds.get(name)))
    return tuple(found)


def _reached(start: np.ndarray, end: np.ndarray, bounds: Sequence[float]) -> float | None:
    """The bound that a number came close to."""
    width = bounds[1] - bounds[0]
    for bound in bounds:
        if np.isfinite(bound):
            size = width if np.isfinite(width) else np.abs(start - bound)
            if np.any(np.abs(end - bound) < AT_BOUND * size):
                return bound
    return None


def parameter_table(parameters: Sequence[PhysicalParameter]) -> list[str]:
    """A line each: name, start, end and standard deviation; nothing where there are no parameters."""
    if not parameters:
        return []
    rows = [("parameter", "start", "end", "sd"), *(row for one in parameters for row in _rows(one))]
    if all(one.sd is None for one in parameters):
        rows = [row[:3] for row in rows]
    return aligned(rows, left=1)


def parameter_remarks(parameters: Sequence[PhysicalParameter]) -> list[str]:
    """A sentence on each that is frozen; what else there is to say of them is part of the diagnosis."""
    return [one.remark for one in parameters if one.remark is not None and one.frozen]


def _rows(one: PhysicalParameter) -> list[tuple[str, ...]]:
    """A row for each number, or one of root mean squares for many."""
    sd = np.full(one.start.shape, np.nan) if one.sd is None else one.sd
    written = (lambda value: "") if one.sd is None else sd_text
    if one.start.size > MOST_NUMBERS:
        rms = [np.sqrt(np.mean(np.asarray(value, np.float64) ** 2)) for value in (one.start, one.end, sd)]
        return [(f"{one.name} (rms of {one.start.size})", f"{rms[0]:.5g}", f"{rms[1]:.5g}", written(rms[2]))]
    return [
        (
            f"{one.name}[{','.join(map(str, at))}]" if at else one.name,
            f"{start:.5g}",
            f"{one.end[at]:.5g}",
            written(float(sd[at])),
        )
        for at, start in np.ndenumerate(one.start)
    ]
