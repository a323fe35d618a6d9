"""`predict` tells of starts and predictions that are far from all that the model was fitted to."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from neuralode_lbfgs import Trajectories, Trajectory
from neuralode_lbfgs.cli import main
from neuralode_lbfgs.commands import reach
from neuralode_lbfgs.commands.reach import warn_of_reach
from neuralode_lbfgs.models import Coordinates, Transform
from neuralode_lbfgs.models.coordinates import with_coordinates
from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, SavedRun, Start, save_model

TURN = np.linspace(0.0, 2 * np.pi, 41)
ORBIT = 3.0 + 2.0 * np.stack([np.cos(TURN), np.sin(TURN)], axis=1)  # between 1 and 5


def coordinates(transform=None):
    zeros, ones = np.zeros(2), np.ones(2)
    of_input = np.zeros(0)
    return Coordinates(
        zeros + 3.0, ones * np.sqrt(2), ones, np.asarray(0.0), np.asarray(1.0), of_input, of_input,
        transform or Transform(),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A run that was fitted to one orbit."""
    path = tmp_path / "run"
    path.mkdir()
    rows = [f"{t:.6f},{x:.6f},{y:.6f}" for t, (x, y) in zip(TURN, ORBIT, strict=True)]
    (path / "predictions.csv").write_text("\n".join(["t,x,y", *rows]) + "\n")
    (path / "config.toml").write_text("[data]\n")
    return path


def saved(**transform):
    model = with_coordinates(build_model(ModelSpec(2, width_size=3, depth=1), jax.random.key(0)), coordinates())
    model = with_coordinates(model, coordinates(Transform(**transform)))
    return SavedRun(model, {"data": Start(0.0, ORBIT[0])}, Columns("t", None, ("x", "y")), None, False, 0.01)


def predicted(*rows):
    ys = np.array(rows, dtype=float)
    return Trajectories((Trajectory("new", np.arange(float(len(ys))), ys),), ("x", "y"))


@pytest.mark.parametrize(
    "rows, told",
    [
        (ORBIT[3:20], ()),
        ([ORBIT[4], [np.nan, np.nan]], ()),  # that is told elsewhere
        (
            [[3.0, 3.0], [3.1, 3.0]],
            ("the start of trajectory 'new' is 1.4 standard deviations from the nearest state",),
        ),
        (
            [ORBIT[0], [40.0, 3.0]],
            ("x of trajectory 'new' comes to 40, from t = 1 on well outside of 1 to 5: so far the model itself goes",),
        ),
        (
            [ORBIT[0], [5.9, 3.0], [6.1, 3.0], [6.4, 1.0]],
            ("x of trajectory 'new' comes to 6.4, from t = 2 on well outside of 1 to 5: so far the model itself goes",),
        ),
        ([ORBIT[0], [5.9, 3.0], [5.0, 5.9]], ()),  # by less than a quarter of the range
        ([ORBIT[0], [3.0, -2.0]], ("below zero, where nothing is that the model was fitted to, fall y to -2;",)),
    ],
    ids=["on the orbit", "not reached", "in the middle", "far beyond", "beyond", "hardly beyond", "below zero"],
)
def test_what_is_told(folder, capsys, rows, told):
    warn_of_reach(folder, saved(), predicted(*rows))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(told)
    for line, start in zip(said, told, strict=True):
        assert line.startswith(f"warning: {start}")


def test_several_runs_that_leave_the_range_are_told_of_in_one_sentence_the_farthest_first(folder, capsys):
    ts = np.arange(3.0)
    runs = [Trajectory(name, ts, np.array([ORBIT[0], [x, 3.0], [3.0, 3.0]])) for name, x in (("a", 6.5), ("b", 9.0))]
    warn_of_reach(folder, saved(), Trajectories(tuple(runs), ("x", "y")))
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("warning: x of trajectory 'b' comes to 9, from t = 1 on well outside of 1 to 5; x of")
    assert said.count("trajectory 'a' comes to 6.5") == 1 and said.count("knows nothing there") == 1


