"""What the command line keeps of a fit serves the next one of the same shape."""

import jax
import numpy as np
import pytest

from neuralode_lbfgs.cli import main
from neuralode_lbfgs.compiling import shelf


@pytest.fixture
def traced(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "neuralode-lbfgs" / shelf.FOLDER
    jax.config.update("jax_compilation_cache_dir", None)


def test_other_data_of_the_same_shape_are_traced_no_more(traced, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ts = np.linspace(0, 4, 21)
    for name, scale, offset in (("one", 1.0, 0.0), ("other", 30.0, 5.0)):
        rows = [f"{t},{scale * np.exp(-0.3 * t) * np.cos(t) + offset}" for t in ts]
        (tmp_path / f"{name}.csv").write_text("\n".join(["t,x", *rows]))
    options = ["--width-size", "4", "--depth", "1", "--no-plots", "--no-report", "--quiet", "--max-evals", "30"]
    options += ["--degree", "0"]  # the programs of a polynomial are those of a network
    assert main(["fit", "one.csv", *options]) == 0
    kept = {path.name for path in traced.iterdir()}
    assert len(kept) >= 5
    assert main(["fit", "other.csv", "--seed", "3", *options]) == 0
    assert {path.name for path in traced.iterdir()} == kept
    assert main(["fit", "one.csv", "--activation", "softplus", "--out", "runs/third", *options]) == 0
    assert {path.name for path in traced.iterdir()} > kept
