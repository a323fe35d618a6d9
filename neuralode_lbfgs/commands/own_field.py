"""A person's own vector field, from a Python file that they name: `my_physics.py:Pendulum`.

The only place that runs code from a file. A run's folder never asks for it by itself: its config names the file, and
`predict` and `plot` take it from a flag.
"""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..data import counted, did_you_mean
from ..fitting.constraints import covering, with_constraints
from ..fitting.options import FitOptions
from ..models import Coordinates, NeuralODE, is_constant, leaf_names, trainable, with_coordinates
from ..outputs.spec import SOLVERS
from .options import ModelOptions

CALLED = "(t, y, args)"
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def own_model(reference: str, options: ModelOptions, state_size: int, input_size: int) -> NeuralODE:
    """The model of a vector field of one's own.

    A class or a function that makes one is called without arguments if that is possible, else with those of the
    keywords `state_size`, `input_size` and `key` that it has; anything else is taken as it is.

    Args:
        reference: FILE.py:NAME.
        options: the solver, and the seed of the key.

    Raises:
        ValueError: one sentence, if there is no such field, it fails, or does not return dy/dt.
    """
    file, _, name = reference.rpartition(":")
    if not file or not name:
        raise ValueError(f"a vector field is named FILE.py:NAME, such as my_physics.py:Pendulum; not {reference}.")
    path = Path(file)
    with told_in_a_sentence(path, f"{file} cannot be imported"):
        module = _imported(path)
    found = _named(module, name, file)
    sizes = {"state_size": state_size, "input_size": input_size, "key": jax.random.key(options.seed)}
    with told_in_a_sentence(path, f"{reference} cannot be made"):
        field = _made(found, sizes, reference)
    _check(field, reference, path, state_size, input_size)
    model = NeuralODE(
        field, solver=SOLVERS[options.solver](), rtol=options.rtol, atol=options.atol, max_steps=options.max_steps
    )
    return with_coordinates(model, Coordinates.identity(state_size, input_size))


def described(model: NeuralODE, options: FitOptions) -> list[str]:
    """The paths of its trained parameters, with small ones' values, and of the frozen ones.

    Raises:
        ValueError: if options name no parameter, one that starts outside of its bounds, or leave nothing to train.
    """
    if not jax.tree.leaves(trainable(with_constraints(model, options, []))[0]):
        raise ValueError(
            "there is nothing to train: the vector field holds no array of floating-point numbers that is not frozen "
            "(a Python float is a constant)."
        )
    kinds: dict[str, list[str]] = {"trained": [], "frozen": []}
    for name, leaf in leaf_names(model.vector_field).items():
        if not is_constant(leaf) and eqx.is_inexact_array(leaf):
            value = f" = {float(leaf):.5g}" if leaf.ndim == 0 else f" {leaf.shape}"
            kinds["frozen" if covering(name, options.freeze) else "trained"].append(f"{name}{value}")
    return [f"{kind}: {', '.join(names) or 'none'}" for kind, names in kinds.items()]


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"{path} does not exist; a vector field is named FILE.py:NAME.")
    # A name that no installed module has: a file may be called jax.py.
    name = f"vector_field_of_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file (.py).")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # files beside it can be imported, as in a script
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _named(module: ModuleType, name: str, file: str) -> Any:
    if not hasattr(module, name):
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        here = [key for key in own if getattr(getattr(module, key), "__module__", None) == module.__name__]
        listed = f"; there are {', '.join(here)}" if here else ""
        raise ValueError(f"{file} has no {name!r}{did_you_mean(name, own)}{listed}.")
    return getattr(module, name)


def _made(found: Any, sizes: dict[str, Any], reference: str) -> Any:
    """A vector field: made by a class or a function, or `found` itself."""
    if not callable(found):
        raise ValueError(f"{reference} is not callable as {CALLED}: it is of type {type(found).__name__}.")
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return found
    parameters = [one for one in inspect.signature(found).parameters.values() if one.kind not in VARIADIC]
    needed = [one.name for one in parameters if one.default is one.empty]
    missing = [name for name in needed if name not in sizes]
    if missing and not inspect.isclass(found) and _is_field(found):
        return found
    if missing:
        raise ValueError(
            f"{reference} needs {missing[0]!r}, which is not given: give it a default, or name a function that makes "
            "the vector field without."
        )
    keywords = {one.name: sizes[one.name] for one in parameters if one.name in sizes} if needed else {}
    return found(**keywords)


def _is_field(found: Callable) -> bool:
    """Whether it can be called with a time, a state and inputs."""
    try:
        inspect.signature(found).bind(0.0, None, None)
    except TypeError:
        return False
    return True


def _check(field: Any, reference: str, path: Path, state_size: int, input_size: int) -> None:
    """Evaluate its shape once, without compiling anything."""
    if not callable(field):
        raise ValueError(f"{reference} makes {type(field).__name__}, which is not callable as {CALLED}.")
    if not _is_field(field):
        raise ValueError(f"{reference} is not callable as {CALLED}: its arguments are {inspect.signature(field)}.")
    dtype = jnp.result_type(float)
    y = jax.ShapeDtypeStruct((state_size,), dtype)
    u = jax.ShapeDtypeStruct((input_size,), dtype) if input_size else None
    where = f"{reference} cannot be evaluated for {counted(state_size, 'state')} and {counted(input_size, 'input')}"
    for name, leaf in leaf_names(field).items():
        if eqx.is_inexact_array(leaf) and not is_constant(leaf) and not bool(jnp.isfinite(leaf).all()):
            raise ValueError(f"{reference}: the parameter {name!r} starts at NaN or infinity; start it at a number.")
    with told_in_a_sentence(path, where):
        rate = eqx.filter_eval_shape(field, jax.ShapeDtypeStruct((), dtype), y, u)
    shape = getattr(rate, "shape", None)
    if shape != (state_size,):
        what = f"shape {shape}" if shape is not None else f"a {type(rate).__name__}"
        raise ValueError(
            f"{reference} returns {what}, but there {'is 1 state' if state_size == 1 else f'are {state_size} states'}: "
            f"it must return dy/dt as an array of shape ({state_size},)."
        )


@contextmanager
def told_in_a_sentence(path: Path, what: str) -> Iterator[None]:
    """Whatever a person's code raises, as one sentence with the last of their own lines.

    Raises:
        ValueError: in place of any other error.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        own = [one.lineno for one in traceback.extract_tb(error.__traceback__) if _is_of(one.filename, path)]
        if isinstance(error, SyntaxError) and error.filename and _is_of(error.filename, path):
            own.append(error.lineno)
        if type(error) is ValueError and not own:
            raise  # a sentence already
        at = f"{path}, line {own[-1]}: " if own else ""
        said = (str(error).splitlines() or [""])[0].rstrip(".")
        raise ValueError(f"{what}: {at}{type(error).__name__}{': ' if said else ''}{said}.") from error


def _is_of(file: str, path: Path) -> bool:
    return Path(file).resolve() == path.resolve()
