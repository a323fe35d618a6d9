"""What is observed of states, where that is a function of one's own: in coordinates of order one, with its slopes."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..data.trajectories import Trajectories, Trajectory
from ..models import Coordinates, NeuralODE
from .smoothing import SmoothTrajectory, weighted_curve

STEPS, DAMPING = 40, 0.01  # of Levenberg-Marquardt towards a state in which a row is observed
CURVE_ERROR = 0.02  # of smooth curves and their slopes, in units of their typical size
UNTOLD = 1e-9  # of what curves tell best: nothing


class Observation:
    """`observe` between coordinates of order one: `(states,) -> (observed,)`.

    Args:
        observe: in the data's units.
        states: the coordinates of the model.
        columns: those of the observed columns.
    """

    observe: Callable[..., Any]
    of: Callable[[Array], Array]

    def __init__(self, observe: Callable, states: Coordinates, columns: Coordinates):
        self.observe = observe
        self.of = lambda z: columns.states_in(jnp.asarray(observe(states.states_out(z))))
        self._with_slopes = jax.jit(jax.vmap(lambda z: (self.of(z), jax.jacfwd(self.of)(z))))

    def __call__(self, zs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of many states `(nodes, states)`: what is observed `(nodes, observed)`, and d observed / d state."""
        values, slopes = self._with_slopes(zs)
        return np.asarray(values, np.float64), np.asarray(slopes, np.float64)


def check_observe(observe: Callable, states: int, data: Trajectories) -> None:
    """Refuse an `observe` that is none.

    Raises:
        ValueError: one sentence, if `observe` does not map a state to a row of the data.
    """
    try:
        out = eqx.filter_eval_shape(observe, jax.ShapeDtypeStruct((states,), jnp.result_type(float)))
    except (TypeError, ValueError, IndexError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"observe cannot be called on a state of shape ({states},): {why}") from error
    if getattr(out, "shape", None) != (data.state_size,):
        raise ValueError(
            f"observe returns shape {getattr(out, 'shape', None)}, but the data have {data.state_size} columns: it "
            f"must return shape ({data.state_size},)."
        )


def states_behind(
    observe: Callable, model: NeuralODE, data: Trajectories, curves: Sequence[SmoothTrajectory], *, by_slopes: bool
) -> tuple[SmoothTrajectory, ...]:
    """Curves of states from which the smooth curves are observed: of many such states, those nearest to one.

    One, or the centre of coordinates that were given with the model: at zero, ratios are not defined. Where the
    observed curves hardly tell of a state, as of the susceptible when nobody is ill, noise leads far away: such rows
    count less.

    Args:
        by_slopes: whether the slopes of the curves tell of the state too, through the field as it is now; so they
            do of a field of known equations, whose states have a meaning.
    """
    centre = np.asarray(model.coordinates.centre, np.float64)
    begin = np.where(centre == 0, 1.0, centre) * np.ones(model.state_size)
    points = [_points(run, curve) for run, curve in zip(data, curves, strict=True)]
    ts, targets, us = (np.concatenate(column) for column in zip(*points, strict=True))
    if not ts.size:
        return tuple(SmoothTrajectory((None,) * model.state_size) for _ in data)
    targets = targets if by_slopes else targets[:, : data.state_size]
    sizes = np.where(np.ptp(targets, axis=0) > 0, np.std(targets, axis=0), 1.0)

    def seen(y, t, u):
        if not by_slopes:
            return observe(y) / sizes
        value, slope = jax.jvp(observe, (y,), (model.vector_field(t, y, u),))
        return jnp.concatenate([value, slope]) / sizes

    def nearest(t, target, u):
        def misfit(y):
            return target / sizes - seen(y, t, u)

        def step(carry, _):
            y, damping = carry
            error, slopes = misfit(y), jax.jacfwd(misfit)(y)
            gram = slopes @ slopes.T
            ridge = (damping * jnp.trace(gram) + 1e-300) * jnp.eye(target.size)
            new = y - slopes.T @ jnp.linalg.solve(gram + ridge, error)
            better = jnp.sum(misfit(new) ** 2) < jnp.sum(error**2)
            return (jnp.where(better, new, y), jnp.where(better, damping / 4, damping * 4)), None

        y = jax.lax.scan(step, (jnp.asarray(begin), jnp.asarray(DAMPING)), None, length=STEPS)[0][0]
        _, told, ways = jnp.linalg.svd(jax.jacfwd(misfit)(y), full_matrices=False)
        return y, CURVE_ERROR * jnp.linalg.norm(ways.T / jnp.maximum(told, UNTOLD * told[0] + 1e-300), axis=1)

    solve = jax.jit(jax.vmap(nearest, in_axes=(0, 0, None if not data.input_size else 0)))
    found = (np.asarray(a, np.float64) for a in solve(ts, targets, us if data.input_size else None))
    parts = (np.split(a, np.cumsum([t.size for t, _, _ in points])[:-1]) for a in found)
    guessed = []
    for (t, _, _), ys, sds in zip(points, *parts, strict=True):
        good = (np.isfinite(ys) & np.isfinite(sds)).all(axis=1)
        least = UNTOLD * sds[good].max(initial=1e-300)  # where nothing tells of a state, it stays where it began
        columns = zip(ys[good].T, np.maximum(sds[good].T, least), strict=True)
        guessed.append(SmoothTrajectory(tuple(weighted_curve(t[good], y, sd) for y, sd in columns)))
    return tuple(guessed)


def _points(run: Trajectory, curve: SmoothTrajectory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times at which every column has a curve, its values and slopes there, `(rows, 2 observed)`, and the inputs."""
    targets = np.concatenate([curve.states(run.ts), curve.rates(run.ts)], axis=1)
    rows = np.isfinite(targets).all(axis=1)
    for state in curve.curves:  # beyond its observations a curve is not to be trusted
        if state is not None:
            rows &= (run.ts >= state.x[0]) & (run.ts <= state.x[-1])
    us = np.zeros((run.ts.size, 0)) if run.inputs is None else run.inputs
    return run.ts[rows], targets[rows], us[rows]