def test_what_drifts_through_all_runs_leaves_its_range_as_they_go_on(folder, capsys):
    """An angle that goes on; what levels off does not."""
    line, level = np.linspace(1.0, 5.0, 41), 5.0 - 4.0 * np.exp(-TURN)
    for x, told in ((line, 0), (level, 1)):
        rows = [f"{t:.6f},{a:.6f},{b:.6f}" for t, a, b in zip(TURN, x, ORBIT[:, 1], strict=True)]
        (folder / "predictions.csv").write_text("\n".join(["t,x,y", *rows]) + "\n")
        warn_of_reach(folder, saved(), predicted([x[0], ORBIT[0, 1]], [7.0, 3.0]))
        assert capsys.readouterr().err.count("comes to 7") == told


def test_names_with_blanks_are_quoted(folder, capsys):
    path = folder / "predictions.csv"
    path.write_text(path.read_text().replace("t,x,y", "t,x,active cases"))
    run = replace(saved(), columns=Columns("t", None, ("x", "active cases")))
    warn_of_reach(folder, run, replace(predicted(ORBIT[0], [3.0, -2.0]), state_names=("x", "active cases")))
    assert "--positive 'active cases'." in capsys.readouterr().err


def test_a_polynomial_may_hold_where_it_was_not_seen(folder, capsys, monkeypatch):
    monkeypatch.setattr(reach, "degree_alone", lambda _: 2)
    warn_of_reach(folder, saved(), predicted([3.0, 3.0], [3.1, 3.0]))
    assert "was not seen there, and holds if it is the law of the system; fit" in capsys.readouterr().err


def test_rows_after_those_that_were_trained_on_are_not_known(folder, capsys):
    start = ORBIT[30]
    warn_of_reach(folder, saved(), predicted(start))
    assert capsys.readouterr().err == ""
    (folder / "config.toml").write_text("[data]\ntrain_until = 3.0\n")
    warn_of_reach(folder, saved(), predicted(start))
    assert "the start of trajectory 'new' is" in capsys.readouterr().err


def test_without_the_predictions_of_the_fit_nothing_is_known_to_tell(folder, capsys):
    (folder / "predictions.csv").write_text("damaged")
    warn_of_reach(folder, saved(), predicted([3.0, 3.0]))
    (folder / "predictions.csv").unlink()
    warn_of_reach(folder, saved(), predicted([3.0, 3.0]))
    assert capsys.readouterr().err == ""


def test_of_states_in_logarithms_neither_range_nor_sign_is_told(folder, capsys):
    warn_of_reach(folder, saved(log=((0, 1.0), (1, 1.0))), predicted(np.exp(3.0) * np.ones(2), [400.0, 400.0]))
    assert all("comes to" not in line for line in capsys.readouterr().err.splitlines())


def test_predict_tells_of_it(folder, tmp_path, capsys):
    run = saved()
    save_model(folder / "model.safetensors", run.model, starts=run.starts, columns=run.columns)
    data, out = tmp_path / "new.csv", tmp_path / "p.csv"
    data.write_text("t,x,y\n0,3,3\n0.01,,\n")
    assert main(["predict", str(folder), "--data", str(data), "--out", str(out)]) == 0
    assert "the start of trajectory 'new' is 1.4 standard deviations" in capsys.readouterr().err
    data.write_text(f"t,x,y\n0,{ORBIT[9, 0]},{ORBIT[9, 1]}\n0.01,,\n")
    assert main(["predict", str(folder), "--data", str(data), "--out", str(out)]) == 0
    assert "warning" not in capsys.readouterr().err


def test_predictions_that_do_not_reach_their_end_are_an_exit_code(folder, tmp_path, capsys):
    """One trajectory is solved in the steps that there are, the other is not; both are written."""
    model = with_coordinates(
        build_model(ModelSpec(2, width_size=3, depth=1, max_steps=4), jax.random.key(0)), coordinates()
    )
    save_model(folder / "model.safetensors", model, starts=saved().starts, columns=Columns("t", "run", ("x", "y")))
    data, out = tmp_path / "new.csv", tmp_path / "p.csv"
    x, y = ORBIT[0]
    data.write_text(f"run,t,x,y\na,0,{x},{y}\na,0.01,,\nb,0,{x},{y}\nb,0.01,,\nb,1000,,\n")
    assert main(["predict", str(folder), "--data", str(data), "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "warning: 1 row of trajectory 'b' could not be predicted (first at t = 1000)" in told
    assert "'a'" not in told
    blank = [line.endswith(",,") for line in out.read_text().splitlines()]
    assert blank == [False] * 5 + [True]
