"""Rate laws that saturate: products of powers and Hill functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.models import Kinetics, count_trained
from neuralode_lbfgs.models.kinetics import FALLING, POWER, RISING, Factor, hill_exponent, products

TYPICAL = np.array([2.0, 0.0, 1.5])  # two states, the second of which may be negative, and an input


def kinetics(degree=3, outputs=2):
    return Kinetics(nl.Coordinates.identity(2, 1), outputs, TYPICAL, degree)


def with_one(law, rate, factors, value=1.0, half=(0.3, -0.2), exponent=(0.0, 1.0)):
    """The law of one term."""
    number = law.terms.index((rate, factors))
    numbers = np.zeros(count_trained(law))
    numbers[number] = value
    numbers[len(law.terms) :] = [*half, *exponent]
    free, fixed = nl.models.trainable(law)
    return nl.models.Split(free, fixed).whole(jnp.asarray(numbers))


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((), lambda x, v, u: 1.0),
        ((Factor(0, POWER), Factor(0, POWER), Factor(1, POWER)), lambda x, v, u: x * x * v),
        ((Factor(1, POWER), Factor(0, RISING)), lambda x, v, u: v * x / (2 * np.exp(0.3) + x)),
        ((Factor(1, POWER), Factor(2, FALLING)), lambda x, v, u: v / (1 + (u / (1.5 * np.exp(-0.2))) ** 2)),
        (
            (Factor(0, RISING), Factor(2, FALLING)),
            lambda x, v, u: x / (2 * np.exp(0.3) + x) / (1 + (u / (1.5 * np.exp(-0.2))) ** 2),
        ),
    ],
)
def test_each_term_is_what_it_says(factors, expected):
    law = with_one(kinetics(), 1, factors, value=-0.7)
    found = law(jnp.array([1.7, -0.6, 0.9]))
    np.testing.assert_allclose(found, [0.0, -0.7 * expected(1.7, -0.6, 0.9)], rtol=1e-12)


def test_a_hill_function_is_the_only_factor_of_its_variable():
    for one in products(3, (0, 2), 3):
        for factor in one:
            assert factor.kind == POWER or sum(other.variable == factor.variable for other in one) == 1
        assert not any(factor.variable == 1 and factor.kind != POWER for factor in one)
    assert len(products(3, (0, 2), 1)) == 1 + 3 + 4
    assert len(products(3, (), 2)) == nl.models.monomials(3, 2) + 1


def test_its_terms_come_first_among_its_numbers():
    law = kinetics(degree=2)
    powers, rates = law.kinds
    assert powers.size == rates.size == len(law.terms) == count_trained(law) - 4
    assert powers.max() == 4  # two Hill functions
    half = len(law.terms)
    bent = [law.terms.index((0, (Factor(2, RISING),))), law.terms.index((1, (Factor(1, POWER),)))]
    np.testing.assert_array_equal(law.with_shapes(np.array(bent)), [*bent, half + 1])
    steep = with_one(law, 0, ())  # the exponent of the input is two
    np.testing.assert_array_equal(steep.with_shapes(np.array(bent)), [*bent, half + 1, half + 3])
    np.testing.assert_array_equal(law.with_shapes(np.array(bent[1:])), bent[1:])


def test_exponents_stay_at_one_two_and_four():
    np.testing.assert_allclose(
        hill_exponent(np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 9.0])), [0.25, 0.5, 1, 2, 4, 8, 8]
    )
    steps = np.linspace(-2, 3, 401)
    assert (np.diff(hill_exponent(steps)) > 0).all()
    assert all(jax.grad(hill_exponent)(step) == 0.0 for step in (0.0, 1.0, 2.0))
    assert jax.grad(hill_exponent)(0.5) > 1


def test_values_of_zero_and_below_have_finite_derivatives():
    law = with_one(kinetics(), 0, (Factor(0, RISING),), exponent=(-0.5, 1.0))
    split = nl.models.Split(*nl.models.trainable(law))
    slopes = jax.jacobian(lambda numbers, seen: split.whole(numbers)(seen), argnums=(0, 1))
    for x in (0.0, -0.3, 1e-300):
        seen = jnp.array([x, 0.0, 0.0])
        assert all(np.isfinite(slope).all() for slope in slopes(split.vector, seen))
        np.testing.assert_allclose(law(seen), 0.0, atol=1e-3)


def test_it_counts_from_the_zero_of_the_data():
    """Of what saturates, however far that is; of other states not beyond five standard deviations."""
    c = nl.Coordinates.identity(2, 0)
    c = nl.Coordinates(
        np.array([80.0, 600.0]), np.array([10.0, 2.0]), c.rate_scale, c.time_origin, c.time_scale, c.input_centre,
        c.input_scale,
    )  # fmt: skip
    law = Kinetics(c, 2, np.array([4.0, 0.0]), 1)
    law = with_one(law, 0, (Factor(0, RISING),), half=(0.0,), exponent=(0.0,))
    np.testing.assert_allclose(law(jnp.array([0.0, 0.0]))[0], 80 / (40 + 80))
    law = with_one(law, 0, (Factor(1, POWER),), half=(0.0,), exponent=(0.0,))
    np.testing.assert_allclose(law(jnp.array([0.0, 0.5]))[0], 0.5)


def test_a_field_of_time_has_none():
    field = nl.MLPVectorField(1, 4, 1, time_dependent=True, key=jax.random.key(0))
    with pytest.raises(ValueError, match="do not depend on time"):
        field.of_kinetics(np.ones(1), 1)
