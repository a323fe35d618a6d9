"""Fitted models on disk: one safetensors file, no pickle, nothing that could run.

The file holds the arrays of a model under the paths of its leaves (`model.vector_field.mlp.layers.0.weight`,
`model.coordinates.scale`), the fitted starts (`starts.t`, `starts.y`), and the inputs of driven training
trajectories (`inputs.0.ts`, `inputs.0.us`). Its metadata are four strings: `format` is `neuralode_lbfgs model`,
`version` is `1`, `sha256` is the checksum of all that follows and of the arrays, and `contents` is JSON with

- `spec`: the sizes and names that a `NeuralODE` of an `MLPVectorField` is built from, or null for any other
  module, which is loaded with `like=` a module of the same structure;
- `transform`: which states, and whether time, are modelled in logarithms, and which states stay positive: the fields
  of `Transform`; absent where there is none of it;
- `columns`: the names of the columns, their units, the origin and unit of times, and which inputs are held;
- `starts`: the ids of the training trajectories, in the order of the rows of `starts.t` and `starts.y`;
- `estimated`: whether the starts were estimated with the model;
- `noise`: of the observations in coordinates of order one, or null.
"""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save

from ..data.clock import Clock
from ..data.trajectories import Trajectories
from ..models import Coordinates, Transform, is_constant
from .checksum import checksum
from .leaves import arrays_of, is_kept, refuse_unsavable
from .sealed import Form, read_sealed
from .soundness import check_spec, check_starts, check_transform
from .spec import ModelSpec, build_model, spec_of
from .typed import instance, typed


class StoreError(ValueError):
    """A file that is not a saved model, or not a whole one; one sentence that says what is wrong."""


FORM = Form(
    name="neuralode_lbfgs model",
    version="1",
    what="a model that this package has saved",
    other_version="install a newer neuralode-lbfgs",
    again="copy or save it again",
    error=StoreError,
    unchecked=True,  # as those of earlier versions are
)


@dataclass(frozen=True)
class Columns:
    """The columns of the data that a model was fitted to, and how their times are counted.

    `trajectory` is None if no column named the runs; `sd` is as in `Roles`, `hold` as in `Trajectory`. The last inputs
    are those of `periods`, as of `Trajectories.with_periods`, and stand in no column.
    """

    time: str = "t"
    trajectory: str | None = None
    states: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    sd: tuple[str | float, ...] = ()
    clock: Clock = field(default_factory=Clock)
    hold: tuple[bool, ...] = ()
    periods: tuple[str, ...] = ()

    @property
    def measured_inputs(self) -> tuple[str, ...]:
        """The inputs that are columns."""
        return self.inputs[: len(self.inputs) - 2 * len(self.periods)]


