"""The sizes and names that a `NeuralODE` of a network is built from, as they are saved and typed."""

from dataclasses import dataclass
from typing import Any

import diffrax
import numpy as np

from ..data.errors import did_you_mean
from ..models import MLPVectorField, NeuralODE, SecondOrderField
from ..models.activations import ACTIVATIONS, plain_function

# Those of diffrax that choose their steps from an estimate of their error, and take a field in one part (the KenCarp
# solvers and Sil3 want it as a sum of two).
SOLVERS: dict[str, type[diffrax.AbstractSolver[Any]]] = {
    name: getattr(diffrax, name)
    for name in (
        "Tsit5",
        "Dopri5",
        "Dopri8",
        "Bosh3",
        "Heun",
        "Ralston",
        "Midpoint",
        "ImplicitEuler",
        "Kvaerno3",
        "Kvaerno4",
        "Kvaerno5",
    )
}


@dataclass(frozen=True)
class ModelSpec:
    """What a `NeuralODE` of an `MLPVectorField`, or of a `SecondOrderField`, is built from.

    `state_size` counts all states, the hidden ones too.
    """

    state_size: int
    input_size: int = 0
    width_size: int = 16
    depth: int = 2
    activation: str = "tanh"
    time_dependent: bool = False
    solver: str = "Tsit5"
    rtol: float = 1e-6
    atol: float = 1e-6
    max_steps: int = 16**4
    rates: tuple[tuple[int, int], ...] = ()
    second_order: bool = False
    degree: int = 0  # of the polynomial beside the network
    of_positions: bool = False  # whether the network sees them alone
    of_motion: bool = False  # whether equations of motion are in its place
    steered: bool = False  # of these, whether the directions of inputs depend on the positions
    saturating: tuple[int, ...] = ()  # states and inputs that may saturate, in rate laws in its place
    factors: int = 0  # of their terms, at most


def build_model(spec: ModelSpec, key: Any) -> NeuralODE:
    """A new model with random weights.

    Raises:
        ValueError: if the activation or the solver is not known; the message suggests the nearest name.
    """
    for kind, name, known in (("activation", spec.activation, ACTIVATIONS), ("solver", spec.solver, SOLVERS)):
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}.")
    sizes: dict[str, Any] = {"width_size": spec.width_size, "depth": spec.depth, "input_size": spec.input_size}
    sizes["activation"] = ACTIVATIONS[spec.activation]
    if spec.second_order:
        vector_field = SecondOrderField(spec.state_size // 2, **sizes, key=key)
    else:
        vector_field = MLPVectorField(
            spec.state_size, **sizes, time_dependent=spec.time_dependent, rates=dict(spec.rates), key=key
        )
    if spec.of_motion:
        vector_field = vector_field.of_motion(np.zeros(len(vector_field.rates)), spec.steered)
    elif spec.factors:
        may_saturate = np.isin(np.arange(spec.state_size + spec.input_size), spec.saturating)
        vector_field = vector_field.of_kinetics(may_saturate.astype(float), spec.factors)
    elif spec.of_positions:
        vector_field = vector_field.of_positions()
    elif spec.degree:
        vector_field = vector_field.with_polynomial(spec.degree)
    return NeuralODE(
        vector_field,
        solver=SOLVERS[spec.solver](),
        rtol=spec.rtol,
        atol=spec.atol,
        max_steps=spec.max_steps,
    )


def spec_of(model: Any) -> ModelSpec | None:
    """The spec from which `build_model` makes a model of this structure, or None if there is none."""
    network = getattr(model, "vector_field", None)
    if type(model) is not NeuralODE or not (type(network) is MLPVectorField or type(network) is SecondOrderField):
        return None
    second_order = type(network) is SecondOrderField
    mlp: Any = network.mlp
    sizes: dict[str, Any] = {}  # laws have none of their own
    if not network.is_law:
        activation = [name for name, known in ACTIVATIONS.items() if known is plain_function(mlp.activation)]
        if not activation:
            return None
        sizes = {"width_size": mlp.width_size, "depth": mlp.depth, "activation": activation[0]}
    solver = [name for name, known in SOLVERS.items() if type(model.solver) is known and model.solver == known()]
    if not solver:
        return None
    return ModelSpec(
        state_size=network.coordinates.centre.shape[0],
        input_size=network.coordinates.input_centre.shape[0],
        **sizes,
        time_dependent=network.time_dependent,
        solver=solver[0],
        rtol=model.rtol,
        atol=model.atol,
        max_steps=model.max_steps,
        rates=() if second_order else network.rates,
        second_order=second_order,
        degree=network.degree,
        of_positions=network.sees_positions,
        of_motion=network.is_mechanical,
        steered=network.is_mechanical and mlp.steered.size > 0,
        saturating=mlp.variables if network.is_kinetic else (),
        factors=mlp.degree if network.is_kinetic else 0,
    )
