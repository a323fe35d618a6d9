"""Models that earlier versions have saved: they are loaded, and say what they said then.

Each folder of tests/saved holds a model as `fit` wrote it, and `values.json` with what it predicted. They are never
written anew; a version that changes the format adds one.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import neuralode_lbfgs as nl

SAVED = sorted(path for path in (Path(__file__).parents[1] / "saved").iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", SAVED, ids=lambda path: path.name)
def test_a_model_says_what_it_said(folder):
    known = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    saved = nl.load_model(folder / "model.safetensors")
    assert list(saved.starts) == list(known["runs"])
    assert saved.columns.states == tuple(known["states"])
    assert dict(saved.columns.units) == known["units"]
    rates = nl.rates(saved.model, known["points"], inputs=known["inputs"])
    np.testing.assert_allclose(rates, known["rates"], rtol=1e-12, atol=1e-15)
    for name, ys in known["runs"].items():
        start = saved.starts[name]
        assert start.input_ts is not None and start.inputs is not None
        inputs = nl.LinearInputs(start.input_ts, start.inputs)
        # The solver of 0.1.0 stepped over the kinks of inputs, and was as far off as this.
        np.testing.assert_allclose(saved.model(np.array(known["ts"]), start.y, inputs), ys, atol=1e-4)
