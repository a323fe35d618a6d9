"""A fit that is stopped again and again, kept in a file in between, ends with the bits of one that was not."""

import jax
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting import given
from neuralode_lbfgs.fitting.basin import Basin
from neuralode_lbfgs.fitting.entry import Entry
from neuralode_lbfgs.fitting.journal import Journal, JournalError, history_array, history_of
from neuralode_lbfgs.optimise import Iteration
from neuralode_lbfgs.outputs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint


class Killed(BaseException):
    """As by kill -9: nothing of the fit sees it."""


@pytest.fixture(scope="module", autouse=True)
def _programs_are_compiled_once(tmp_path_factory):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("cache")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    yield
    jax.config.update("jax_compilation_cache_dir", None)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)


def fitted(data, model, **keywords):
    return nl.fit(model, data, max_evals=60, **keywords)


def bits(result):
    """All that a fit returns, but for seconds."""
    history = [[tuple(row._replace(seconds=0.0)) for row in stage.history] for stage in result.stages]
    leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(result.model) if isinstance(leaf, jax.Array)]
    starts = [start.tobytes() for start in result.starts.values()]
    counts = result.stop_reason, result.iterations, result.evaluations, result.notes
    return leaves, starts, history, counts, result.loss, result.initial_loss, result.noise


@pytest.mark.slow
def test_a_fit_stopped_three_times_ends_with_the_same_bits(tmp_path, monkeypatch):
    """Killed in two stages, each time after states of its own, and interrupted in a third."""
    monkeypatch.setattr(given, "basin_of", lambda course: Basin(np.inf, np.inf, 0.0))  # all stages
    data = nl.simulate("spiral_linear", num_trajectories=2, num=14, t1=3.0, noise=0.02, key=jax.random.key(0))
    model = nl.NeuralODE(nl.MLPVectorField(2, width_size=3, depth=1, key=jax.random.key(1)))
    loops = []  # the one under way, at each change of the journal
    whole = fitted(data, model, journal=Journal(keep=lambda entries: loops.append([e.name for e in entries][-1:])))
    assert [stage.name for stage in whole.stages] == ["matching", "shooting", "full", "polish"]
    path, done = tmp_path / "checkpoint.safetensors", 0
    write_checkpoint(path, Checkpoint("", [], 0.0))
    for stop in (loops.index(["shooting"]) + 1, loops.index(["full"]) + 1):
        left = iter(range(stop - done, -1, -1))

        def keep(entries, left=left):
            write_checkpoint(path, Checkpoint("", entries, 0.0))
            if next(left) == 0:
                raise Killed

        with pytest.raises(Killed):
            fitted(data, model, journal=Journal(read_checkpoint(path).entries, keep))
        done = stop

    def interrupt(event):
        if event.stage == "polish" and event.iteration > 1:
            raise KeyboardInterrupt

    stopped = Journal(read_checkpoint(path).entries, lambda entries: None)
    assert fitted(data, model, journal=stopped, callback=interrupt).stop_reason is nl.StopReason.INTERRUPTED
    assert not stopped.complete
    journal = Journal(stopped.entries, lambda entries: None)
    assert bits(fitted(data, model, journal=journal)) == bits(whole)
    assert journal.complete


def test_a_loop_that_was_cut_short_ends_the_journal():
    journal = Journal(keep=lambda entries: None)
    first, second = journal.loop("one"), journal.loop("two")
    first.keep(True, {"x": np.zeros(2)})
    assert journal.entries == []  # the first had not ended when the second began
    second.keep(True, {"x": np.zeros(2)})
    assert journal.entries == []
    assert not journal.complete


def test_what_a_loop_changes_beside_its_state_is_kept_with_it():
    kept = []
    journal = Journal(keep=lambda entries: kept.append(list(entries)))
    loop = journal.loop("one", also=lambda: {"counts": np.array([1, 2])})
    loop.keep(False, {"x": np.zeros(2)})
    assert kept[0] == []  # said when the first loop begins
    assert [(entry.name, entry.ended, set(entry.arrays)) for entry in kept[1]] == [("one", False, {"x", "counts"})]
    assert not loop.had_ended
    assert Journal(kept[1], lambda entries: None).loop("one").saved is not None


def test_a_number_is_computed_once():
    journal = Journal(keep=lambda entries: None)
    assert journal.value("error", lambda: 0.25) == 0.25
    again = Journal(journal.entries, lambda entries: None)
    assert again.value("error", lambda: 1 / 0) == 0.25
    assert again.complete


def test_a_journal_of_another_fit_is_refused():
    with pytest.raises(JournalError, match="did 'full' where this one does 'matching'"):
        Journal([Entry("full", True, {})], lambda entries: None).loop("matching")


def test_a_history_keeps_its_types():
    history = [Iteration(1, 2, 0.5, 1e-300, float("inf"), 0.1, 3, 4, 5)]
    assert history_of(history_array(history)) == history
    assert [type(a) for a in history_of(history_array(history))[0]] == [type(a) for a in history[0]]
    assert history_of(history_array([])) == []
