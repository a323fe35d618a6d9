"""The known systems by name."""

import math

from ..data.errors import did_you_mean
from . import chemistry, flows, oscillators, populations
from .system import System

DIMENSIONLESS_PLANE = {"t": "1", "x": "1", "y": "1"}

LOTKA_VOLTERRA = System(
    name="lotka_volterra",
    vector_field=populations.LotkaVolterra(),
    state_names=("prey", "predators"),
    units={"t": "1", "prey": "1", "predators": "1"},
    y0=(1.0, 1.0),
    t1=10.0,
    # Off the axes: from a start near extinction, peaks are hundreds of times as high as troughs.
    start_box=((0.5, 3.0), (1.0, 4.6)),
    source="Rackauckas et al. 2020 for the rates; start and span are this package's own choice",
)

_ALL = (
    System(
        name="spiral_cubic",
        vector_field=flows.SpiralCubic(),
        state_names=("x", "y"),
        units=DIMENSIONLESS_PLANE,
        y0=(2.0, 0.0),
        t1=25.0,
        # Off the middle, where it hardly moves; turning carries every start all the way round.
        start_box=((1.0, 2.0), (-1.0, 1.0)),
        source="Chen et al. 2018, Neural Ordinary Differential Equations; torchdiffeq examples/ode_demo.py",
    ),
    System(
        name="spiral_linear",
        vector_field=flows.SpiralLinear(),
        state_names=("x", "y"),
        units=DIMENSIONLESS_PLANE,
        y0=(1.0, 0.5),
        t1=3.0,
        start_box=((-2.0, 2.0), (-2.0, 2.0)),
        source="diffrax, latent_ode example",
    ),
    System(
        name="diffrax_neural_ode",
        vector_field=flows.RationalCentre(),
        state_names=("y1", "y2"),
        units={"t": "1", "y1": "1", "y2": "1"},
        y0=(0.5, 0.2),
        t1=10.0,
        start_box=((-0.6, 1.0), (-0.6, 1.0)),
        source="diffrax, neural_ode example",
    ),
    LOTKA_VOLTERRA,
    System(
        name="lotka_volterra_ude",
        vector_field=LOTKA_VOLTERRA.vector_field,
        state_names=LOTKA_VOLTERRA.state_names,
        units=LOTKA_VOLTERRA.units,
        y0=(0.44249296, 4.6280594),
        t1=3.0,
        start_box=((0.3, 0.7), (3.5, 5.0)),
        source="Rackauckas et al. 2020, Universal Differential Equations for Scientific Machine Learning",
    ),
    System(
        name="van_der_pol",
        vector_field=oscillators.VanDerPol(mu=1.0),
        state_names=("x", "v"),
        units={"t": "1", "x": "1", "v": "1"},
        y0=(2.0, 0.0),
        t1=20.0,
        start_box=((-2.0, 2.0), (-2.0, 2.0)),
        source="van der Pol 1926, On relaxation-oscillations; mu = 1",
    ),
    System(
        name="van_der_pol_stiff",
        vector_field=oscillators.VanDerPol(mu=100.0),
        state_names=("x", "v"),
        units={"t": "1", "x": "1", "v": "1"},
        y0=(2.0, 0.0),
        t1=200.0,
        start_box=((-2.0, 2.0), (-2.0, 2.0)),
        stiff=True,
        source="van der Pol 1926, On relaxation-oscillations; mu = 100",
    ),
    System(
        name="fitzhugh_nagumo",
        vector_field=oscillators.FitzHughNagumo(),
        state_names=("V", "R"),
        units={"t": "1", "V": "1", "R": "1"},
        y0=(-1.0, 1.0),
        t1=20.0,
        start_box=((-2.0, 2.0), (-1.0, 1.0)),
        source="Ramsay et al. 2007, Parameter estimation for differential equations: a generalized smoothing approach",
    ),
    System(
        name="pendulum_damped",
        vector_field=oscillators.DampedPendulum(),
        state_names=("theta", "omega"),
        units={"t": "s", "theta": "rad", "omega": "rad/s"},
        y0=(math.pi - 0.1, 0.0),
        t1=10.0,
        # Not up to pi: a start near the unstable top tells little until it leaves, at a time that hangs on digits.
        start_box=((-2.5, 2.5), (-2.0, 2.0)),
        source="SciPy documentation of scipy.integrate.odeint",
    ),
    System(
        name="duffing_forced",
        vector_field=oscillators.ForcedDuffing(),
        state_names=("x", "v"),
        units={"t": "1", "x": "1", "v": "1", "u": "1"},
        y0=(1.0, 0.0),
        t1=50.0,
        start_box=((-1.5, 1.5), (-1.0, 1.0)),
        inputs=oscillators.duffing_force,
        input_names=("u",),
        source="Guckenheimer and Holmes 1983; numbers of Wikipedia, Duffing equation: gamma = 0.37, omega = 1.2",
    ),
    System(
        name="lorenz63",
        vector_field=flows.Lorenz63(),
        state_names=("x", "y", "z"),
        units={"t": "1", "x": "1", "y": "1", "z": "1"},
        y0=(-8.0, 7.0, 27.0),
        t1=5.0,
        start_box=((-15.0, 15.0), (-20.0, 20.0), (10.0, 40.0)),
        source="Lorenz 1963, Deterministic Nonperiodic Flow; the start of Brunton, Proctor and Kutz 2016",
    ),
    System(
        name="robertson",
        vector_field=chemistry.Robertson(),
        state_names=("A", "B", "C"),
        units={"t": "s", "A": "1", "B": "1", "C": "1"},
        y0=(1.0, 0.0, 0.0),
        t1=1e5,
        start_box=((0.5, 1.0), (0.0, 0.0), (0.0, 0.5)),
        times="log",
        stiff=True,
        source="Robertson 1966, The solution of a set of reaction rate equations; times of Kim et al. 2021, "
        "Stiff neural ordinary differential equations",
    ),
    System(
        name="sir",
        vector_field=populations.SIR(),
        state_names=("S", "I", "R"),
        units={"t": "d", "S": "1", "I": "1", "R": "1"},
        y0=(0.999, 0.001, 0.0),
        t1=60.0,
        # The states of a random start need not sum to one: the rest of the population is immune and not counted.
        start_box=((0.7, 0.99), (0.001, 0.01), (0.0, 0.0)),
        source="Kermack and McKendrick 1927; the numbers are this package's own choice",
    ),
    System(
        name="brusselator",
        vector_field=chemistry.Brusselator(),
        state_names=("x", "y"),
        units=DIMENSIONLESS_PLANE,
        y0=(1.5, 3.0),
        t1=20.0,
        start_box=((0.5, 3.0), (1.0, 4.5)),
        source="Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section I.16",
    ),
    System(
        name="mass_spring_forced",
        vector_field=oscillators.ForcedMassSpring(),
        state_names=("x", "v"),
        units={"t": "s", "x": "m", "v": "m/s", "u": "N"},
        y0=(0.5, 0.0),
        t1=20.0,
        start_box=((-1.0, 1.0), (-2.0, 2.0)),
        inputs=oscillators.mass_spring_force,
        input_names=("u",),
        source="any textbook of mechanics; the numbers are this package's own choice",
    ),
    System(
        name="saturation",
        vector_field=flows.Saturation(),
        state_names=("y",),
        units={"t": "1", "y": "1"},
        y0=(0.0,),
        t1=20.0,
        start_box=((0.0, 3.0),),
        source="the shape of the hybrid model of optax issue 1304",
    ),
)

SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}
"""Every known system by its name."""


def get_system(name: str) -> System:
    """The known system of that name.

    Raises:
        ValueError: if there is none; the message suggests the nearest name.
    """
    if name in SYSTEMS:
        return SYSTEMS[name]
    raise ValueError(f"there is no system {name!r}{did_you_mean(name, SYSTEMS)}; there are {', '.join(SYSTEMS)}.")