@dataclass(frozen=True, eq=False)
class Start:
    """Where a training trajectory starts: time and state, in the data's units, and its inputs if it is driven.

    Args:
        t: time.
        y: state, shape `(states,)`.
        input_ts, inputs: shapes `(times,)` and `(times, inputs)`, or None.
        last: time and state from which what comes after is forecast, where noise has moved the system until then.
    """

    t: float
    y: np.ndarray
    input_ts: np.ndarray | None = None
    inputs: np.ndarray | None = None
    last: tuple[float, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class SavedRun:
    """What a file holds."""

    model: Any
    starts: dict[str, Start]
    columns: Columns
    spec: ModelSpec | None
    estimated: bool
    noise: float | None


def starts_of(
    train: Trajectories, starts: Mapping[str, np.ndarray], ends: Mapping[str, np.ndarray] | None = None
) -> dict[str, Start]:
    """The fitted starts of the training trajectories, with the inputs that drive them, and states at their ends."""
    return {
        run.id: Start(
            float(run.ts[0]),
            np.asarray(starts[run.id]),
            None if run.inputs is None else run.ts,
            run.inputs,
            (float(run.ts[-1]), np.asarray(ends[run.id])) if ends and run.id in ends else None,
        )
        for run in train
        if run.id in starts
    }


def ends_of(starts: Mapping[str, Start]) -> dict[str, tuple[float, np.ndarray]]:
    """Time and state from which forecasts of these trajectories begin, of those that have one."""
    return {name: start.last for name, start in starts.items() if start.last is not None}


def save_model(
    path: str | os.PathLike[str],
    model: Any,
    *,
    starts: Mapping[str, Start] | None = None,
    columns: Columns | None = None,
    estimated: bool = False,
    noise: float | None = None,
) -> None:
    """Write a model, whole or not at all.

    Args:
        path: of the file, which is replaced if it exists.
        model: a `NeuralODE`, or any pytree whose arrays are to be kept.
        starts: by the id of the training trajectory.
        columns: of the data.
        estimated: whether the starts were estimated with the model.
        noise: as the fit estimated it.

    Raises:
        TypeError: if there is no array in it, as in the result of a fit, whose `model` is one.
        OSError: if the file cannot be written.
    """
    target, starts = Path(path), starts or {}
    refuse_unsavable(model, target)
    arrays = {f"model.{name}": np.array(leaf) for name, leaf in arrays_of(model).items()}
    if starts:
        arrays["starts.t"] = np.array([start.t for start in starts.values()])
        arrays["starts.y"] = np.array([start.y for start in starts.values()])
    for i, start in enumerate(starts.values()):
        if start.inputs is not None:
            arrays |= {f"inputs.{i}.ts": np.array(start.input_ts), f"inputs.{i}.us": np.array(start.inputs)}
        if start.last is not None:
            arrays |= {f"ends.{i}.t": np.array(start.last[0]), f"ends.{i}.y": np.array(start.last[1])}
    spec, transform = spec_of(model), _transform_of(model)
    contents = {
        "spec": None if spec is None else dataclasses.asdict(spec),
        **({} if transform == Transform() else {"transform": dataclasses.asdict(transform)}),
        "columns": dataclasses.asdict(columns or Columns()),
        "starts": list(starts),
        "estimated": estimated,
        "noise": None if noise is None or not math.isfinite(noise) else float(noise),
    }
    text = json.dumps(contents, ensure_ascii=False)
    metadata = {"format": FORM.name, "version": FORM.version, "contents": text, "sha256": checksum(text, arrays)}
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(save(arrays, metadata))
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def load_model(path: str | os.PathLike[str], *, like: Any = None) -> SavedRun:
    """Read a model.

    Args:
        path: of the file.
        like: a module of the structure that was saved; needed for modules that are not a `NeuralODE` of an
            `MLPVectorField`. Its arrays are replaced, all else is kept.

    Raises:
        StoreError: one sentence, if the file is missing, damaged, not a model, or does not fit `like`.
    """
    source = os.fspath(path)
    contents, arrays = read_sealed(source, FORM)
    try:
        spec = None if contents["spec"] is None else instance(ModelSpec, contents["spec"])
        columns, transform = _columns(contents), _transform_from(contents.get("transform"))
        names, noise = typed(tuple[str, ...], contents["starts"]), typed(float | None, contents.get("noise"))
        check_starts(names, arrays, spec)
        starts = {
            name: Start(float(t), y, arrays.get(f"inputs.{i}.ts"), arrays.get(f"inputs.{i}.us"), _last(arrays, i))
            for i, (name, t, y) in enumerate(
                zip(names, arrays.get("starts.t", ()), arrays.get("starts.y", ()), strict=True)
            )
        }
        estimated = contents["estimated"] is True
        if like is None and spec is not None:
            check_spec(spec, arrays)
            # Only the structure is needed, so no weights are drawn.
            like = eqx.filter_eval_shape(build_model, spec, jax.eval_shape(lambda: jax.random.key(0)))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise StoreError(f"{source} is damaged: its description cannot be read; save the model again.") from None
    if like is None:
        raise StoreError(f"{source} holds a module of its own kind; give one of the same structure with like=.")

    def transformed(node: Any) -> Any:
        if not isinstance(node, Coordinates):
            return node
        check_transform(transform, node.centre.shape[0])
        return dataclasses.replace(node, transform=transform)

    try:
        model = jax.tree.map(transformed, _filled(like, arrays, source), is_leaf=is_constant)
    except StoreError:
        raise
    except ValueError as error:
        raise StoreError(f"{source} is damaged: {error}") from None
    return SavedRun(model, starts, columns, spec, estimated, noise)


def read_columns(path: str | os.PathLike[str]) -> tuple[Columns, bool]:
    """The columns of the data that a saved model was fitted to, and whether it needs `like` to be loaded.

    Raises:
        StoreError: as `load_model`.
    """
    source = os.fspath(path)
    contents = read_sealed(source, FORM)[0]
    try:
        return _columns(contents), contents["spec"] is None
    except (KeyError, TypeError, ValueError, OverflowError):
        raise StoreError(f"{source} is damaged: its description cannot be read; save the model again.") from None


def _last(arrays: Mapping[str, np.ndarray], number: int) -> tuple[float, np.ndarray] | None:
    t, y = arrays.get(f"ends.{number}.t"), arrays.get(f"ends.{number}.y")
    return None if t is None or y is None else (float(t), y)


def _columns(contents: dict[str, Any]) -> Columns:
    columns = instance(Columns, contents["columns"])
    for name, of in (("sd", columns.states), ("hold", columns.inputs)):
        if len(getattr(columns, name)) not in (0, len(of)):
            raise ValueError(f"{name} is not as long as what it belongs to.")
    return columns


def _transform_of(model: Any) -> Transform:
    """That of the model's coordinates, which are all alike; none where it has no coordinates."""
    nodes = jax.tree.leaves(model, is_leaf=is_constant)
    return next((node.transform for node in nodes if isinstance(node, Coordinates)), Transform())


def _transform_from(entries: Mapping[str, Any] | None) -> Transform:
    return Transform() if entries is None else instance(Transform, entries)


def _filled(like: Any, arrays: Mapping[str, np.ndarray], source: str) -> Any:
    """`like` with its arrays replaced by those of the file, after checking every one of them."""
    wanted = arrays_of(like)
    saved = {name.removeprefix("model."): array for name, array in arrays.items() if name.startswith("model.")}
    for name in [*wanted, *saved]:
        if name not in saved or name not in wanted:
            where = "missing from it" if name not in saved else "not in a model of this structure"
            raise StoreError(f"{source} does not fit: {name} is {where}.")
        shape = tuple(wanted[name].shape)
        if saved[name].shape != shape:
            raise StoreError(f"{source} does not fit: {name} has shape {saved[name].shape} instead of {shape}.")
        if saved[name].dtype.kind != np.dtype(wanted[name].dtype).kind:
            raise StoreError(f"{source} does not fit: {name} has type {saved[name].dtype}, not {wanted[name].dtype}.")
        if not np.isfinite(saved[name]).all():
            raise StoreError(f"{source} is damaged: {name} holds a number that is not finite.")
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    filled = [
        # Not wider than JAX is set to: float64 arrays are read as float32 without x64.
        jnp.asarray(array, jax.dtypes.canonicalize_dtype(array.dtype))
        if (array := saved.get(jax.tree_util.keystr(at, simple=True, separator="."))) is not None and is_kept(leaf)
        else leaf
        for at, leaf in leaves
    ]
    return jax.tree_util.tree_unflatten(structure, filled)
