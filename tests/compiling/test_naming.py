"""What is told apart by the names of programs, what is not, and what has none."""

import subprocess
import sys
from functools import partial

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from neuralode_lbfgs.compiling.naming import name_of
from neuralode_lbfgs.fitting.losses import trajectory_loss
from neuralode_lbfgs.models import MLPVectorField, NeuralODE, Tableau, Transform, steps_of
from neuralode_lbfgs.optimise import LBFGS


def network(seed=0, width=4, depth=1, **options):
    return NeuralODE(MLPVectorField(2, width, depth, key=jax.random.key(seed), **options))


def fitted(model, **changes):
    """The model with other coordinates."""
    coordinates = eqx.tree_at(lambda c: c.scale, model.coordinates, np.array([2.0, 3.0]))
    for name, value in changes.items():
        object.__setattr__(coordinates, name, value)
    return eqx.tree_at(lambda m: m.coordinates, model, coordinates)


def test_numbers_do_not_count():
    names = {name_of(jnp.tanh, network()), name_of(jnp.tanh, network(seed=1)), name_of(jnp.tanh, fitted(network()))}
    assert len(names) == 1 and None not in names


DIFFERENT = [
    network(),
    network(width=5),
    network(depth=2),
    network(activation=jax.nn.softplus),
    network(rates={0: 1}),
    fitted(network(), transform=Transform(positive=(0,))),
    NeuralODE(network().vector_field, solver=diffrax.Dopri5()),
    NeuralODE(network().vector_field, rtol=1e-5),
    jax.tree.map(lambda a: a.astype("float32") if eqx.is_inexact_array(a) else a, network()),
    np.zeros(2),
    np.zeros(3),
    np.zeros(2, int),
    jnp.asarray(1.0),
    jnp.asarray(1.0, float) * jnp.ones(()),
    (np.zeros(2),),
    [np.zeros(2)],
    2.0,
    2,
    True,
    "2",
    None,
    LBFGS(),
    LBFGS(memory_size=20),
    Tableau(diffrax.Tsit5()),
    Tableau(diffrax.Dopri5()),
    steps_of(diffrax.Kvaerno5()),
    Partial(trajectory_loss, np.zeros(2), Tableau(diffrax.Tsit5())),
    Partial(trajectory_loss, np.zeros(3), Tableau(diffrax.Tsit5())),
    Partial(trajectory_loss, np.zeros(2), Tableau(diffrax.Dopri5())),
    partial(trajectory_loss, np.zeros(2)),  # as a leaf it is constant to the last bit
    partial(trajectory_loss, np.ones(2)),
]


def test_all_else_does():
    names = [name_of(jnp.tanh, one) for one in DIFFERENT] + [name_of(jnp.sin, DIFFERENT[0])]
    assert None not in names and len(set(names)) == len(names)


def test_the_settings_of_jax_count():
    before = name_of(jnp.tanh, np.zeros(2))
    with jax.default_matmul_precision("float32"):
        assert name_of(jnp.tanh, np.zeros(2)) != before
    with jax.debug_nans(True):
        assert name_of(jnp.tanh, np.zeros(2)) != before
    assert name_of(jnp.tanh, np.zeros(2)) == before


class Own(eqx.Module):
    """A person's own field: its source may change from one day to the next."""

    rate: float = 1.0

    def __call__(self, t, y, args):
        return -self.rate * y


def closure(number):
    return lambda x: number * x


@pytest.mark.parametrize(
    "what",
    [Own(), NeuralODE(Own(), state_size=2), closure(2.0), lambda x: x, object(), jax.vmap(jnp.sin), open, sys],
    ids=["module", "model of it", "closure", "lambda", "object", "transformed", "builtin", "sys"],
)
def test_what_is_not_known_for_certain_has_no_name(what):
    assert name_of(jnp.tanh, what) is None
    assert name_of(what, np.zeros(2)) is None


def test_what_goes_round_in_circles_has_no_name():
    circle: list = []
    circle.append(circle)
    assert name_of(jnp.tanh, circle) is None


def test_names_are_the_same_in_another_process():
    code = """
import jax, jax.numpy as jnp
jax.config.update("jax_enable_x64", True)
from neuralode_lbfgs.compiling.naming import _argument, _constant
from neuralode_lbfgs.models import MLPVectorField, NeuralODE
print(_constant(jnp.tanh), _argument(NeuralODE(MLPVectorField(2, 4, 1, key=jax.random.key(0)))))
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1 and "MLPVectorField" in said.pop()
