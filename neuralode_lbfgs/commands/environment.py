"""How JAX is set up for the command line; a library must leave this to its user."""

import os
from pathlib import Path


def prepare_jax(*, float32: bool = False, cache: bool = True) -> None:
    """Double precision, failures as NaN, and compiled programs kept for the next run.

    Must come before the first import of Equinox to be of full use: it reads its settings then.
    """
    # A solve that fails must not end a fit; and callbacks that raise cannot be kept on disk.
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    import jax

    jax.config.update("jax_enable_x64", not float32)
    folder = cache_folder() if cache else None
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        # Most programs of a fit compile in less than the second from which JAX keeps them by default.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def cache_folder() -> Path | None:
    """The user's cache folder for this program, made if needed; None if it cannot be written."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "neuralode-lbfgs"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None
