"""The optimiser of the full horizon that options name, and batches for a stochastic one."""

from dataclasses import replace
from typing import Any

import jax
import optax

from ..optimise import LBFGS, Optax
from .options import FitOptions
from .task import Task

DEFAULT_RATES = {"adam": 1e-2}


def optimizer_of(optimizer: Any, initial_step: Any, options: FitOptions) -> LBFGS | Optax:
    """The optimiser that is given, or else named by the options; arguments as in `fit`.

    Raises:
        TypeError: if it is none.
    """
    step = options.initial_step if initial_step is None else initial_step
    if isinstance(optimizer, LBFGS | Optax):
        return optimizer
    if optimizer is not None:
        if not isinstance(optimizer, optax.GradientTransformation):
            raise TypeError(
                f"optimizer is of type {type(optimizer).__name__}; give a name, an LBFGS or an optax transformation."
            )
        return Optax(optimizer)
    if options.optimizer == "adam":
        return Optax(optax.adam(DEFAULT_RATES["adam"] if step is None else step))
    if options.optimizer == "optax-lbfgs":
        return Optax(optax.lbfgs(memory_size=options.memory_size))
    return LBFGS(memory_size=options.memory_size, initial_step=1.0 if step is None else step)


def in_batches(task: Task) -> Task:
    """Let a stochastic optimiser draw lanes of the batch at each step."""
    size, optimizer = task.options.batch_size, task.optimizer
    if size is None:
        return task
    if not isinstance(optimizer, Optax) or task.options.optimizer == "optax-lbfgs":
        raise ValueError("batch_size needs a stochastic optimiser (optimizer='adam'); L-BFGS uses all data.")

    def sample(key, args):
        batch, *others = args
        lanes = batch.targets.shape[0]
        if size >= lanes:
            return args
        drawn = jax.random.choice(key, lanes, (size,), replace=False)
        lanes_of = lambda arrays: jax.tree.map(lambda a: a[drawn], arrays)  # noqa: E731
        mesh = replace(lanes_of(replace(batch.mesh, busy=None)), busy=batch.mesh.busy)
        targets, weights = lanes_of((batch.targets, batch.weights))
        # Weighted up to the whole, so that the mean over draws is the loss of all data.
        weights = weights * (lanes / size)
        return type(batch)(mesh, targets, weights), *others

    return replace(task, optimizer=Optax(optimizer.transformation, sample))
