"""Models to disk and back, and files that are not what they should be."""

import json
from dataclasses import replace
from typing import get_args

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from neuralode_lbfgs import Coordinates, MLPVectorField, NeuralODE, load_model, save_model
from neuralode_lbfgs.commands.options import Activation, Solver
from neuralode_lbfgs.models import Transform, with_coordinates
from neuralode_lbfgs.outputs.spec import ACTIVATIONS, SOLVERS, ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, Start, StoreError


def a_model(**changes):
    spec = ModelSpec(**{"state_size": 2, "input_size": 1, "width_size": 3, "depth": 1, **changes})
    coordinates = Coordinates(
        np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([0.5, 0.6]), np.asarray(7.0), np.asarray(8.0),
        np.array([9.0]), np.array([10.0]),
    )  # fmt: skip
    return with_coordinates(build_model(spec, jax.random.key(1)), coordinates)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_a_model_comes_back_bit_for_bit(path):
    model = a_model(activation="softplus", solver="Kvaerno5", rtol=1e-5, atol=1e-7, max_steps=99)
    starts = {
        "a": Start(0.5, np.array([1.0, 2.0]), np.array([0.5, 1.0]), np.array([[1.0], [2.0]])),
        "Ärger 7": Start(1.5, np.array([3.0, 4.0])),
    }
    columns = Columns("zeit", "run", ("x", "y"), ("u",), {"x": "m/s²"})
    save_model(path, model, starts=starts, columns=columns)
    saved = load_model(path)
    assert eqx.tree_equal(saved.model, model)
    assert saved.columns == columns
    assert list(saved.starts) == ["a", "Ärger 7"]
    assert saved.starts["a"].t == 0.5
    assert saved.starts["a"].inputs == pytest.approx(np.array([[1.0], [2.0]]))
    assert saved.starts["Ärger 7"].inputs is None
    assert saved.starts["Ärger 7"].y == pytest.approx(np.array([3.0, 4.0]))


def test_rates_polynomials_and_transforms_come_back_and_files_without_them_have_none(path):
    transform = Transform(log=((0, 0.1),), positive=(1,), log_time=(0.5, 2.0))
    model = a_model(rates=((0, 1),), degree=2)
    model = with_coordinates(model, replace(model.coordinates, transform=transform))
    save_model(path, model)
    assert eqx.tree_equal(load_model(path).model, model)
    # A module of another kind keeps them too, whatever the one that it is loaded into has.
    hybrid = NeuralODE(Sum(model.vector_field), coordinates=model.coordinates)
    save_model(path, hybrid)
    like = with_coordinates(hybrid, replace(model.coordinates, transform=Transform()))
    assert eqx.tree_equal(load_model(path, like=like).model, hybrid)
    save_model(path, a_model())
    with safe_open(path, framework="numpy") as file:
        assert "transform" not in json.loads(file.metadata()["contents"])


class Sum(eqx.Module):
    network: MLPVectorField

    def __call__(self, t, y, args):
        return self.network(t, y, args) - y


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_comes_back(activation, path):
    model = a_model(activation=activation)
    save_model(path, model)
    spec = load_model(path).spec
    assert spec is not None
    assert spec.activation == activation


def test_the_command_line_offers_what_can_be_stored():
    assert get_args(Activation) == tuple(ACTIVATIONS)
    assert get_args(Solver) == tuple(SOLVERS)


def test_names_that_are_not_known():
    with pytest.raises(ValueError, match=r"there is no solver 'tsit' \(did you mean 'Tsit5'\?\)"):
        build_model(ModelSpec(2, solver="tsit"), jax.random.key(0))
    with pytest.raises(ValueError, match="there is no activation 'thanh'"):
        build_model(ModelSpec(2, activation="thanh"), jax.random.key(0))


class Decay(eqx.Module):
    log_rate: jax.Array
    name: str = eqx.field(static=True)
    power: float = 1.0

    def __call__(self, ts, y0):
        return y0 * jnp.exp(-jnp.exp(self.log_rate) * (ts[:, None] - ts[0]) ** self.power)


