"""Equations of residuals against those of weights: the same step, the same evidence."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import beginning, dual, matching, polish, problems, stages
from neuralode_lbfgs.fitting.dual import DualEquations, most_residuals
from neuralode_lbfgs.fitting.evidence import Gram, WeightGroups
from neuralode_lbfgs.fitting.gauss_newton import Point

GROUPS = WeightGroups(np.array([0] * 20 + [1] * 15 + [-1] * 2), 2)


def problem(residuals=12, states=True, seed=0):
    """Residuals of two trajectories, each with a fitted state of two numbers."""
    rng = np.random.default_rng(seed)
    point = Point(rng.normal(size=37), rng.normal(size=(2, 2)) if states else np.zeros((0, 0)))
    r, jacobian = rng.normal(size=residuals), rng.normal(size=(residuals, 37))
    half = residuals // 2
    spans = [(slice(0, half), rng.normal(size=(half, 2))), (slice(half, None), rng.normal(size=(residuals - half, 2)))]
    return point, r, jacobian, spans if states else []


def dense(r, jacobian, spans):
    """All columns, those of the states last."""
    columns = np.zeros((r.size, 37 + 2 * len(spans)))
    columns[:, :37] = jacobian
    for i, (span, of_state) in enumerate(spans):
        columns[span, 37 + 2 * i : 39 + 2 * i] = of_state
    return columns


@pytest.mark.parametrize("states", [True, False])
@pytest.mark.parametrize("damping", [1e-3, 1.0])
def test_the_step_is_that_of_the_normal_equations(states, damping):
    point, r, jacobian, spans = problem(states=states)
    equations = DualEquations(point, r, jacobian, GROUPS, spans)
    ridge = GROUPS.ridge(np.array([0.1, 0.3]))
    step = equations.step(ridge, damping)
    columns = dense(r, jacobian, spans)
    scale = np.sum(jacobian**2, axis=0).max()
    states_scale = max((np.sum(j**2, axis=0).max() for _, j in spans), default=0.0)
    kept = np.r_[ridge + damping * scale, np.full(2 * len(spans), dual.START_DAMPING * damping * states_scale)]
    kept[35:37] += dual.LOOSE * scale
    kept[37:] += dual.LOOSE * states_scale
    gradient = columns.T @ r + np.r_[ridge * point.x, np.zeros(2 * len(spans))]
    expected = -np.linalg.solve(columns.T @ columns + np.diag(kept), gradient)
    np.testing.assert_allclose(np.r_[step.change.x, step.change.states.ravel()], expected, rtol=1e-5, atol=1e-8)
    # What is promised: the linear problem's decrease, and the damping's share of it.
    left = r + columns @ expected

    def loss(residuals, x):
        return np.sum(residuals**2) + np.sum(ridge * x**2)

    decrease = loss(r, point.x) - loss(left, point.x + expected[:37])
    held_back = damping * states_scale * dual.START_DAMPING * np.sum(expected[37:] ** 2)
    held_back += damping * scale * np.sum(expected[:37] ** 2)
    shared = step.promised - damping * scale * np.sum(expected[:37] ** 2)
    assert decrease == pytest.approx(-gradient @ expected + held_back, rel=1e-6)
    assert shared == pytest.approx(-gradient @ expected, rel=1e-6)


def test_the_evidence_is_that_of_the_normal_equations():
    point, r, jacobian, _ = problem(states=False)
    decay = np.array([0.1, 0.3])
    found = DualEquations(point, r, jacobian, GROUPS).matrix
    assert isinstance(found, Gram)
    by_weights = GROUPS.evidence(point.x, jacobian.T @ jacobian, 0.5, decay, 100)
    by_residuals = GROUPS.evidence(point.x, found, 0.5, decay, 100)
    np.testing.assert_allclose(by_residuals.decay, by_weights.decay, rtol=1e-5)
    assert by_residuals.determined == pytest.approx(by_weights.determined, rel=1e-5)
    assert by_residuals.noise == pytest.approx(by_weights.noise, rel=1e-5)


def test_what_is_not_finite_is_seen():
    point, r, jacobian, spans = problem()
    jacobian[3, 4] = np.nan
    assert not DualEquations(point, r, jacobian, GROUPS, spans).finite


def test_sizes():
    assert most_residuals(4482) > 2000 and most_residuals(dual.MOST_WEIGHTS + 1) == 0
    assert min(problems.most_numbers(dual.FEWEST_WEIGHTS), problems.most_numbers(dual.FEWEST_WEIGHTS + 1)) > 2000


@pytest.fixture
def as_if_large(monkeypatch):
    """A small network takes the way of a large one."""
    for module in (beginning, dual, matching, polish, problems, stages):
        monkeypatch.setattr(module, "FEWEST_WEIGHTS", 50)


def test_a_large_network_is_fitted_to_the_noise(as_if_large):
    noise = 0.02
    data, truth = (
        nl.simulate(
            "van_der_pol", num_trajectories=3, t1=8.0, num=60, noise=size, relative_noise=True, key=jax.random.key(0)
        )
        for size in (noise, 0.0)
    )
    model = nl.NeuralODE(nl.MLPVectorField(2, 12, 1, key=jax.random.key(1)))
    result = nl.fit(model, data, validation=False)
    names = [stage.name for stage in result.stages]
    assert "shooting" not in names and names[-1] == "polish"
    errors = [(one.ys - true.ys) for one, true in zip(result.predict(data, start="fitted"), truth, strict=True)]
    scale = np.concatenate([true.ys for true in truth]).std(axis=0)
    assert np.sqrt(np.mean((np.concatenate(errors) / scale) ** 2)) < noise / 2
