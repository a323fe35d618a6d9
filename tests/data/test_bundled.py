"""The bundled sets load with the shapes their cards promise, from the checkout and from a wheel."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuralode_lbfgs.data import DataError, dataset_card, dataset_names, dataset_path, load_dataset
from neuralode_lbfgs.data.bundled import read_card

ROOT = Path(__file__).parents[2]
MEASURED = {  # rows of each trajectory, states, inputs, observed entries
    "alpha_pinene": ((9,), 5, 0, 45),
    "boarding_school_flu": ((14,), 2, 0, 28),
    "double_pendulum": ((499, 499, 499, 499), 4, 2, 7984),
    "hare_lynx": ((21,), 2, 0, 42),
    "paramecium": ((26, 26, 26), 2, 0, 152),
    "rotifer_algae": ((359,), 5, 0, 1795),
}


@pytest.mark.parametrize("name", MEASURED)
def test_shapes_of_the_measured_sets(name):
    rows, states, inputs, observed = MEASURED[name]
    data = load_dataset(name)
    assert tuple(trajectory.ts.size for trajectory in data) == rows
    assert (data.state_size, data.input_size, data.observed) == (states, inputs, observed)


@pytest.mark.parametrize("name", dataset_names())
def test_every_set_loads_as_its_card_says(name):
    card, data = dataset_card(name), load_dataset(name)
    assert (data.state_names, data.input_names) == (card.roles.states, card.roles.inputs)
    assert set(card.units) <= {card.roles.time, *card.roles.states, *card.roles.inputs}
    assert all((card.title, card.description, card.good_fit, card.source, card.licence))
    assert not (card.test_trajectories and card.train_until is not None)
    if card.test_trajectories:
        data.split(ids=card.test_trajectories)
    if card.train_until is not None:
        data.split(until=card.train_until)


def test_a_value_of_a_set_and_its_units():
    data = load_dataset("hare_lynx")
    np.testing.assert_array_equal(data["hudson_bay"].ys[3], [77.4, 35.2])
    assert data.label("hare") == "hare [thousands of pelts]"
    assert dataset_card("double_pendulum").test_trajectories == ("run4",)
    assert dataset_path("double_pendulum").with_name("double_pendulum.LICENSE.txt").is_file()


def test_an_unknown_set():
    known = ", ".join(dataset_names())
    message = f"there is no bundled data set 'hare-lynx' (did you mean 'hare_lynx'?); there are {known}."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        load_dataset("hare-lynx")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('title = "', 'titel = "', "mine.toml: the entry 'title' is missing or not of the right kind."),
        ('time = "t"', "time = 0", "mine.toml: the entry 'columns.time' is missing or not of the right kind."),
        ('lynx = "th', 'x = "', "mine.toml: a card has no entry 'units.x'."),
        ("[good_fit]", "[good_fit]\nrmse = 3", "mine.toml: a card has no entry 'good_fit.rmse'."),
        ('name = "mine"', 'name = "yours"', "mine.toml: the name must be 'mine'; it is 'yours'."),
        ("[units]", "[units", "mine.toml is not TOML: "),
    ],
)
def test_a_card_that_is_not_as_it_should_be(tmp_path, old, new, message):
    text = dataset_path("hare_lynx").with_suffix(".toml").read_text().replace('"hare_lynx"', '"mine"')
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read_card(tmp_path / "mine.toml")


def run_python(code, folder):
    """Run code with the packages of this interpreter, but the folder's copy of this package."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    done = subprocess.run([sys.executable, "-I", "-c", start + code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_an_installed_wheel_has_the_sets(tmp_path):
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-q"]
    subprocess.run([*build, "-w", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "from neuralode_lbfgs.data import *\nprint(dataset_path('hare_lynx'), load_dataset('hare_lynx').observed)\n"
    path, observed, *names = run_python(code + "print(*dataset_names())", tmp_path / "site")
    assert Path(path).is_relative_to(tmp_path / "site")
    assert (observed, tuple(names)) == ("42", dataset_names())


def test_reading_text_needs_no_pandas():
    code = "from neuralode_lbfgs.data import load_dataset; load_dataset('hare_lynx'); print('pandas' in sys.modules)"
    assert run_python(code, ROOT) == ["False"]
