"""The simulated sets in data/ are what scripts/generate_data.py makes, and are fit to be fitted."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from neuralode_lbfgs.data import dataset_card, load_dataset

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("spiral_cubic", "van_der_pol", "lotka_volterra", "pendulum_damped", "fitzhugh_nagumo", "mass_spring_forced")


@pytest.fixture(scope="module")
def script():
    specification = importlib.util.spec_from_file_location("generate_data", ROOT / "scripts" / "generate_data.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_bundled_sets_are_regenerated(script, capsys):
    assert script.main(["--check"]) == 0
    assert capsys.readouterr().out == "12 sets agree to 1e-09.\n"


def test_a_difference_is_found_and_named(script, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "SETS", script.SETS[:1])
    out = ["--out", str(tmp_path / "new")]
    assert script.main(out) == 0
    assert script.main([*out, "--check"]) == 0
    table = tmp_path / "new" / "spiral_cubic.csv"
    lines = table.read_text().splitlines()
    cells = lines[5].split(",")
    cells[2] = repr(float(cells[2]) + 1e-7)
    table.write_text("\n".join([*lines[:5], ",".join(cells), *lines[6:]]) + "\n")
    (tmp_path / "new" / "spiral_cubic_noisy.toml").unlink()
    assert script.main([*out, "--check"]) == 1
    errors = capsys.readouterr().err
    assert "spiral_cubic.csv: ys of train1 differ by up to 1e-07." in errors
    assert "spiral_cubic_noisy.toml: the card is missing or differs." in errors


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_made_to_be_fitted(name):
    data, noisy = load_dataset(name), load_dataset(f"{name}_noisy")
    assert data.ids == noisy.ids == (*(f"train{i}" for i in range(1, 9)), *(f"test{i}" for i in range(1, 5)))
    assert dataset_card(name).test_trajectories == data.ids[8:]
    truth, measured = (np.stack([trajectory.ys for trajectory in each]) for each in (data, noisy))
    assert 60 <= truth.shape[1] <= 120
    # Noise: 2 % of each state's standard deviation; 1212 draws per state know their own to 7 %.
    np.testing.assert_allclose((measured - truth).std(axis=(0, 1)), 0.02 * truth.std(axis=(0, 1)), rtol=0.07)
    # Interpolation: every test point has a training point nearby.
    scaled = truth / truth[:8].std(axis=(0, 1))
    distances, _ = KDTree(scaled[:8].reshape(-1, 2)).query(scaled[8:].reshape(-1, 2))
    assert distances.max() < 0.4
    if name == "lotka_volterra":
        assert (truth.min(axis=(0, 1)) > 0.01 * truth.max(axis=(0, 1))).all()
