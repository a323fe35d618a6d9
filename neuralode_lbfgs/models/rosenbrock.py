"""Implicit steps without iterations: a linear system a stage, all with the same matrix.

Where a system is stiff, explicit steps are short because longer ones would be unstable. A Rosenbrock method takes the
Jacobian of the field into its steps, where implicit Runge-Kutta methods search for roots (Hairer & Wanner, Solving
ODEs II, section IV.7): so its steps are as good for a mesh as explicit ones, with a gradient that is exact.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def _square(*rows: tuple[float, ...]) -> np.ndarray:
    """Rows of a matrix, of which those above the diagonal are zero."""
    return np.stack([np.pad(row, (0, len(rows) - len(row))) for row in map(np.asarray, rows)])


# Rodas5P: Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
# Differential Equations package", BIT 63 (2023). Of order 5 and stiffly accurate; the stages add up to the step, and
# the last of them is its error.
DIAGONAL = 0.21193756319429014
SIXTH = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946)
STATES = _square(  # of the increments before, in the state at which a stage evaluates the field
    (),
    (3.0,),
    (2.849394379747939, 0.45842242204463923),
    (-6.954028509809101, 2.489845061869568, -10.358996098473584),
    (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
    SIXTH,
    (*SIXTH, 1.0),
    (*SIXTH, 1.0, 1.0),
)
BESIDE = _square(  # of the same, beside the field
    (),
    (-14.155112264123755,),
    (-17.97296035885952, -2.859693295451294),
    (147.12150275711716, -1.41221402718213, 71.68940251302358),
    (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
    (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
    (
        30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
        -28.087943162872662,
    ),
    (
        37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
        -54.66780262877968, -9.48861652309627,
    ),
)  # fmt: skip
END = np.array((*SIXTH, 1.0, 1.0, 1.0))
TIMES = (0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0)
SLOPES = (DIAGONAL, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0.0, 0.0, 0.0)
AT_END = TIMES.index(1.0)


class Rosenbrock:
    """The steps of Rodas5P, in place of those of implicit solvers."""

    c: Float[np.ndarray, " stages"] = np.array(TIMES)
    order: float = 5.0

    def stepper(self, rate: Callable, *, driven: bool, with_error: bool, rolled: bool) -> Callable:
        """`(z, t, h, u) -> end, error` of a step of many lanes; see `Steps`."""
        once = jax.jit(lambda t, z, u: rate(t, z, u))  # traced once, not at every stage

        def step(z, t, h, u):
            return _step(once, z, t, h, u)

        return jax.vmap(step, in_axes=(0, 0, 0, 0 if driven else None))


def _step(rate: Callable, z: Array, t: Array, h: Array, u: Array | None) -> tuple[Array, Array]:
    """One step of one lane: its end, and its error."""
    first, along = (None, None) if u is None else (u[0], u[AT_END] - u[0])  # inputs are linear along a step
    slope = jax.jvp(lambda t, u: rate(t, z, u), (t, first), (h, along))[1]
    jacobian = jax.jacfwd(lambda z: rate(t, z, first))(z)
    # Of few states: one inverse costs less than a factorisation and its solves.
    inverse = DIAGONAL * jnp.linalg.inv(jnp.eye(z.size, dtype=z.dtype) - h * DIAGONAL * jacobian)

    def stage(increments, row):
        number, states, beside, time, of_slope, u = row
        field = rate(t + time * h, z + states @ increments, u)
        new = inverse @ (h * (field + of_slope * slope) + beside @ increments)
        return increments.at[number].set(new), None

    # A loop, for eight copies of the field compile slowly.
    tables = (jnp.asarray(table, z.dtype) for table in (STATES, BESIDE, TIMES, SLOPES))
    nothing = jnp.zeros((len(TIMES), z.size), z.dtype)
    increments, _ = jax.lax.scan(stage, nothing, (np.arange(len(TIMES)), *tables, u))
    return z + jnp.asarray(END, z.dtype) @ increments, increments[-1]
