"""What `fit` is given, looked at before anything is done with it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.same_columns import trajectories_given
from ..data.trajectories import Trajectories
from ..models import MLPVectorField, SecondOrderField
from .options import FitOptions

LARGEST = 1e150  # squares of numbers that are much larger are infinite
WRAP = "for a vector field, wrap it: NeuralODE(field)"


def check_arguments(model: Any, data: Any, options: Any) -> None:
    """Refuse what is no model, no data or no options.

    Raises:
        TypeError: one sentence.
        ValueError: if a number is too large.
    """
    for one in model if isinstance(model, Sequence) else [model]:
        if isinstance(one, MLPVectorField | SecondOrderField):
            raise TypeError(f"the model is a vector field of type {type(one).__name__}; wrap it: NeuralODE(field).")
        if not callable(one):
            raise TypeError(
                f"the model is of type {type(one).__name__}; give a NeuralODE, or a module that is called as "
                "model(ts, y0)."
            )
    check_sizes(trajectories_given(data))
    if not (options is None or isinstance(options, FitOptions)):
        raise TypeError(
            f"options is of type {type(options).__name__}; give a FitOptions, or its fields as keywords, such as "
            "fit(model, data, max_evals=300)."
        )


def check_sizes(data: Trajectories) -> None:
    """Refuse numbers whose squares are infinite.

    Raises:
        ValueError: one sentence.
    """
    for run in data:
        for names, values in ((data.state_names, run.ys), (data.input_names, run.inputs)):
            if values is None or not (np.abs(values) > LARGEST).any():
                continue
            row, column = np.argwhere(np.abs(values) > LARGEST)[0].tolist()
            raise ValueError(
                f"{names[column]} of trajectory {run.id!r} is {values[row, column]:g} at {data.time_name} = "
                f"{data.clock.show(float(run.ts[row]))}, which is too large to be squared; give it in a unit in which "
                f"it is below {LARGEST:g}."
            )


def check_shape(returned: Any, times: int, states: int) -> None:
    """Refuse what a module returns in another shape, which would be broadcast.

    Raises:
        ValueError: one sentence.
    """
    shape = getattr(returned, "shape", None)
    if shape != (times, states):
        what = f"shape {shape}" if shape is not None else f"a {type(returned).__name__}"
        hint = f"; {WRAP}" if shape == (states,) else ""
        raise ValueError(f"the model returns {what}, and must return (times, states) = ({times}, {states}){hint}.")


def skipped_note(stages: Sequence[str]) -> list[str]:
    """A sentence on stages that were asked for but need a `NeuralODE` and the loss of this package."""
    skipped = [stage for stage in stages if stage != "full"]
    if not skipped:
        return []
    return [
        f"{', '.join(skipped)} {'was' if len(skipped) == 1 else 'were'} left out: a loss or module of your own is "
        "fitted in the stage full alone."
    ]
