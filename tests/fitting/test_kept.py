"""What a checkpoint holds is taken only if a fit could have kept it: a forged one has a checksum that is right."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.data import Trajectories, Trajectory
from neuralode_lbfgs.fitting.entry import Entry, JournalError
from neuralode_lbfgs.fitting.journal import Journal
from neuralode_lbfgs.fitting.kept import numbers
from neuralode_lbfgs.fitting.mesh import Mesher
from neuralode_lbfgs.models import Coordinates, Tableau
from neuralode_lbfgs.optimise import LBFGS, Minimiser, StopReason

PARAMS = jnp.zeros(3)


@pytest.fixture(scope="module")
def minimiser():
    return Minimiser(lambda x: jnp.sum((x - 1) ** 2), PARAMS, LBFGS(memory_size=3))


@pytest.fixture(scope="module")
def on_its_way(minimiser):
    """What is kept of a loop that has not ended."""
    kept = []
    loop = Journal(keep=lambda entries: kept.append(list(entries))).loop("full")
    minimiser.run(PARAMS, max_evals=4, chunk_evals=2, **loop.of(minimiser, PARAMS))
    return next(entries[0] for entries in kept if entries)


@pytest.fixture
def mesher():
    ts = np.arange(6.0)
    data = Trajectories((Trajectory("a", ts, ts[:, None]), Trajectory("b", ts, ts[:, None])))
    return Mesher(data, Coordinates.identity(1), Tableau(diffrax.Tsit5()), np.float64)


def taken(minimiser, entry):
    return Journal([entry], lambda entries: None).loop("full").of(minimiser, PARAMS)["paused"]


def test_what_was_kept_is_taken(minimiser, on_its_way):
    paused = taken(minimiser, on_its_way)
    assert paused.reason is StopReason.RUNNING
    assert len(paused.history) == len(on_its_way.arrays["history"]) > 0


@pytest.mark.parametrize(
    "name, value",
    [
        ("iterations", -1),
        ("iterations", 2**31 - 1),  # one more is less than none
        ("row_count", -5),
        ("reason", 99),
        ("reason", 2),  # it has not ended
        ("best_x", np.nan),
    ],
)
def test_a_state_that_no_run_leaves_is_refused(minimiser, on_its_way, name, value):
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(minimiser.init(PARAMS))[0]]
    key = next(f"state.{i}" for i, path in enumerate(paths) if jax.tree_util.keystr(path) == f".progress.{name}")
    changed = np.full_like(on_its_way.arrays[key], value)
    with pytest.raises(JournalError, match="'full' is not what this fit would have kept"):
        taken(minimiser, on_its_way._replace(arrays={**on_its_way.arrays, key: changed}))


@pytest.mark.parametrize(
    "name, value",
    [
        ("numbers", np.array([0.0, 1.0])),
        ("numbers", np.array([0.0, 1.0, np.nan])),
        ("numbers", np.array([1.0, 1.0, 0.0])),
        ("seconds", np.array([0.0, np.inf])),
        ("seconds", np.array([0, 1])),
        ("history", np.full((2, 9), -1.0)),
        ("history", None),
    ],
)
def test_numbers_beside_the_state_that_no_run_leaves_are_refused(minimiser, on_its_way, name, value):
    with pytest.raises(JournalError, match=f"'{name}' of 'full'"):
        taken(minimiser, on_its_way._replace(arrays={**on_its_way.arrays, name: value}))


def test_a_mesh_is_taken_up_again(mesher):
    before = mesher.kept()
    mesher.take([np.full(5, 9), np.full(5, 3)])
    kept = Entry("full", False, mesher.kept())
    mesher.restore(Entry("full", False, before))
    mesher.restore(kept)
    assert [count.tolist() for count in mesher.counts] == [[9] * 5, [3] * 5]
    assert mesher.kept()["mesh.shape"].tolist() == kept.arrays["mesh.shape"].tolist()


@pytest.mark.parametrize(
    "counts, shape",
    [
        (np.ones(9, int), (2, 16)),  # of other data
        (np.zeros(10, int), (2, 16)),
        (np.full(10, -1), (2, 16)),
        (np.full(10, 10**9), (2, 16)),  # would not fit into memory
        (np.ones(10, int), (10**6, 10**6)),
        (np.ones(10, int), (1, 10**9)),
        (np.ones(10, int), (-2, -16)),
        (np.ones(10, int), (1, 8)),  # too small for the steps
        (np.ones(10), (2, 16)),
    ],
)
def test_a_mesh_that_no_fit_chooses_is_refused(mesher, counts, shape):
    before = mesher.kept()
    with pytest.raises(JournalError, match=r"'mesh\.(counts|shape)' of 'full'"):
        mesher.restore(Entry("full", False, {"mesh.counts": counts, "mesh.shape": np.array(shape)}))
    assert np.array_equal(mesher.kept()["mesh.counts"], before["mesh.counts"])


def test_shapes_may_be_open_and_bounds_are_kept():
    entry = Entry("one", True, {"a": np.array([[1.0, 2.0]]), "n": np.array([np.nan])})
    assert numbers(entry, "a", None, 2).shape == (1, 2)
    assert np.isnan(numbers(entry, "n", 1, finite=False)).all()
    for name, shape, least in (("a", (2,), 0.0), ("a", (None, 2), 1.5), ("n", (1,), 0.0), ("b", (), 0.0)):
        with pytest.raises(JournalError, match=f"'{name}' of 'one'"):
            numbers(entry, name, *shape, least=least)
