"""The published fits of scripts/benchmark.py: data and losses against second implementations, counts, the table."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.fitting.record import Progressed

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def module(name):
    """A module of scripts/; only while it is imported is the folder on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        return importlib.import_module(name)


case, cases, known_law, peers, runner, report, standard, truth, universal = (
    module(f"benchmarks.published.{name}")
    for name in ("case", "cases", "known_law", "peers", "runner", "report", "standard", "truth", "universal")
)
benchmark = module("benchmark")


def test_an_outcome_is_json():
    outcome = case.Outcome(0.5, 3, None, {"starts": np.int64(2), "error": np.float64(0.25)}, 1.0, 2.0, "decrease")
    assert json.loads(json.dumps(outcome.row()))["figures"] == {"starts": 2.0, "error": 0.25}


@pytest.mark.parametrize(("noise", "floor"), [("0.005", 1.138e-3), ("0.05", 8.54e-2)])
def test_the_noise_of_scenario_1_is_the_known_one(noise, floor):
    (data,) = universal.table(f"scenario_1_noise_{noise}")
    states = truth.accurate(truth.lotka_volterra, universal.START, data.ts)
    assert np.sum((data.ys - states) ** 2) == pytest.approx(floor, rel=2e-3)


def test_the_loss_of_scenario_2_is_the_published_one():
    data = universal.windows("scenario_2_noise_0.01")
    model = universal.model(0, unknown=("death",))
    ts, ys = case.stacked(data)

    class Line:  # a model whose runs are known
        vector_field = model.vector_field

        def __call__(self, ts, y0, throw):
            return y0 * (1 + ts[:, None])

    total = 0.0
    for window in ys:
        run = window[0] * (1 + ts[:, None])
        total += sum((run[i, 0] - window[i, 0]) ** 2 for i in range(len(ts))) + abs(run[-1, 1] - window[-1, 1])
    layers = model.vector_field.network.layers
    weights = np.concatenate([np.asarray(leaf).ravel() for layer in layers for leaf in (layer.weight, layer.bias)])
    assert weights.size == 87 and len(data) == 5
    assert np.isnan(ys[:, 1:-1, 1]).all() and np.isfinite(ys[..., 0]).all()
    total += 1e-3 * np.sum(weights**2) / 87
    assert float(universal.scenario_2_loss(Line(), jnp.asarray(ts), jnp.asarray(ys))) == pytest.approx(total, rel=1e-6)


def test_matching_solves_nothing_and_is_not_counted():
    def stage(name, *counts):
        return SimpleNamespace(name=name, history=[SimpleNamespace(evaluations=n) for n in counts])

    result = SimpleNamespace(stages=[stage("matching", 4, 50), stage("shooting", 4, 9)], evaluations=80)
    assert case.evaluations_of(result) == 30


def test_a_fit_ends_at_the_target():
    stop = case.until(0.04, 2.0)
    assert stop(Progressed("shooting", 1, 5, 1e-9, 0.1)) is None  # the loss of pieces is another
    assert stop(Progressed("polish", 1, 5, 0.02, 0.1)) is None  # too near to be sure
    with pytest.raises(KeyboardInterrupt):
        stop(Progressed("polish", 2, 8, 0.0195, 0.1))


@pytest.mark.slow
def test_a_fit_is_counted_and_judged():
    exact = nl.simulate("spiral_linear", num=12, t1=2.0, key=jax.random.key(0))
    tiny = case.Case(
        name="tiny",
        heading="a spiral",
        published="",
        target=1e-4,
        data=lambda seed: exact,
        model=lambda seed: nl.NeuralODE(nl.MLPVectorField(2, 4, 1, key=jax.random.key(seed))),
        loss=case.mean_square,
        options={"stages": ("matching", "polish"), "max_evals": 12, "weight_decay": 0.0, "initial_states": "data"},
        scale=lambda data: 1.0,
    )
    row = tiny.fit(0).row()
    assert json.loads(json.dumps(row)) == row
    assert 0 < row["evaluations"] <= 14 and row["total_s"] > row["compile_s"] > 0
    assert 0 < row["loss"] < 0.01
    assert row["to_target"] == (row["evaluations"] if row["loss"] <= 1e-4 else None)
    problem = case.as_problem(tiny, 0)
    assert 0.01 < float(problem.value(problem.start, *problem.data)) < 10


