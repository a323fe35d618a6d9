"""The arrays of a model, under the paths of its leaves."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def is_kept(leaf: object) -> bool:
    """Whether a leaf is an array that a file holds."""
    # Random keys have no numbers that safetensors knows, and are no part of what was learned.
    kept = isinstance(leaf, jax.Array | np.ndarray | jax.ShapeDtypeStruct)
    return kept and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def arrays_of(model: Any) -> dict[str, Any]:
    """By paths such as `vector_field.mlp.layers.0.weight`."""
    leaves = jax.tree_util.tree_flatten_with_path(model)[0]
    return {jax.tree_util.keystr(at, simple=True, separator="."): leaf for at, leaf in leaves if is_kept(leaf)}


def refuse_unsavable(model: Any, target: Path) -> None:
    """Refuse what would be written without a single number, or nowhere.

    Raises:
        TypeError: if there is no array in the model.
        FileNotFoundError: if there is no such folder.
    """
    if not arrays_of(model):
        advice = "give result.model" if hasattr(model, "model") else "give a NeuralODE or a module that holds arrays"
        raise TypeError(f"a {type(model).__name__} holds no arrays of its own, so it cannot be saved; {advice}.")
    if not target.absolute().parent.is_dir():
        folder = target.parent
        raise FileNotFoundError(f"{target} cannot be written: the folder {folder} does not exist; make it first.")
