"""Equations of motion: Lagrange's, of masses that depend on positions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.models import Split, trainable
from neuralode_lbfgs.models.mechanics import SLOW, EquationsOfMotion, entries, products

TURN = np.array([0.8, 0.0])  # an angle, and a length


def motion(steered=False, inputs=1, seed=0):
    """With numbers drawn at random, of a mass that stays positive definite."""
    drawn = np.random.default_rng(seed)
    found = EquationsOfMotion(nl.Coordinates.identity(4, inputs), ((0, 2), (1, 3)), TURN, steered)
    return jax.tree.map(
        lambda leaf: jnp.asarray(0.05 * drawn.normal(size=leaf.shape)) if isinstance(leaf, jax.Array) else leaf,
        found,
        is_leaf=lambda node: isinstance(node, nl.Coordinates) or type(node).__name__ == "Constant",
    )


def functions(x, harmonics):
    """One by one, as they are written."""
    s = [jnp.sin(TURN[0] * x[0]) / TURN[0], x[1]]
    c = [2 * (1 - jnp.cos(TURN[0] * x[0])) / TURN[0] ** 2, x[1] ** 2]
    of = [[s[i], c[i], s[i] * c[i], c[i] ** 2] for i in range(2)]
    return jnp.stack([jnp.prod(jnp.array([1.0, *(of[i][k] for i, k in one)])) for one in products(2, harmonics)])


@pytest.mark.parametrize("steered", [False, True])
def test_they_are_the_euler_lagrange_equations(steered):
    """Against derivatives of the Lagrangian by JAX: d/dt dL/dw - dL/dx = forces."""
    found, inputs = motion(steered, inputs=2), 2
    x, w, u = jnp.array([0.7, -0.4]), jnp.array([1.3, -0.6]), jnp.array([0.5, -1.2])

    def lagrangian(x, w):
        numbers = jnp.append(1.0, found.mass).reshape(3, -1) @ functions(x, harmonics=False)
        mass = jnp.array([[numbers[0], numbers[1]], [numbers[1], 1 + numbers[2]]])
        return w @ mass @ w / 2 - found.potential @ functions(x, harmonics=True)[1:]

    a = found(jnp.concatenate([x, w, u]))
    momentum = jax.grad(lagrangian, argnums=1)
    _, change = jax.jvp(momentum, (x, w), (w, a))
    forces = found.forces @ jnp.append(1.0, u) - found.friction @ w
    forces = forces - found.rubbing[0] * jnp.tanh(w / SLOW) - found.rubbing[1] * w * jnp.abs(w)
    if steered:
        forces = forces + jnp.einsum("ijk,j,k->i", found.steered, u, functions(x, harmonics=False)[1:5])
    np.testing.assert_allclose(change - jax.grad(lagrangian)(x, w), forces, atol=1e-6)
    assert found.steered.shape == (2, inputs, 4 if steered else 0)


def test_each_number_has_a_kind():
    found = motion(steered=True)
    powers, parts = found.kinds
    count = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(found, eqx.is_inexact_array))) - 2  # less `turn`
    size = len(jax.tree.leaves(found.coordinates))
    assert powers.size == parts.size
    assert powers.size == found.mass.size + found.potential.size + 4 + 4 + found.forces.size + found.steered.size
    assert count > powers.size and size  # coordinates are no terms
    assert set(parts.tolist()) == {0, 1, 2, 3, 4, 5}
    # A cosine counts as one factor, a square of a length as two.
    assert powers[found.mass.size : found.mass.size + 4].tolist() == [1, 1, 1, 2]


def test_the_products_of_positions():
    assert len(products(1)) == 3 and len(products(2)) == 9 and len(products(3)) == 19
    assert len(products(2, harmonics=True)) == 13
    assert entries(2) == [(0, 0), (0, 1), (1, 1)]


def test_only_of_positions_and_velocities():
    with pytest.raises(ValueError, match="of_motion needs rates"):
        nl.MLPVectorField(3, rates={0: 1}, key=jax.random.key(0)).of_motion(np.zeros(1))
    field = nl.SecondOrderField(2, key=jax.random.key(0)).of_motion(np.zeros(2))
    assert field.is_mechanical and not field.sees_positions and field.polynomial is None
    rate = field.normalised(jnp.array(0.0), jnp.array([0.1, 0.2, 0.3, 0.4]), None)
    np.testing.assert_allclose(rate, [0.3, 0.4, 0.0, 0.0])  # free particles, until they are fitted


@pytest.mark.parametrize("mirror", [(True, True), (True, False), (False, True)])
def test_the_image_of_a_motion_in_a_mirror(mirror):
    """A motion too, unless one of the numbers that tell them apart is there."""
    found = motion(inputs=1)
    split = Split(*trainable(found))
    changed = found.changed_by(mirror)
    sign = np.where(mirror, -1.0, 1.0)
    x, w, none = np.array([0.7, -0.4]), np.array([1.3, -0.6]), np.zeros(1)

    def differs(numbers):
        of = split.whole(jnp.asarray(numbers))
        image = of(jnp.concatenate([sign * x, sign * w, none]))
        return float(jnp.abs(image - sign * of(jnp.concatenate([x, w, none]))).max())

    numbers = np.asarray(split.vector)
    alike = np.where(changed, 0.0, numbers)
    assert 0 < changed.sum() < changed.size and differs(alike) < 1e-12
    for number in np.flatnonzero(changed):
        assert differs(np.where(np.arange(numbers.size) == number, numbers, alike)) > 1e-6
