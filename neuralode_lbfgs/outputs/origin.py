"""What a run was made with: versions, device, and the files that went into it."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import jax

from .. import __version__
from .checksum import fingerprint

PACKAGES = ("jax", "jaxlib", "equinox", "diffrax", "optax", "numpy", "scipy")  # those whose numbers a fit is made of
MOST_NAMED = 20  # of what is not as it was; there are eleven
DATA, FIELD, OWN = "data_sha256", "vector_field_sha256", "neuralode_lbfgs"


def made_with(data: Sequence[str | os.PathLike[str]], vector_field: str | None = None) -> dict[str, Any]:
    """What decides the numbers of a run beside its options, for its config file.

    Args:
        data: the files of the data.
        vector_field: the file of equations of one's own.
    """
    device = jax.devices()[0]
    found: dict[str, Any] = {OWN: __version__, "python": platform.python_version()}
    found |= {package: version(package) for package in PACKAGES}
    found["device"] = device.platform if device.platform == device.device_kind else device.device_kind
    found["system"] = f"{platform.system()} {platform.machine()}"
    found[DATA] = [fingerprint([path]) for path in data]
    if vector_field is not None:
        found[FIELD] = fingerprint([vector_field])
    return found


def other_files(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which kinds of files are not what they were, in words."""
    kinds = ((DATA, "the data"), (FIELD, "the file of the vector field"))
    return [words for key, words in kinds if key in then and then[key] != now.get(key)]


def other_versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What else is not what it was, as `jax 0.10.1 (now 0.10.2)`."""
    names = [name for name in then if name not in (DATA, FIELD) and then[name] != now.get(name)]
    return [f"{shown(name)} {shown(then[name])} (now {shown(now.get(name))})" for name in names[:MOST_NAMED]]


def shown(value: Any, most: int = 60) -> str:
    """A value from a file within a sentence: one line, not too long, and nothing that a terminal would obey."""
    text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(value)[: 10 * most].split()))
    return text if len(text) <= most else f"{text[: most - 3]}..."
