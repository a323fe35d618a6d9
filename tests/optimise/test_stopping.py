"""Limits, and the reasons that a run can end for; hostile objectives are in test_hostile."""

import sys

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neuralode_lbfgs.optimise import LBFGS, Minimiser, Optax, StopReason, minimise


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_pairs_that_bend_downward_are_skipped_and_counted():
    """A long way over a hill, where the curvature is negative, before the valley."""
    found = minimise(
        lambda x: jnp.sum(jnp.cos(x) + 0.01 * (x - 3.0) ** 2),
        jnp.asarray([0.3]),
        optimizer=LBFGS(line_search="backtracking"),
    )
    assert found.history[-1].skipped > 0
    assert found.loss < -0.9


def test_limits():
    start = -jnp.ones(4)
    run = Minimiser(rosenbrock, start).run
    by_iterations = run(start, max_iter=7)
    assert (by_iterations.reason, by_iterations.iterations) == (StopReason.MAX_ITER, 7)
    by_evaluations = run(start, max_evals=9)
    assert (by_evaluations.reason, by_evaluations.evaluations) == (StopReason.MAX_EVALS, 9)
    by_time = run(start, time_limit=0.0, chunk_evals=4)
    assert (by_time.reason, by_time.evaluations) == (StopReason.TIME_LIMIT, 1)
    flat = run(start, ftol=0.5, patience=2)
    assert flat.reason is StopReason.DECREASE
    last = [row.loss for row in flat.history[-3:]]
    assert last[0] - last[1] <= 0.5 * last[0]
    assert last[1] - last[2] <= 0.5 * last[1]


@pytest.mark.parametrize("optimizer", [LBFGS(), Optax(optax.adam(0.05))], ids=["lbfgs", "adam"])
def test_how_often_the_host_looks_changes_no_bit(optimizer, monkeypatch):
    """Slow losses are run in pieces by the clock, and what is done between chunks waits for the end of these."""
    start, seen = -jnp.ones(4), []
    minimiser = Minimiser(lambda x, scale: scale * rosenbrock(x), start, optimizer)
    for look in (0.0, 1e9):
        monkeypatch.setattr(sys.modules["neuralode_lbfgs.optimise.minimise"], "LOOK", look)
        told, changed, scale = [], [], iter([2.0, 1.0])

        def between(best, args, changed=changed, scale=scale):
            changed.append(np.asarray(best))
            new = next(scale, None)
            return None if new is None else (jnp.asarray(new),)

        found = minimiser.run(
            start,
            jnp.asarray(1.0),
            max_evals=300,
            chunk_evals=70,
            between=between,
            callback=told.append,
        )
        losses = [row.loss for row in found.history]
        seen.append((np.asarray(found.params).tobytes(), losses, [x.tobytes() for x in changed], found.evaluations))
        assert len(told) == found.evaluations if look == 0.0 else len(told) < 15
    assert seen[0] == seen[1]


def test_every_reason_has_its_own_number_and_sentence():
    assert len({reason.code for reason in StopReason}) == len(StopReason)
    assert all(StopReason.from_code(reason.code) is reason for reason in StopReason)
    assert all(len(reason.sentence) > 10 for reason in StopReason)
    assert all(reason.sentence.startswith(reason.ending) for reason in StopReason)
    assert StopReason.MAX_ITER.ending == "the iteration limit was reached"
