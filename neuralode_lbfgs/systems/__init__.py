"""Known systems as vector fields, and trajectories simulated from them or from any vector field."""

from .chemistry import Brusselator, Robertson
from .flows import Lorenz63, RationalCentre, Saturation, SpiralCubic, SpiralLinear
from .oscillators import (
    DampedPendulum,
    FitzHughNagumo,
    ForcedDuffing,
    ForcedMassSpring,
    VanDerPol,
)
from .populations import SIR, LotkaVolterra
from .registry import SYSTEMS, get_system
from .simulate import simulate
from .system import System

__all__ = [
    "SIR",
    "SYSTEMS",
    "Brusselator",
    "DampedPendulum",
    "FitzHughNagumo",
    "ForcedDuffing",
    "ForcedMassSpring",
    "Lorenz63",
    "LotkaVolterra",
    "RationalCentre",
    "Robertson",
    "Saturation",
    "SpiralCubic",
    "SpiralLinear",
    "System",
    "VanDerPol",
    "get_system",
    "simulate",
]