def test_any_module_is_loaded_into_one_like_it(path):
    save_model(path, Decay(jnp.array([-3.0]), "mine"))
    saved = load_model(path, like=Decay(jnp.array([0.0]), "mine"))
    assert saved.model.log_rate == pytest.approx(-3.0)
    assert saved.spec is None
    with pytest.raises(StoreError, match="like="):
        load_model(path)
    with pytest.raises(StoreError, match=r"log_rate has shape \(1,\) instead of \(2,\)"):
        load_model(path, like=Decay(jnp.zeros(2), "mine"))
    with pytest.raises(StoreError, match="log_rate has type float64, not int64"):
        load_model(path, like=Decay(jnp.zeros(1, int), "mine"))


def test_a_hybrid_model_needs_like(path):
    model = NeuralODE(lambda t, y, args: -y, state_size=1)
    save_model(path, model)
    with pytest.raises(StoreError, match="module of its own kind"):
        load_model(path)
    other = NeuralODE(MLPVectorField(1, key=jax.random.key(0)))
    with pytest.raises(StoreError, match=r"does not fit: vector_field\..* is missing from it"):
        load_model(path, like=other)


def test_a_solver_with_settings_of_its_own_needs_like(path):
    model = eqx.tree_at(lambda m: m.solver, a_model(), diffrax.Kvaerno5(root_find_max_steps=3))
    save_model(path, model)
    with pytest.raises(StoreError, match="like="):
        load_model(path)
    assert load_model(path, like=model).model.solver == model.solver


def test_missing_and_foreign_files(path, tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        load_model(path)
    path.write_bytes(save({"a": np.zeros(2)}))
    with pytest.raises(StoreError, match="not a model that this package has saved"):
        load_model(path)
    with pytest.raises(StoreError, match=str(tmp_path)):
        load_model(tmp_path)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_file_cut_short(path, part):
    save_model(path, a_model())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(StoreError, match="damaged or not a model that this package has saved"):
        load_model(path)


def contents(spec, starts):
    return {
        "contents": json.dumps(
            {"spec": spec, "columns": {"states": [], "inputs": []}, "starts": starts, "estimated": False}
        )
    }


@pytest.mark.parametrize(
    "change,message",
    [
        ({"version": "2"}, "version 2 of the format"),
        ({"contents": "{"}, "damaged"),
        ({"contents": "{}"}, "damaged"),
        (contents({"state_size": -1}, []), "damaged"),
        (contents({"size": 1}, []), "damaged"),
        (contents({"state_size": 3}, []), "does not fit"),
        (contents({"state_size": 2}, ["a"]), "damaged"),
    ],
)
def test_damaged_descriptions(path, change, message):
    from safetensors import safe_open

    save_model(path, a_model())
    with safe_open(path, framework="numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata.pop("sha256")  # as of an earlier version, or a person who knows what they do
    path.write_bytes(save(arrays, {**metadata, **change}))
    with pytest.raises(StoreError, match=message):
        load_model(path)


def test_numbers_that_are_not_finite(path):
    model = eqx.tree_at(lambda m: m.coordinates.scale, a_model(), jnp.array([1.0, jnp.nan]))
    save_model(path, model)
    with pytest.raises(StoreError, match=r"coordinates\.scale holds a number that is not finite"):
        load_model(path)


def test_a_file_is_replaced_whole(path):
    save_model(path, a_model())
    save_model(path, a_model(width_size=5))
    spec = load_model(path).spec
    assert spec is not None
    assert spec.width_size == 5
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_bit_that_has_flipped(path):
    save_model(path, a_model())
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 1  # the last digits of the last number
    path.write_bytes(whole)
    with pytest.raises(StoreError, match="is not what its checksum says"):
        load_model(path)


def test_files_of_earlier_versions_have_no_checksum(path):
    save_model(path, a_model())
    with safe_open(path, framework="numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata.pop("sha256")
    path.write_bytes(save(arrays, metadata))
    assert eqx.tree_equal(load_model(path).model, a_model())


def test_what_holds_no_arrays_is_not_saved(path, tmp_path):
    class Result:
        model = a_model()

    with pytest.raises(TypeError, match=r"a Result holds no arrays of its own.*; give result\.model"):
        save_model(path, Result())
    assert not path.exists()
    with pytest.raises(FileNotFoundError, match=r"the folder .*new does not exist; make it first"):
        save_model(tmp_path / "new" / "m.safetensors", a_model())
