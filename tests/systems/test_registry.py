"""The known systems against reference values, through an independent integrator (SciPy)."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuralode_lbfgs.systems import SYSTEMS, System, VanDerPol, get_system

# Values at t1 and t1/2 from solves at rtol 1e-12 (stiff ones 1e-10), made apart from this package.
REFERENCE = json.loads((Path(__file__).parent / "generator_reference.json").read_text())


@pytest.mark.parametrize("name", SYSTEMS)
def test_equations_start_and_span_give_the_reference_values(name):
    if name == "lotka_volterra":
        assert SYSTEMS[name].vector_field == SYSTEMS["lotka_volterra_ude"].vector_field
        return
    system, expected = SYSTEMS[name], REFERENCE[name]
    assert list(system.y0) == expected["y0"]
    assert system.t1 == expected["t1"]
    with jax.enable_x64(True):

        @jax.jit
        def rate(t, y):
            return system.vector_field(t, y, None if system.inputs is None else system.inputs(t))

        jacobian = jax.jit(jax.jacfwd(rate, argnums=1))
        stiff = {"method": "Radau", "jac": lambda t, y: np.asarray(jacobian(t, y)), "rtol": 1e-8, "atol": 1e-15}
        solution = solve_ivp(
            lambda t, y: np.asarray(rate(t, y)),
            (0.0, system.t1),
            system.y0,
            t_eval=(system.t1 / 2, system.t1),
            **(stiff if system.stiff else {"method": "DOP853", "rtol": 1e-11, "atol": 1e-12}),
        )
    np.testing.assert_allclose(solution.y.T, [expected["y_mid"], expected["y_end"]], rtol=1e-6)


def test_every_reference_system_is_known():
    assert set(SYSTEMS) == {*REFERENCE, "lotka_volterra"}


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_a_system_is_complete(system):
    states = len(system.state_names)
    args = None if system.inputs is None else system.inputs(0.5)
    assert system.vector_field(0.5, jnp.asarray(system.y0), args).shape == (states,)
    assert (0 if args is None else len(args)) == len(system.input_names)
    assert set(system.units) == {"t", *system.state_names, *system.input_names}
    assert system is get_system(system.name)
    assert system.source
    assert (system.vector_field.__doc__ or "").count("Source:") == 1


def test_parameters_are_fields():
    spring = VanDerPol(mu=3.0)
    np.testing.assert_allclose(spring(0.0, jnp.array([0.0, 2.0]), None), [2.0, 6.0])


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"no system 'vanderpol' \(did you mean 'van_der_pol'\?\); there are spiral"):
        get_system("vanderpol")
    with pytest.raises(ValueError, match="no system 'qqq'; there are"):
        get_system("qqq")


def test_a_system_that_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="2 state names, 1 starts and 2 sides"):
        System("mine", VanDerPol(), ("x", "v"), (1.0,), 1.0, ((0.0, 1.0), (0.0, 1.0)))
    with pytest.raises(ValueError, match="low <= high"):
        System("mine", VanDerPol(), ("x", "v"), (1.0, 0.0), 1.0, ((0.0, 1.0), (2.0, 1.0)))
    with pytest.raises((ValueError, TypeError), match="times"):  # a TypeError where types are checked at run time
        System("mine", VanDerPol(), ("x", "v"), (1.0, 0.0), 1.0, ((0.0, 1.0), (0.0, 1.0)), times="even")  # pyright: ignore
