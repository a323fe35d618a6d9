"""Programs by shape, and what is kept of them for other processes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.compiling import Compiled, compile_seconds, shelf
from neuralode_lbfgs.models import MLPVectorField, NeuralODE, Split, trainable


def scaled(scale, x):
    return scale * x, (x.sum(), None)


def test_held_arrays_are_arguments_and_every_shape_is_compiled_once():
    program, before = Compiled(scaled, np.array(2.0)), compile_seconds()
    for x in (np.arange(3.0), np.ones(3), np.arange(3.0), np.ones((2, 2))):
        twice, (total, nothing) = program(x)
        np.testing.assert_array_equal(twice, 2 * x)
        assert float(total) == x.sum() and nothing is None
    assert program.compiles == 2 and program.seconds > 0
    assert compile_seconds() - before == pytest.approx(program.seconds)
    constants = jax.make_jaxpr(lambda x: Compiled(scaled, np.array(2.0)).plain(x))(np.ones(3)).consts
    assert all(np.ndim(constant) == 0 for constant in constants)


def test_what_is_no_array_is_part_of_the_program():
    program = Compiled(lambda activation, x: activation(x))
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(program(jnp.tanh, x), np.tanh(x))
    np.testing.assert_allclose(program(jnp.sin, x), np.sin(x))
    assert program.compiles == 2


def test_few_programs_are_kept(monkeypatch):
    monkeypatch.setattr("neuralode_lbfgs.compiling.compiled.MOST_KEPT", 2)
    program = Compiled(lambda x: x + 1)
    for size in (1, 2, 3, 3, 1):
        program(np.zeros(size))
    assert program.compiles == 4  # that of size 1 had been given up


@pytest.fixture
def folder(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / shelf.FOLDER
    jax.config.update("jax_compilation_cache_dir", None)


def of_model(split, x):
    return split.whole(x).rate(0.0, jnp.ones(2), None)


def model(seed=0, **options):
    return NeuralODE(MLPVectorField(2, 4, 1, key=jax.random.key(seed), **options))


def traces(function, arguments):
    """What a function of arrays gives, and how often it was traced."""
    times = []

    def counted(*arrays):
        times.append(1)
        return function(*arrays)

    arrays = [np.asarray(a) for a in arguments]
    flat, outline = shelf.traced(function, counted, ((), tuple(arrays)), arrays)
    return outline(flat.lower(*arrays).compile()(*arrays), ((), tuple(arrays))), len(times)


def test_another_process_would_not_trace_again(folder):
    x = np.linspace(0, 1, 4)
    first, second = traces(jnp.tanh, [x]), traces(jnp.tanh, [x + 1])
    assert (first[1], second[1]) == (1, 0) and len(list(folder.iterdir())) == 1
    np.testing.assert_allclose(first[0], np.tanh(x))
    np.testing.assert_allclose(second[0], np.tanh(x + 1))
    assert traces(jnp.tanh, [np.zeros(5)])[1] == 1  # another shape
    assert traces(jnp.sinh, [x])[1] == 1  # another function
    assert len(list(folder.iterdir())) == 3


def test_results_come_in_the_shape_they_had(folder):
    (whole, part), again = traces(jnp.divmod, [np.array([7.0]), np.array([2.0])])
    assert (float(whole[0]), float(part[0]), again) == (3.0, 1.0, 1)
    (whole, part), again = traces(jnp.divmod, [np.array([9.0]), np.array([2.0])])
    assert (float(whole[0]), float(part[0]), again) == (4.0, 1.0, 0)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-1], lambda b: b[:40] + b"x" + b[41:], lambda b: b * 2])
def test_a_damaged_file_is_traced_anew(folder, damage):
    x = np.ones(3)
    traces(jnp.tanh, [x])
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert traces(jnp.tanh, [x])[1] == 1
    assert traces(jnp.tanh, [x])[1] == 0


def test_a_folder_that_cannot_be_written_does_no_harm(folder):
    folder.parent.rmdir()
    folder.parent.write_text("no folder")
    value, times = traces(jnp.tanh, [np.ones(3)])
    assert times == 1
    np.testing.assert_allclose(value, np.tanh(1.0))


def test_a_callback_is_compiled_but_not_kept(folder):
    class Here:
        pass

    def talks(x):
        jax.debug.callback(lambda _: None, x)
        return x + 1

    talks.__module__, talks.__qualname__ = jnp.tanh.__module__, "tanh"  # even where it had a name
    assert float(Compiled(talks)(np.ones(()))) == 2.0
    assert not folder.exists() or not list(folder.iterdir())


def test_models_of_other_numbers_share_what_is_kept(folder):
    from neuralode_lbfgs.fitting.pieces import _whole
    from neuralode_lbfgs.models import Mesh, Tableau

    mesh = Mesh(np.zeros((1, 8)), np.full((1, 8), 0.1), np.r_[[[0, *[-1] * 7]]].astype(np.int32), None)

    def solved(seed):
        split = Split(*trainable(model(seed)))
        program = Compiled(_whole, split, Tableau(model().solver))
        return program(split.vector, mesh, np.ones((1, 2)))

    one, other = solved(0), solved(1)
    assert len(list(folder.iterdir())) == 1
    assert np.abs(np.asarray(one) - np.asarray(other)).max() > 1e-6
    jax.config.update("jax_compilation_cache_dir", None)
    np.testing.assert_array_equal(one, solved(0))
