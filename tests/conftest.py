"""Settings of the test run: they must come before JAX and Equinox are imported."""

import os

os.environ.setdefault("EQX_ON_ERROR", "nan")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jaxtyping

# Shapes and types of annotations are checked at run time, in tests only. By PEP 484 an int may pass as a float.
jaxtyping.install_import_hook("neuralode_lbfgs", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
jax.config.update("jax_enable_x64", True)
