"""Positions without their velocities are told from states that show all."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neuralode_lbfgs as nl
from neuralode_lbfgs.commands.options import ModelOptions
from neuralode_lbfgs.commands.structure import without_velocities
from neuralode_lbfgs.data import dataset_names, load_dataset
from neuralode_lbfgs.fitting.untold import rates_are_untold

FIRST = {
    "growth": (lambda y, u: [y[0] * (1 - y[0]) + 0.3 * u * y[0]], 10, ((0.05, 1.5),)),
    "enzyme": (lambda y, u: [-y[0] / (0.1 + y[0]) + 0.3 * abs(u)], 6, ((0.5, 3),)),
    "switch": (lambda y, u: [2 * y[0] ** 8 / (1 + y[0] ** 8) - y[0] + 0.5 + 0.3 * u], 8, ((0.01, 3),)),
    "predator": (
        lambda y, u: [
            y[0] * (1 - y[0] / 3) - y[0] * y[1] / (0.5 + y[0]),
            y[1] * (y[0] / (0.5 + y[0]) - 0.5 + 0.05 * u),
        ],
        40,
        ((0.3, 2), (0.3, 2)),
    ),
    "neuron": (
        lambda y, u: [10 * (y[0] - y[0] ** 3 / 3 - y[1] + 0.5 + 0.3 * u), 0.8 * (y[0] + 0.7 - 0.8 * y[1])],
        12,
        ((-2, 2), (-0.5, 1)),
    ),
    "pendulum": (lambda y, u: [y[1], -np.sin(y[0]) - 0.1 * y[1] + 0.5 * u], 20, ((-2.5, 2.5), (-1, 1))),
    "lorenz": (
        lambda y, u: [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1] + 5 * u, y[0] * y[1] - 8 / 3 * y[2]],
        5,
        ((-8, 8), (-8, 8), (15, 30)),
    ),
}
PENDULUM = FIRST["pendulum"]
SPRINGS = (
    lambda y, u: [y[2], y[3], -2 * y[0] + y[1] - 0.1 * y[2] + u, -2 * y[1] + y[0] - 0.1 * y[3]],
    20,
    ((-1, 1), (-1, 1), (-1, 1), (-1, 1)),
)
DRIVEN = ("free", "held", "linear")


def simulated(system, driven, noise, seen, runs=5, rows=80):
    field, until, starts = system
    rng, ts = np.random.default_rng(0), np.linspace(0, until, rows)
    found = []
    for _ in range(runs):
        steps = np.repeat(rng.uniform(-1, 1, rows), rng.integers(5, 20, rows))[:rows]
        waves = sum(rng.normal() * np.sin(2 * np.pi * k * ts / until + rng.uniform(0, 6)) for k in (1, 3, 5))
        us = {"free": 0 * ts, "held": steps, "linear": waves}[driven]
        at = (lambda t, us=us: us[max(np.searchsorted(ts, t, "right") - 1, 0)]) if driven == "held" else None
        between = at or (lambda t, us=us: np.interp(t, ts, us))
        begin = [rng.uniform(*ends) for ends in starts]
        solution = solve_ivp(
            lambda t, y, u=between: field(y, u(t)), (0, until), begin, t_eval=ts, rtol=1e-6, max_step=until / rows
        )
        found.append((solution.y.T[:, list(seen)], us))
    spread = np.concatenate([ys for ys, _ in found]).std(axis=0)
    ys = [ys + noise * spread * rng.normal(size=ys.shape) for ys, _ in found]
    if driven == "free":
        return nl.from_arrays([ts] * runs, ys)
    inputs = [us[:, None] for _, us in found]
    return nl.from_arrays([ts] * runs, ys, inputs=inputs, input_names=["u"], input_hold=["u"] * (driven == "held"))


@pytest.mark.parametrize("system", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("driven", DRIVEN)
def test_states_that_show_all(system, driven):
    for noise in (0, 0.01, 0.05):
        assert not rates_are_untold(simulated(system, driven, noise, range(len(system[2]))))


@pytest.mark.parametrize(("system", "seen", "most"), [(PENDULUM, [0], 0.01), (SPRINGS, [0, 1], 0.05)])
@pytest.mark.parametrize("driven", DRIVEN)
def test_positions_alone(system, seen, most, driven):
    for noise in (0, most):
        assert rates_are_untold(simulated(system, driven, noise, seen))
    assert not rates_are_untold(simulated(system, driven, 0, range(len(system[2]))))
    assert not rates_are_untold(simulated(system, driven, 0, seen, rows=8))


@pytest.mark.parametrize("name", dataset_names())
def test_no_bundled_set_is_told_so(name):
    assert not rates_are_untold(load_dataset(name))


def test_it_is_said_of_models_without_velocities():
    data = simulated(SPRINGS, "linear", 0.01, [0, 1])
    (told,) = without_velocities(ModelOptions(), data)
    assert told == (
        "how y0 and y1 change does not follow from their values, with the inputs, but does with the changes before, as "
        "of positions that are seen without their velocities: if they are, fit with --second-order, else with "
        "--hidden-states 1"
    )
    for known in (ModelOptions(second_order=True), ModelOptions(hidden_states=1), ModelOptions(rate=("y0=y1",))):
        assert without_velocities(known, data) == []
