"""Neural ODEs fitted to trajectories with L-BFGS.

    import neuralode_lbfgs as nl

Nothing is imported until it is used: importing the package takes a few milliseconds, prints nothing
and leaves `jax.config` as it was.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data import (
        DataError,
        Trajectories,
        Trajectory,
        dataset_names,
        from_arrays,
        from_frame,
        load_dataset,
        read_csv,
        write_csv,
    )
    from .estimator import NeuralODERegressor
    from .fitting import FitOptions, FitResult, fit, predict_many
    from .models import Coordinates, LinearInputs, MLPVectorField, NeuralODE, SecondOrderField, constant, rates
    from .optimise import LBFGS, Optax, StopReason, minimise
    from .outputs import metrics, plots
    from .outputs.field_grid import field_on_grid
    from .outputs.store import load_model, save_model
    from .systems import SYSTEMS, get_system, simulate

    __version__: str

# Public name -> module it is found in; a name that ends the module's own path is the module itself.
_HOMES = {
    "Coordinates": "models",
    "DataError": "data",
    "FitOptions": "fitting",
    "FitResult": "fitting",
    "LBFGS": "optimise",
    "LinearInputs": "models",
    "MLPVectorField": "models",
    "NeuralODE": "models",
    "NeuralODERegressor": "estimator",
    "Optax": "optimise",
    "SYSTEMS": "systems",
    "SecondOrderField": "models",
    "StopReason": "optimise",
    "Trajectories": "data",
    "Trajectory": "data",
    "constant": "models",
    "dataset_names": "data",
    "field_on_grid": "outputs.field_grid",
    "fit": "fitting",
    "from_arrays": "data",
    "from_frame": "data",
    "get_system": "systems",
    "load_dataset": "data",
    "load_model": "outputs.store",
    "metrics": "outputs.metrics",
    "minimise": "optimise",
    "plots": "outputs.plots",
    "predict_many": "fitting",
    "rates": "models",
    "read_csv": "data",
    "save_model": "outputs.store",
    "simulate": "systems",
    "write_csv": "data",
}

__all__ = [
    "LBFGS",
    "SYSTEMS",
    "Coordinates",
    "DataError",
    "FitOptions",
    "FitResult",
    "LinearInputs",
    "MLPVectorField",
    "NeuralODE",
    "NeuralODERegressor",
    "Optax",
    "SecondOrderField",
    "StopReason",
    "Trajectories",
    "Trajectory",
    "__version__",
    "constant",
    "dataset_names",
    "field_on_grid",
    "fit",
    "from_arrays",
    "from_frame",
    "get_system",
    "load_dataset",
    "load_model",
    "metrics",
    "minimise",
    "plots",
    "predict_many",
    "rates",
    "read_csv",
    "save_model",
    "simulate",
    "write_csv",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value = version("neuralode-lbfgs")
        except PackageNotFoundError:  # a checkout on the path
            value = "unknown"
    elif name in _HOMES:
        home = _HOMES[name]
        module = import_module(f"{__name__}.{home}")
        value = module if home.endswith(f".{name}") else getattr(module, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
