"""The learned field on a grid, and forecasts from many starts, through the command line and in Python."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralode_lbfgs as nl
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.data import Clock
from neuralode_lbfgs.models import SecondOrderField, Transform, with_coordinates
from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, Start, save_model


def columns_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, np.array(rows, object)


pytestmark = pytest.mark.usefixtures("one_cache")


@pytest.fixture(scope="module")
def model():
    """Two states, the first in other units than the second."""
    made = build_model(ModelSpec(2, width_size=3, depth=1), jax.random.key(0))
    coordinates = nl.Coordinates(
        np.array([1.0, 20.0]),
        np.array([2.0, 30.0]),
        np.ones(2),
        np.asarray(0.0),
        np.asarray(5.0),
        np.zeros(0),
        np.zeros(0),
    )
    return with_coordinates(made, coordinates)


@pytest.fixture(scope="module")
def run(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    columns = Columns("t", "run", ("x", "y"), (), {"t": "s", "x": "m"})
    starts = {"a": Start(1.5, np.array([1.0, 2.0]))}
    save_model(folder / "model.safetensors", model, starts=starts, columns=columns)
    return folder


def test_the_field_on_a_grid(run, model, tmp_path, capsys):
    out = tmp_path / "field.csv"
    assert main(["field", str(run), "--grid", "x=0:2:3", "y=-1:1:2", "--out", str(out)]) == 0
    assert "field.csv: 6 points" in capsys.readouterr().err
    header, rows = columns_of(out)
    assert header == ["t [s]", "x [m]", "y", "dx/dt [m/s]", "dy/dt [1/s]"]
    values = rows.astype(float)
    assert (values[:, 0] == 1.5).all()  # the start of the training data
    np.testing.assert_array_equal(values[:, 1:3], [[x, y] for x in (0, 1, 2) for y in (-1, 1)])
    for row in values:  # against the field itself, point by point
        np.testing.assert_allclose(row[3:], model.vector_field(0.0, jnp.asarray(row[1:3]), None), rtol=1e-12)


def test_a_state_that_is_held(run, tmp_path):
    out = tmp_path / "field.csv"
    assert main(["field", str(run), "--grid", "y=0:4:5", "--at", "x=0.5", "t=3", "--out", str(out)]) == 0
    values = columns_of(out)[1].astype(float)
    assert len(values) == 5
    assert (values[:, :2] == [3.0, 0.5]).all()


@pytest.mark.parametrize(
    "words, message",
    [
        ("--grid x=0:2:3", "'y' has no value; give it an axis of the grid, or the value"),
        ("--grid x=0:2 y=0:1:2", "--grid is NAME=LOW:HIGH:NUMBER, such as x=0:2:21; it is 'x=0:2'."),
        ("--grid x=0:2:0 y=0:1:2", "--grid is NAME=LOW:HIGH:NUMBER"),
        ("--grid x=0:inf:3 y=0:1:2", "--grid is NAME=LOW:HIGH:NUMBER"),
        ("--grid x=0:2:3 y=0:1:2 --at x=1", "x is given twice"),
        ("--grid x=0:2:3 --at y=one", "--at is NAME=VALUE, such as x=1.5; it is 'y=one'."),
        ("--grid x=0:2:3 yy=0:1:2", "there is no 'yy' (did you mean 'y'?); there are t, x, y."),
        ("--grid x=0:2:2000 y=0:1:2000", "the grid has 4000000 points, and 1000000 at most are computed"),
    ],
)
def test_a_grid_that_is_wrong(words, message, run, tmp_path, capsys):
    assert main(["field", str(run), *words.split(), "--out", str(tmp_path / "f.csv")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_rates_of_driven_second_order_and_transformed_models():
    """Against the slope of the solution itself."""
    key = jax.random.key(1)
    size = np.array([1.0, 2.0])
    coordinates = nl.Coordinates(
        size, size, size, np.asarray(0.5), np.asarray(2.0), np.array([1.0]), np.array([2.0]),
        Transform(log=((0, 0.1),), log_time=(1.0, 2.0)),
    )  # fmt: skip
    driven = with_coordinates(nl.NeuralODE(nl.MLPVectorField(2, 3, 1, input_size=1, key=key)), coordinates)
    second = nl.NeuralODE(SecondOrderField(1, 3, 1, key=key), rtol=1e-10, atol=1e-10)
    for model, u in ((driven, 0.7), (second, None)):
        y0, h = np.array([1.5, 0.5]), 1e-4
        inputs = None if u is None else nl.LinearInputs(np.array([0.0, 9.0]), np.full((2, 1), u))
        ahead, back = (np.asarray(model(np.array([2.0, 2.0 + s * h]), y0, inputs))[1] for s in (1, -1))
        found = nl.rates(model, y0, t=2.0, inputs=None if u is None else [u])
        np.testing.assert_allclose(found, (ahead - back) / (2 * h), rtol=1e-4)
    assert nl.rates(driven, np.ones((4, 3, 2)), inputs=[0.0]).shape == (4, 3, 2)
    with pytest.raises(ValueError, match=r"the states must have shape \(\.\.\., 2\)"):
        nl.rates(driven, np.ones(3))
    with pytest.raises(ValueError, match="driven by 1 inputs"):
        nl.rates(driven, np.ones(2))


def test_many_starts_are_solved_as_each_of_them_alone(model):
    y0s = np.random.default_rng(0).normal([1.0, 20.0], 1.0, (5, 2))
    ts = np.linspace(0.0, 3.0, 7)
    many = nl.predict_many(model, ts, y0s)
    assert many.shape == (5, 7, 2)
    for y0, ys in zip(y0s, many, strict=True):
        np.testing.assert_allclose(ys, model(ts, y0), rtol=1e-6)
    later = nl.predict_many(model, ts + np.arange(5.0)[:, None], y0s)  # the field does not depend on time
    np.testing.assert_allclose(later, many, rtol=1e-6)
    with pytest.raises(ValueError, match=r"initial states must have shape \(starts, 2\)"):
        nl.predict_many(model, ts, y0s[:, :1])
    with pytest.raises(ValueError, match="times must increase"):
        nl.predict_many(model, ts[[0, 2, 1]], y0s)


def test_a_file_of_starts(run, model, tmp_path, capsys):
    starts = tmp_path / "starts.csv"
    starts.write_text("run,t,x,y\nlow,0,1,20\nhigh,1,2,25\n")
    words = ["predict", str(run), "--initial-states", str(starts), "--t1", "4", "--num", "5"]
    assert main([*words, "--out", str(tmp_path / "p.csv")]) == 0
    assert columns_of(tmp_path / "p.csv")[0] == ["run", "t [s]", "x [m]", "y"]
    data = nl.read_csv(tmp_path / "p.csv")
    assert data.ids == ("low", "high")
    np.testing.assert_array_equal(data["high"].ts, np.linspace(1, 4, 5))
    np.testing.assert_allclose(data["high"].ys, model(np.linspace(1, 4, 5), np.array([2.0, 25.0])), rtol=1e-6)
    assert "warning" not in capsys.readouterr().err
    starts.write_text("run,x,y\nfar,1000,20\n")
    assert main([*words, "--out", str(tmp_path / "far.csv")]) == 0
    assert "warning: x of trajectory 'far' comes to 1e+03, " in capsys.readouterr().err
    starts.write_text("y,x\n20,1\n25,2\n26,3\n")  # names are numbers, and times are those of the training data
    assert main([*words, "--out", str(tmp_path / "q.csv")]) == 0
    data = nl.read_csv(tmp_path / "q.csv")
    assert data.ids == ("0", "1", "2")
    assert data["2"].ts[0] == 1.5
    starts.write_text("x,y\n1,\n")
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path / "r.csv")]) == 2
    assert "starts.csv, line 2, column 'y': the state is blank" in capsys.readouterr().err
    assert main(["predict", str(run), "--initial-states", str(starts), "--out", str(tmp_path / "r.csv")]) == 2
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    "text,names,header,unused",
    [
        ("name,x,y\nlow,1,20\nhigh,2,25\n", ("low", "high"), "name", ""),
        ("x,y,id,tank\n1,20,7,a\n2,25,9,b\n", ("7", "9"), "id", "'tank'"),
        ("x,y,id,group\n1,20,7,a\n2,25,7,a\n", ("0", "1"), "trajectory", "'id', 'group'"),  # they name no row
    ],
)
def test_starts_have_the_names_of_their_file(text, names, header, unused, model, tmp_path, capsys):
    columns = Columns("t", None, ("x", "y"), units={"t": "s"})  # the training data had a single run
    save_model(tmp_path / "model.safetensors", model, starts={}, columns=columns)
    (tmp_path / "starts.csv").write_text(text)
    out, starts = tmp_path / "p.csv", tmp_path / "starts.csv"
    words = ["predict", str(tmp_path), "--initial-states", str(starts), "--t1", "4", "--num", "5", "--out", str(out)]
    assert main(words) == 0
    found, rows = columns_of(out)
    assert (found[0], tuple(dict.fromkeys(rows[:, 0]))) == (header, names)
    told = [line for line in capsys.readouterr().err.splitlines() if "not used" in line]
    assert told == ([f"note: {starts}: not used: {unused}."] if unused else [])


def test_a_grid_of_dated_times(model, tmp_path):
    columns = Columns("day", None, ("x", "y"), clock=Clock("2024-01-31", "d"))
    starts = {"a": Start(0.0, np.array([1.0, 2.0]))}
    save_model(tmp_path / "model.safetensors", model, starts=starts, columns=columns)
    words = ["field", str(tmp_path), "--grid", "x=0:1:2", "--at", "y=1", "day=2024-02-02", "--out"]
    assert main([*words, str(tmp_path / "f.csv")]) == 0
    header, rows = columns_of(tmp_path / "f.csv")
    assert header[:1] + header[3:] == ["day", "dx/dday [1/d]", "dy/dday [1/d]"]
    assert rows[0, 0] == "2024-02-02"