def test_a_program_is_given_data_and_first_weights():
    known = peers.described(cases.CASES["scenario_1_0.05"], 3)
    (data,) = universal.table("scenario_1_noise_0.05")
    np.testing.assert_array_equal(known["ys"][0], data.ys)
    np.testing.assert_array_equal(known["linear"], [1.3, -1.8])
    assert known["sum"] and known["bell"] and not known["cubed"] and known["weight_3"].shape == (2, 5)
    x = data.ys[0]
    for layer in range(4):
        x = known[f"weight_{layer}"] @ x + known[f"bias_{layer}"]
        x = np.exp(-(x**2)) if layer < 3 else x
    field = universal.model(3).vector_field
    np.testing.assert_allclose(field(0.0, jnp.asarray(data.ys[0]), None), known["linear"] * data.ys[0] + x, rtol=1e-5)


def row(name, who, seed, **others):
    return {
        "case": name, "who": who, "seed": seed, "loss": 9e-4, "evaluations": 60, "to_target": 20 + seed,
        "figures": {}, "compile_s": 3.0, "total_s": 5.0, "stopped": "decrease", **others,
    }  # fmt: skip


def test_the_table_shows_ours_and_the_peers(monkeypatch, capsys, tmp_path):
    def measured(name, who, seed, python):
        if who == "torchdiffeq":
            return {"case": name, "who": who, "seed": seed, "error": "no memory"}
        return row(name, who, seed, to_target=None if who == "scipy" else 20 + 100 * seed)

    monkeypatch.setattr(runner, "measured", measured)
    monkeypatch.setattr(runner, "missing", lambda peer, python: "No module" if peer == "catalax" else None)
    arguments = ["published", "--cases", "scenario_1_0.005", "--seeds", "3", "--json", str(tmp_path / "found.json")]
    assert benchmark.main([*arguments, "--peers", "scipy", "torchdiffeq", "catalax"]) == 0
    printed = capsys.readouterr()
    ours, scipy, torch = printed.out.splitlines()[2:5]
    assert "| `fit` | 3 | 0.0009 (0.0009 to 0.0009) | 120 (20 to 220), 3 of 3 | 2 of 3 |" in ours
    assert "| SciPy L-BFGS-B | 1 | 0.0009 |  |" in scipy and "failed: no memory" in torch
    assert "Left out: catalax: No module." in printed.out
    assert "UDE scenario 1, noise 0.5 %: the published loss: published 0.0009941 after 1097" in printed.out
    assert len(json.loads((tmp_path / "found.json").read_text())["rows"]) == 5
    assert "scenario_1_0.005, seed 2, ours: loss 0.0009" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "scenario_1"], "there is no case 'scenario_1'"),
        (["--peers", "torch"], "there is no peer 'torch'"),
        (["--python", "catalax"], "--python takes PEER=FILE"),
        (["--python", "catalax=/nowhere/python"], "there is no program /nowhere/python"),
        (["--seeds", "0"], "seeds must be at least 1"),
    ],
)
def test_what_cannot_be_run_is_said(arguments, message, capsys):
    assert benchmark.main(["published", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_every_case_can_be_built():
    for name, one in cases.CASES.items():
        assert one.name == name and set(one.peers) <= set(peers.PEERS)
        model = one.model(0)
        size = model.state_size if model.is_scaled else None
        assert callable(model.vector_field) and (size is None or size > 0)


def test_the_true_law_is_fitted_to_data_without_noise():
    data = standard.lotka_volterra(0, noise=0.0)
    starts = np.stack([run.ys[0] for run in data])
    found = known_law.fitted_rates(data, starts, np.ones(2))
    np.testing.assert_allclose(found, known_law.TRUE, rtol=1e-4)
