"""Advice goes with the model: no flag is named that does nothing for it, or that it refuses."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.diagnosis import View, diagnose
from neuralode_lbfgs.fitting.diagnosis.kind import Kind, kind_of
from neuralode_lbfgs.fitting.law import Term

KEY = jax.random.key(0)
TERM = Term("d x/dt", ("x",), 1.0, 0.1)


def of_network(field):
    return nl.NeuralODE(field)


def of_polynomial(degree):
    """Nothing is left of the network."""
    field = nl.MLPVectorField(2, width_size=4, depth=1, degree=degree, key=KEY)
    mlp = jax.tree.map(lambda leaf: 0 * leaf if eqx.is_inexact_array(leaf) else leaf, field.mlp)
    polynomial = jax.tree.map(lambda leaf: leaf + 1.0 if eqx.is_inexact_array(leaf) else leaf, field.polynomial)
    return nl.NeuralODE(eqx.tree_at(lambda one: (one.mlp, one.polynomial), field, (mlp, polynomial)))


@pytest.mark.parametrize(
    "model, law, kind",
    [
        (of_network(nl.MLPVectorField(2, key=KEY)), (), Kind(imitates=False)),
        (of_network(nl.MLPVectorField(2, degree=2, key=KEY)), (), Kind()),
        (of_network(nl.MLPVectorField(2, rates={0: 1}, key=KEY)), (), Kind(imitates=False, rates=True)),
        (of_polynomial(2), (TERM,) * 3, Kind(network=False, imitates=False)),
        (of_polynomial(2), (TERM,) * 9, Kind(network=False)),
        (of_polynomial(1), (TERM,) * 6, Kind(network=False, imitates=False)),
        (
            of_network(nl.SecondOrderField(1, key=KEY)), (),
            Kind(imitates=False, second_order=True, transformable=False, rates=True),
        ),
        (nl.NeuralODE(lambda t, y, args: -y, state_size=2), (), Kind(imitates=False, own=True)),
        (lambda ts, y0: y0 * jnp.ones((ts.size, 1)), (), Kind(imitates=False, own=True, transformable=False)),
    ],
    ids=["network", "both", "rates", "few terms", "many terms", "linear", "second order", "own", "own module"],
)  # fmt: skip
def test_what_a_model_is_made_of(model, law, kind):
    assert kind_of(model, law, None) == kind


TS = np.linspace(0.0, 12.0, 121)
TRUTH = np.stack([10 + 3 * np.sin(TS), 5 + 2 * np.cos(TS)], axis=1)


def runs(table):
    return nl.Trajectories((nl.Trajectory("a", TS, table),), ("hare", "lynx"))


def test_no_flag_is_named_that_the_model_refuses():
    wrong = TRUTH + 0.6 * np.sin(3 * TS)[:, None]
    noise = 0.1 * np.random.default_rng(0).normal(size=TRUTH.shape)
    missed = View(
        runs(TRUTH + noise), runs(wrong), runs(TRUTH + 5 * noise), runs(wrong + 3), None, runs(wrong - 3),
        continued=runs(TRUTH - 40), low=[7.0, 3.0], high=[13.0, 7.0],
    )  # fmt: skip
    flags = {
        Kind(rates=True): ("--rate", "--second-order"),
        Kind(second_order=True, transformable=False, rates=True): (
            "--hidden-states",
            "--second-order",
            "--rate",
            "--positive",
        ),
        Kind(network=False, imitates=False): ("--width-size", "--weight-decay", "--starts", "--seed"),
    }
    for kind, refused in flags.items():
        told = " ".join(one.advice for one in diagnose(replace(missed, kind=kind)))
        anyway = " ".join(one.advice for one in diagnose(missed))
        assert not any(flag in told for flag in refused)
        assert all(flag in anyway for flag in refused)
        assert "try ;" not in told and "; ;" not in told


def test_what_is_left_is_a_sentence():
    assert Kind().choice("try", "a", "b", "c") == "try a, b, or c"
    assert Kind().choice("try", "a", "b", then=", please") == "try a or b, please"
    assert Kind(network=False).choice("try", "more --weight-decay", "b") == "try b"
    assert Kind(network=False).choice("try", "more --weight-decay", then=", please") == ""
