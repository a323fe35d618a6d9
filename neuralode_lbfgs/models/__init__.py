"""Models: vector fields, coordinates, and neural ODEs. Knows nothing of files or losses."""

from .coordinates import Coordinates, is_constant, with_coordinates
from .failures import failed_solves_as_nan
from .inputs import Inputs, LinearInputs
from .neural_ode import NeuralODE
from .second_order import SecondOrderField
from .solve import Mesh, Tableau, is_explicit, solve_on_mesh
from .trainable import trainable
from .vector_fields import MLPVectorField

__all__ = [
    "Coordinates",
    "Inputs",
    "LinearInputs",
    "MLPVectorField",
    "Mesh",
    "NeuralODE",
    "SecondOrderField",
    "Tableau",
    "failed_solves_as_nan",
    "is_constant",
    "is_explicit",
    "solve_on_mesh",
    "trainable",
    "with_coordinates",
]
