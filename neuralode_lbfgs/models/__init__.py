"""Models: vector fields, coordinates, and neural ODEs. Knows nothing of files or losses."""

from .constrained import constrained, innermost, leaf_names, plain
from .coordinates import Constant, Coordinates, constant, is_constant, with_coordinates
from .failures import failed_solves_as_nan
from .inputs import Inputs, LinearInputs, SteppedInputs, sampled_inputs
from .kinetics import Kinetics
from .mechanics import EquationsOfMotion
from .neural_ode import NeuralODE
from .polynomial import Polynomial, all_monomials, monomials, shifted_monomials
from .rates import rates
from .second_order import SecondOrderField
from .solve import Mesh, Steps, Tableau, is_explicit, solve_on_mesh, steps_of
from .trainable import Split, count_trained, trainable
from .transform import Transform
from .vector_fields import MLPVectorField

__all__ = [
    "Constant",
    "Coordinates",
    "EquationsOfMotion",
    "Inputs",
    "Kinetics",
    "LinearInputs",
    "MLPVectorField",
    "Mesh",
    "NeuralODE",
    "Polynomial",
    "SecondOrderField",
    "Split",
    "SteppedInputs",
    "Steps",
    "Tableau",
    "Transform",
    "all_monomials",
    "constant",
    "constrained",
    "count_trained",
    "failed_solves_as_nan",
    "innermost",
    "is_constant",
    "is_explicit",
    "leaf_names",
    "monomials",
    "plain",
    "rates",
    "sampled_inputs",
    "shifted_monomials",
    "solve_on_mesh",
    "steps_of",
    "trainable",
    "with_coordinates",
]
