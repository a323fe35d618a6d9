"""The recipe of scripts/optax_recipe.py and the page that walks through it.

Compiling a line search around the gradient of an adaptive solve takes ten seconds and more, and six of them would be
needed here. So the solve is replaced by midpoint steps between the recorded times, which compile sooner and have nearly
the same answer; one test compares the two.
"""

import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
ITERATIONS = (
    150  # enough that the paths, which differ by chance, have come down: one may lead early by a factor of three
)

adaptive_solve = diffrax.diffeqsolve


def midpoint_solve(terms, solver, t0, t1, dt0, y0, *, saveat, **others):
    """What the recipe reads of `diffrax.diffeqsolve`, with one midpoint step between recorded times."""
    if "adjoint" in others:  # the data's own simulation, which needs no gradient
        return adaptive_solve(terms, solver, t0, t1, dt0, y0, saveat=saveat, **others)
    ts = saveat.subs.ts

    def step(y, times):
        t, h = times[0], times[1] - times[0]
        middle = y + h / 2 * terms.vector_field(t, y, None)
        y = y + h * terms.vector_field(t + h / 2, middle, None)
        return y, y

    ys = jax.lax.scan(step, y0, jnp.stack([ts[:-1], ts[1:]], axis=1))[1]
    return SimpleNamespace(ys=jnp.concatenate([y0[None], ys]))


@pytest.fixture(scope="module")
def recipe():
    """The script as a module, with the quick solve, in float64."""
    spec = importlib.util.spec_from_file_location("optax_recipe", ROOT / "scripts" / "optax_recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch, jax.enable_x64(True):
        patch.setitem(sys.modules, "optax_recipe", module)
        patch.setattr(diffrax, "diffeqsolve", midpoint_solve)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def problem(recipe):
    """Model, data as arrays, data."""
    data = recipe.measured_data()
    model = recipe.HybridODE(recipe.HybridField(jax.random.key(0)))
    return model, jnp.asarray(data[0].ts), jnp.asarray(data[0].ys), data


@pytest.fixture(scope="module")
def fits(recipe, problem):
    """The three versions, each run once, and how often each really called its model."""
    model, ts, ys, data = problem
    made = []

    class Counted(recipe.HybridODE):
        def __call__(self, ts, y0):
            jax.debug.callback(lambda: made.append(1))
            return super().__call__(ts, y0)

    def counted(fit, *arguments):
        made.clear()
        fitted = fit(Counted(model.vector_field), *arguments, ITERATIONS)
        jax.effects_barrier()
        return fitted, len(made)

    usual, usual_calls = counted(recipe.fit_as_usual, ts, ys)
    right, right_calls = counted(recipe.fit_with_optax, ts, ys)
    package, package_calls = counted(recipe.fit_with_package, data)
    return SimpleNamespace(usual=usual, right=right, package=package, calls=(usual_calls, right_calls, package_calls))


def test_quick_solve_is_the_adaptive_one(recipe, problem, monkeypatch):
    model, ts, ys, _ = problem
    quick = model(ts, ys[0])
    monkeypatch.setattr(diffrax, "diffeqsolve", adaptive_solve)
    np.testing.assert_allclose(quick, recipe.prepared(model)(ts, ys[0]), atol=2e-2)


def test_usual_version_compiles_twice_and_done_right_once(fits):
    assert fits.usual.traces == 2
    assert fits.right.traces == 1


def test_done_right_needs_fewer_evaluations(fits):
    assert fits.usual.iterations == fits.right.iterations == ITERATIONS
    assert fits.right.evaluations < fits.usual.evaluations
    assert fits.usual.repeated == ITERATIONS - 1
    assert fits.right.repeated == 0


def test_evaluations_are_those_that_were_made(fits):
    assert fits.calls == (fits.usual.evaluations, fits.right.evaluations, fits.package.evaluations)


def test_no_version_ends_above_the_usual_one(recipe, problem, fits):
    data = problem[-1]
    usual = recipe.tight_loss(fits.usual.model, data)
    start = recipe.tight_loss(problem[0], data)
    assert usual < 1e-2 * start
    # A different memory, and so a different path: by a factor of two either may be ahead at any one iteration.
    assert recipe.tight_loss(fits.right.model, data) < 2 * usual
    assert recipe.tight_loss(fits.package.model, data) < 2 * usual


def test_fits_say_why_they_ended(fits):
    assert fits.usual.stopped.startswith("never")
    assert "limit" in fits.right.stopped
    assert "iteration limit" in fits.package.stopped


def test_best_point_is_returned(recipe, problem, fits):
    _, ts, ys, _ = problem
    np.testing.assert_allclose(recipe.loss_fn(fits.right.model, ts, ys), fits.right.loss, rtol=1e-8)
    np.testing.assert_allclose(recipe.loss_fn(fits.package.model, ts, ys), fits.package.loss, rtol=1e-8)


class Line(eqx.Module):
    slope: jax.Array

    def __call__(self, ts, y0):
        return y0 + self.slope * ts[:, None]


def test_start_that_is_not_finite_ends_at_once(recipe, problem):
    _, ts, ys, _ = problem
    fit = recipe.fit_with_optax(Line(jnp.ones(1)), ts, ys.at[3].set(jnp.inf), 5)
    assert fit.iterations == 1
    assert fit.stopped == "the loss is not finite at the start"


def test_small_gradient_ends_the_fit(recipe, problem):
    _, ts, _, _ = problem
    fit = recipe.fit_with_optax(Line(jnp.ones(1)), ts, 1 + 2 * ts[:, None], 20)
    assert fit.iterations < 20
    assert fit.stopped == "the gradient is below gtol"
    np.testing.assert_allclose(fit.model.slope, 2.0, rtol=1e-6)


def test_prepared_solver_suits_the_precision(recipe, problem):
    model = problem[0]
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, model)
    assert recipe.prepared(model).rtol == 1e-6
    assert recipe.prepared(single).rtol == 1e-5
    assert not recipe.prepared(model).throw


@pytest.mark.parametrize("arguments", [["--iterations", "5"], ["--variants"], ["--float32"]])
def test_main_prints_a_table_of_eighty_columns(recipe, fits, monkeypatch, capsys, arguments):
    for name, fit in {"as_usual": fits.usual, "with_optax": fits.right, "with_package": fits.package}.items():
        monkeypatch.setattr(recipe, f"fit_{name}", lambda *_, fit=fit, **__: fit)
    monkeypatch.setattr(recipe, "tight_loss", lambda *_: 1e-6)
    assert recipe.main(arguments) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "scheduled" in printed if "--variants" in arguments else "the package" in printed


def test_page_runs(recipe):
    """The Python blocks of the page, in order, in one namespace."""
    page = (ROOT / "docs" / "optax_recipe.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    namespace: dict = {"__name__": "page"}
    sys.modules["page"] = SimpleNamespace()  # pyright: ignore[reportArgumentType]
    try:
        for block in blocks:
            exec(compile(block, "docs/optax_recipe.md", "exec"), namespace)
    finally:
        del sys.modules["page"]
    assert namespace["result"].loss < 1e-3
    assert namespace["best"] < 1e-3


def test_no_iterations_are_refused_in_a_sentence(recipe, capsys):
    with pytest.raises(SystemExit):
        recipe.main(["--iterations", "0"])
    assert capsys.readouterr().err.endswith("--iterations must be at least 1; it is 0.\n")
