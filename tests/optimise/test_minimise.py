"""The front door: pytrees, chunks, resuming, changing data, callbacks, and other optimisers."""

import doctest
import itertools
import sys
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neuralode_lbfgs.optimise import LBFGS, Minimiser, Optax, StopReason, minimise


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


START = -jnp.ones(6)


@pytest.fixture(scope="module")
def minimiser():
    return Minimiser(rosenbrock, START)


def same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_the_example_of_the_docstring():
    module = sys.modules[minimise.__module__]
    assert doctest.testmod(module) == (0, 8)


def test_the_length_of_chunks_changes_nothing(minimiser):
    whole = minimiser.run(START, chunk_evals=100_000)
    for chunk_evals in (1, 7):
        pieces = minimiser.run(START, chunk_evals=chunk_evals)
        same(pieces.params, whole.params)
        assert [row[:5] for row in pieces.history] == [row[:5] for row in whole.history]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "optimizer",
    [
        LBFGS(memory_size=5),
        LBFGS(memory_size=5, line_search="backtracking"),
        Optax(optax.adam(0.1), lambda key, args: (jax.random.choice(key, args[0], (3,)),)),
    ],
    ids=["wolfe", "backtracking", "adam on mini-batches"],
)  # fmt: skip
def test_a_run_saved_at_any_evaluation_and_taken_up_again_is_the_run_bit_for_bit(optimizer, dtype, tmp_path):
    """Through a file, by a program compiled anew, from the first evaluation to the last but one."""

    def loss(x, offsets):
        return rosenbrock(x) + jnp.sum((x[0] - offsets) ** 2)

    start, offsets = jnp.asarray(START, dtype), np.linspace(-1, 1, 6, dtype=dtype)
    before, after = Minimiser(loss, start, optimizer), Minimiser(loss, start, optimizer)
    limits: dict[str, Any] = {"max_iter": 40, "chunk_evals": 7}
    whole = before.run(start, offsets, **limits)
    for cut in range(1, whole.evaluations):
        first = before.run(start, offsets, max_evals=cut, **limits)
        assert (first.reason, first.evaluations) == (StopReason.MAX_EVALS, cut)
        leaves, structure = jax.tree.flatten(first.state)
        np.savez(tmp_path / "state.npz", *leaves)
        with np.load(tmp_path / "state.npz") as saved:
            loaded = structure.unflatten([jnp.asarray(saved[f"arr_{i}"]) for i in range(len(leaves))])
        nothing = after.run(start, offsets, state=loaded, max_evals=cut)
        assert (nothing.reason, nothing.evaluations) == (StopReason.MAX_EVALS, cut)
        second = after.run(start, offsets, state=loaded, **limits)
        assert second.reason is whole.reason
        same(second.params, whole.params)
        assert [row._replace(seconds=0) for row in first.history + second.history] == [
            row._replace(seconds=0) for row in whole.history
        ]
        same(without_buffer(second.state), without_buffer(whole.state))


def without_buffer(state):
    """All but the rows of the chunk at hand, whose beginning the cut has moved."""
    return eqx.tree_at(
        lambda s: (s.progress.rows, s.progress.row_count, s.progress.chunk_evaluations), state, (0, 0, 0)
    )


def test_a_saved_state_is_read_back_by_equinox(minimiser, tmp_path):
    whole, first = minimiser.run(START), minimiser.run(START, max_evals=10)
    eqx.tree_serialise_leaves(tmp_path / "state.eqx", first.state)
    loaded = eqx.tree_deserialise_leaves(tmp_path / "state.eqx", minimiser.init(START))
    same(loaded, first.state)
    same(minimiser.run(START, state=loaded).params, whole.params)


def test_the_history_tells_every_iteration_and_the_callback_sees_it_grow(minimiser):
    lengths = []
    found = minimiser.run(START, chunk_evals=10, callback=lambda history: lengths.append(len(history)))
    assert lengths == sorted(lengths)
    assert lengths[-1] == len(found.history) == found.iterations + 1
    assert [row.iteration for row in found.history] == list(range(found.iterations + 1))
    assert found.history[0].loss == float(rosenbrock(START))
    assert found.history[-1].loss == pytest.approx(found.loss)
    assert found.history[-1].evaluations == found.evaluations
    # Each direction is formed from the pairs before it: none of them is skipped on this smooth function.
    assert [row.pairs for row in found.history[1:]] == [min(i, 50) for i in range(found.iterations)]
    assert (found.history[-1].skipped, found.history[-1].restarts) == (0, 0)
    seconds = [row.seconds for row in found.history]
    assert seconds == sorted(seconds)


def test_the_best_of_all_evaluated_points_is_returned(minimiser):
    """Also when the evaluations run out in the middle of a line search."""
    value = jax.jit(rosenbrock)
    losses = [minimiser.run(START, max_evals=n) for n in range(1, 30)]
    assert all(a.loss >= b.loss for a, b in itertools.pairwise(losses))
    assert all(found.loss == pytest.approx(float(value(found.params))) for found in losses)


def test_interrupted_runs_keep_the_best_point(minimiser):
    def interrupt(history):
        if len(history) > 10:
            raise KeyboardInterrupt

    found = minimiser.run(START, chunk_evals=5, callback=interrupt)
    assert found.reason is StopReason.INTERRUPTED
    assert found.loss == min(row.loss for row in found.history)


def distance(x, target):
    return jnp.sum((x - target) ** 2) + jnp.sum((x - target) ** 4)


