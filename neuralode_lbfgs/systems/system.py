"""A known system: a vector field with its names, units, usual start and span."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class System:
    """A known system: its vector field and what is needed to simulate it.

    Args:
        name: what it is asked for by.
        vector_field: `vector_field(t, y, args) -> dy/dt`, where y and dy/dt have shape `(states,)` and
            `args` is the value of the inputs at t, shape `(inputs,)`, or None.
        state_names: one name per state.
        units: the units of the columns by name, time under `t`; "1" is dimensionless.
        y0: the usual start, one number per state.
        t1: the end of the usual span, which starts at 0.
        start_box: (low, high) for each state: the box in which random starts are drawn uniformly.
        inputs: a known input `inputs(t)`, shape `(inputs,)`, written with jax.numpy, or None.
        input_names: one name per input.
        times: whether points in time are spread evenly over t, or over log t.
        stiff: whether it needs an implicit solver.
        source: where the equations, numbers, start and span come from.

    Raises:
        ValueError: if the numbers of names, starts and sides of the box disagree, or a side is upside down.
    """

    name: str
    vector_field: Callable[..., Any]
    state_names: tuple[str, ...]
    y0: tuple[float, ...]
    t1: float
    start_box: tuple[tuple[float, float], ...]
    units: dict[str, str] = field(default_factory=dict)
    inputs: Callable[..., Any] | None = None
    input_names: tuple[str, ...] = ()
    times: Literal["linear", "log"] = "linear"
    stiff: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        states = len(self.state_names)
        if len(self.y0) != states or len(self.start_box) != states:
            raise ValueError(
                f"system {self.name!r} has {states} state names, {len(self.y0)} starts and "
                f"{len(self.start_box)} sides of its start box; give one of each per state."
            )
        if not all(low <= high for low, high in self.start_box):
            raise ValueError(f"system {self.name!r}: each side of start_box is (low, high) with low <= high.")
        if self.times not in ("linear", "log"):
            raise ValueError(f"system {self.name!r}: times is 'linear' or 'log', not {self.times!r}.")
