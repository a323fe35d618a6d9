"""Polynomials of several variables, and those beside a network."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.fitting import FitOptions
from neuralode_lbfgs.fitting.evidence import weight_groups
from neuralode_lbfgs.models import (
    MLPVectorField,
    NeuralODE,
    Polynomial,
    SecondOrderField,
    all_monomials,
    monomials,
    shifted_monomials,
)


@pytest.mark.parametrize(
    ("size", "degree", "count"), [(1, 3, 3), (2, 3, 9), (3, 3, 19), (4, 3, 34), (5, 2, 20), (7, 2, 35), (8, 1, 8),
                                  (35, 1, 35), (36, 0, 0)],
)  # fmt: skip
def test_the_degree_that_is_chosen(size, degree, count):
    assert FitOptions().degree_beside(size) == degree
    assert monomials(size, degree) == count


def test_it_is_zero_at_first():
    np.testing.assert_array_equal(Polynomial(3, 2, 3)(jnp.array([1.0, -2.0, 5.0])), np.zeros(2))


def test_every_monomial_has_a_coefficient():
    polynomial = Polynomial(2, 1, 3)
    assert polynomial.degree == 3
    x, y = 2.0, 3.0
    expected = [[x, y], [x * x, x * y, y * y], [x**3, x * x * y, x * y * y, y**3]]
    for power, values in enumerate(expected):
        for number, value in enumerate(values):
            one = eqx.tree_at(
                lambda p, power=power: p.coefficients[power].weight,
                polynomial,
                replace_fn=lambda weight, number=number: weight.at[0, number].set(1.0),
            )
            assert one(jnp.array([x, y]))[0] == value
    constant = eqx.tree_at(lambda p: p.coefficients[0].bias, polynomial, jnp.array([7.0]))
    assert constant(jnp.array([x, y]))[0] == 7.0


def test_beside_a_network_it_adds_to_the_learned_rates():
    field = MLPVectorField(2, 3, 1, input_size=1, rates={0: 1}, time_dependent=True, key=jax.random.key(0))
    both = field.with_polynomial(2)
    assert [len(group) for group in weight_groups(both)] == [4, 2, 1]  # the network, and each power on its own
    tau, z, u = jnp.array(0.3), jnp.array([0.5, -1.5]), jnp.array([2.0])
    np.testing.assert_array_equal(both.normalised(tau, z, u), field.normalised(tau, z, u))
    added = eqx.tree_at(lambda f: f.polynomial.coefficients[1].weight, both, jnp.zeros((1, 6)).at[0, 4].set(10.0))
    change = np.asarray(added.normalised(tau, z, u) - field.normalised(tau, z, u))
    np.testing.assert_allclose(change, [0.0, 10 * -1.5 * 2.0])
    np.testing.assert_allclose(added(tau, z, u) - field(tau, z, u), change)
    assert eqx.tree_equal(added.with_polynomial(0), field)


def test_of_second_order():
    field = SecondOrderField(1, 3, 1, key=jax.random.key(0)).with_polynomial(3)
    assert field.polynomial is not None and field.polynomial.coefficients[0].out_features == 1
    assert NeuralODE(field)(np.array([0.0, 1.0]), np.array([1.0, 0.0])).shape == (2, 2)


def test_no_negative_degree():
    with pytest.raises(ValueError, match="degree must be at least 0; it is -1"):
        MLPVectorField(2, degree=-1, key=jax.random.key(0))


def test_monomials_of_shifted_variables():
    """(x + 2)^2 = 4 + 4 x + x^2, and the like of all products of three."""
    shift, x = np.array([2.0, -0.5, 0.0]), np.array([0.3, 1.7, -1.1])
    every = all_monomials(3, 3)
    assert len(every) == 1 + monomials(3, 3)
    assert every[:4] == [(), (0,), (1,), (2,)]
    of_x = np.array([np.prod(x[list(factors)]) for factors in every])
    of_shifted = np.array([np.prod((x + shift)[list(factors)]) for factors in every])
    np.testing.assert_allclose(of_x @ shifted_monomials(shift, 3), of_shifted)