def test_new_data_between_chunks_are_evaluated_anew():
    targets = iter([np.full(3, 1.5), np.full(3, 2.0)])
    seen = []

    def between(best, args):
        seen.append(np.asarray(best))
        new = next(targets, None)
        return None if new is None else (new,)

    minimiser = Minimiser(distance, jnp.zeros(3))
    found = minimiser.run(jnp.zeros(3), np.ones(3), chunk_evals=4, between=between)
    np.testing.assert_allclose(found.params, 2.0, atol=1e-6)
    assert len(seen) >= 3
    assert minimiser.chunk.compiles == 1


def test_data_that_are_always_new_do_not_keep_a_finished_run_going():
    calls = []

    def between(best, args):
        calls.append(best)
        return args

    found = minimise(rosenbrock_from, START, np.asarray(1.0), between=between, gtol=0.0, ftol=1e-2)
    assert found.reason in (StopReason.DECREASE, StopReason.SEARCH_FAILED)
    assert len(calls) < 6
    assert found.evaluations < 200


def rosenbrock_from(x, scale):
    return 1 + scale * rosenbrock(x)


@pytest.mark.parametrize("changing", [False, True])
def test_a_run_goes_on_from_any_pause_to_the_same_bits(changing):
    """Also where the data change between chunks, up to a certain point."""

    def between(best, args):
        scale = float(args[0])
        return (np.asarray(min(scale + 0.25, 2.0)),) if changing and scale < 2 else None

    minimiser, pauses = Minimiser(rosenbrock_from, START, LBFGS(memory_size=5)), []
    at, data = [np.asarray(1.0)], []

    def watched(best, args):
        new = between(best, args)
        at[:] = args if new is None else new
        return new

    def pause(paused):
        pauses.append(paused._replace(history=list(paused.history)))
        data.append(np.asarray(at[0]))

    limits: dict[str, Any] = {"chunk_evals": 9, "max_iter": 60}
    whole = minimiser.run(START, np.asarray(1.0), between=watched, pause=pause, **limits)
    assert pauses[-1].reason is whole.reason
    assert len(pauses) > 4
    for paused, scale in zip(pauses, data, strict=True):
        again = minimiser.run(START, scale, between=between, paused=paused, **limits)
        same(again.params, whole.params)
        assert (again.loss, again.reason, again.evaluations) == (whole.loss, whole.reason, whole.evaluations)
        assert [row._replace(seconds=0) for row in again.history] == [row._replace(seconds=0) for row in whole.history]


def test_a_run_interrupted_after_its_data_changed_still_knows_its_loss():
    def interrupt(history):
        raise KeyboardInterrupt

    minimiser = Minimiser(rosenbrock_from, START)
    found = minimiser.run(
        START, np.asarray(1.0), chunk_evals=9, between=lambda best, args: (np.asarray(2.0),), callback=interrupt
    )
    assert found.reason is StopReason.INTERRUPTED
    assert found.loss == min(row.loss for row in found.history)


@pytest.mark.parametrize(
    "transformation, max_iter, bound",
    [
        (optax.adam(0.1), 400, 1e-2),
        (optax.adam(optax.cosine_decay_schedule(0.2, 400)), 400, 1e-2),
        (optax.lbfgs(), 60, 1e-8),
    ],
    ids=["adam", "adam with a schedule", "optax's lbfgs"],
)  # fmt: skip
def test_optax_behind_the_same_door(transformation, max_iter, bound):
    minimiser = Minimiser(distance, jnp.zeros(3), Optax(transformation))
    found = minimiser.run(jnp.zeros(3), np.arange(3.0), max_iter=max_iter, chunk_evals=50)
    assert found.loss < bound
    assert found.loss == min(row.loss for row in found.history)
    assert minimiser.chunk.compiles == 1


def test_adam_may_rise_without_being_stopped_and_ends_when_it_no_longer_improves():
    found = minimise(lambda x: jnp.sum(jnp.abs(x)), jnp.full(2, 0.5), optimizer=Optax(optax.adam(0.1), patience=50))
    losses = [row.loss for row in found.history]
    assert any(b > a for a, b in itertools.pairwise(losses))
    assert found.reason is StopReason.DECREASE
    assert found.loss == min(losses)


def test_a_learning_rate_that_diverges_is_said():
    found = minimise(distance, jnp.zeros(3), np.ones(3), optimizer=Optax(optax.sgd(10.0)))
    assert found.reason is StopReason.DIVERGED
    assert found.loss <= float(distance(jnp.zeros(3), np.ones(3)))


def test_mini_batches_return_the_latest_point():
    data = np.random.default_rng(0).normal(3.0, 1.0, size=(64, 2))

    def sample(key, args):
        return (jax.random.choice(key, args[0], (8,)),)

    found = minimise(
        lambda x, rows: jnp.mean((rows - x) ** 2), jnp.zeros(2), data,
        optimizer=Optax(optax.adam(optax.exponential_decay(0.3, 100, 0.1)), sample), max_iter=300,
    )  # fmt: skip
    assert found.reason is StopReason.MAX_ITER
    np.testing.assert_allclose(found.params, data.mean(axis=0), atol=0.2)


def test_a_module_is_minimised():
    class Line(eqx.Module):
        slope: jax.Array
        offset: float

    x = np.linspace(0, 1, 5)
    found = minimise(
        lambda line, x, y: jnp.mean((line.slope * x + line.offset - y) ** 2), Line(jnp.zeros(()), 1.0), x, 2 * x + 1,
        optimizer=LBFGS(memory_size=3),
    )  # fmt: skip
    assert float(found.params.slope) == pytest.approx(2.0)
