"""Many starts as one program: the same minima as one after another, each counted for itself."""

import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.optimise import LBFGS, StopReason, minimise, minimise_many


def rosenbrock(params, curvature):
    x = params["x"]
    # A wall, behind which some of the starts lie.
    inside = jnp.where(jnp.sum(x) < 40, 0.0, jnp.inf)
    return jnp.sum(curvature * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2) + inside


STARTS = [{"x": jnp.asarray(row), "name": "a"} for row in np.random.default_rng(0).normal(size=(7, 4))]
STARTS[3] = {"x": jnp.full(4, 20.0), "name": "a"}
CURVATURE = np.asarray(100.0)


@pytest.mark.parametrize("lanes", [1, 16])
def test_each_start_ends_where_it_would_alone(lanes):
    found = minimise_many(rosenbrock, STARTS, CURVATURE, lanes=lanes)
    for start, together in zip(STARTS, found, strict=True):
        alone = minimise(rosenbrock, start, CURVATURE)
        assert together.reason is alone.reason
        if alone.reason is StopReason.NONFINITE_START:
            np.testing.assert_array_equal(together.params["x"], start["x"])
            continue
        np.testing.assert_allclose(together.params["x"], alone.params["x"], atol=1e-6)
        # Sums in another order: not bit for bit, but the same way.
        assert abs(together.evaluations - alone.evaluations) <= 0.1 * alone.evaluations
        assert [row.iteration for row in together.history] == list(range(together.iterations + 1))
        assert together.history[-1].evaluations == together.evaluations
        assert together.params["name"] == "a"
    assert found[3].reason is StopReason.NONFINITE_START


def test_one_program_however_many_starts():
    traces = []

    def loss(x, target):
        traces.append(x)
        return jnp.sum((x - target) ** 2)

    found = minimise_many(loss, [jnp.full(2, float(i)) for i in range(9)], np.ones(2), lanes=2, max_iter=20)
    assert len(traces) == 1
    assert all(minimum.loss < 1e-12 for minimum in found)


def test_limits_hold_for_each_start():
    found = minimise_many(rosenbrock, STARTS[:3], CURVATURE, lanes=2, max_evals=9, optimizer=LBFGS(memory_size=5))
    assert [minimum.evaluations for minimum in found] == [9, 9, 9]
    assert {minimum.reason for minimum in found} == {StopReason.MAX_EVALS}


def test_what_cannot_be_run_is_refused():
    with pytest.raises(ValueError, match="at least one start and one lane"):
        minimise_many(rosenbrock, [], CURVATURE)
    with pytest.raises(ValueError, match="at least one start and one lane"):
        minimise_many(rosenbrock, STARTS, CURVATURE, lanes=0)
    with pytest.raises(TypeError, match="max_itr"):
        minimise_many(rosenbrock, STARTS, CURVATURE, max_itr=3)
