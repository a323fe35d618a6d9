"""Settings of the test run: they must come before JAX and Equinox are imported."""

import os
from importlib.metadata import version

os.environ.setdefault("EQX_ON_ERROR", "nan")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The tests spend most of their time in the compiler; its older backend takes half of that, and without optimising what
# runs for milliseconds a quarter less. A version that does not know a flag would end the process, so they are given to
# those only that do.
if version("jaxlib").startswith(("0.8.", "0.9.", "0.10.")):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0")

import jax
import jaxtyping
import pytest

# Shapes and types of annotations are checked at run time, in tests only. By PEP 484 an int may pass as a float.
jaxtyping.install_import_hook("neuralode_lbfgs", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session")
def _folder_of_the_cache(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the run; each process has one of its own below
    return folder / "cache"


@pytest.fixture(scope="module")
def one_cache(_folder_of_the_cache):
    """Fits of one shape are compiled once, here and in the processes that are started, and not in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_folder_of_the_cache))
        yield
    jax.config.update("jax_compilation_cache_dir", None)


def pytest_collection_modifyitems(items):
    """The pages of the documentation first: each is one long test, and at the end one process would wait for it."""
    items.sort(key=lambda item: "test_pages" not in item.nodeid)
