"""The table of a forecast is written as the data of the run were."""

import numpy as np
import pytest

from neuralode_lbfgs.commands.future import written_as
from neuralode_lbfgs.data import Roles, Trajectories, Trajectory, write_table
from neuralode_lbfgs.data.arrange import from_trajectories


@pytest.mark.parametrize(
    ("text", "written"), [("t;x\n0,5;1,5\n1,5;2,5\n", "0,5"), ("t,x\n0.5,1.5\n", "0.5"), ("", "0.5")]
)
def test_a_forecast_has_the_decimal_marks_of_the_run(tmp_path, text, written):
    (tmp_path / "predictions.csv").write_text(text)
    table = from_trajectories(Trajectories((Trajectory("a", np.array([0.5, 1.5]), np.array([[1.0], [2.0]])),), ("x",)))
    table = written_as(table, Roles(table.names[0], "t", ("x",)), tmp_path)
    assert table.column("t").cells[0] == written
    write_table(table, tmp_path / "forecast.csv")
    assert (";" in (tmp_path / "forecast.csv").read_text()) == ("," in written)
