"""The options of the command line: what is typed as flags, read from a config file, and written beside a run.

A flag is a field with dashes for underscores, its help the text below the field. Defaults and help live here and
in `FitOptions`, and nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Activation = Literal["tanh", "softplus", "silu", "relu", "gelu", "elu", "sin"]
Solver = Literal[
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
]

FINEST = 1e-14  # relative tolerance that a solver can keep in double precision

DataPath = Annotated[
    tuple[str, ...],
    Parameter(
        help="A CSV, Parquet or NPZ file, or the name of a bundled data set. Several files are a trajectory each, "
        "unless a column names them.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class DataOptions:
    """What the columns are and what is held out."""

    time: str | None = None
    """Column of times: numbers, or timestamps of ISO 8601; by default the one called t, time, ..."""

    states: tuple[str, ...] | None = None
    """Columns that the model describes; by default all that have no other role."""

    inputs: tuple[str, ...] | None = None
    """Columns that are known and drive the model."""

    input_hold: tuple[str, ...] | None = None
    """Inputs that keep the value of a row until the next one; by default those that look like steps or pulses."""

    input_linear: tuple[str, ...] | None = None
    """Inputs that are linear between rows; by default the others."""

    trajectory: str | None = None
    """Column that names the run of each row; by default the one called id, run, ..."""

    sd_columns: tuple[str, ...] | None = None
    """Columns of standard deviations, as STATE=COLUMN; they weigh the observations of the state."""

    noise: tuple[str, ...] | None = None
    """Standard deviations of all observations of a state, as STATE=NUMBER."""

    train_until: float | str | None = None
    """Train on rows up to this time (a number, a timestamp such as 2024-01-31T13:45, or a date as the file writes it),
    and test on those after it."""

    test_trajectories: tuple[str, ...] | None = None
    """Trajectories to hold out and test on; with no name after it, none are held out."""

    period: tuple[str, ...] = ()
    """Periods of what drives the system and is in no column, in the unit of the times, or of dates hour, day, week or
    year: their sines and cosines are inputs."""

    keep_outliers: bool = False
    """Fit values that stand alone, too: far off the rows on both sides, which agree without them."""


@dataclass(frozen=True)
class ModelOptions:
    """The network, or your own equations, and the solver."""

    vector_field: str | None = None
    """Your own equations in place of a network, FILE.py:NAME: a module called as (t, y, args), its class, or a function
    that makes one."""

    width_size: int = 16
    """Units in each hidden layer of the network."""

    depth: int = 2
    """Hidden layers of the network."""

    activation: Activation = "tanh"
    """Activation of the hidden layers."""

    rate: tuple[str, ...] = ()
    """States whose rate is exactly another state, as angle=velocity; the network learns the other rates."""
    hidden_states: int = 0
    """States beside those in the data, for a system that the data do not show fully; their initial values are
    estimated with the model, and at prediction from the first rows."""

    second_order: bool = False
    """The states are positions: their velocities are hidden, and the network learns the accelerations."""

    solver: Solver = "Tsit5"
    """ODE solver; ImplicitEuler and the Kvaerno ones are for stiff systems."""

    rtol: float = 1e-6
    """Relative tolerance of the ODE solver."""

    atol: float = 1e-6
    """Absolute tolerance of the ODE solver, in units of each state's scale."""

    max_steps: int = 16**4
    """Steps of the ODE solver in one solve, at most."""

    seed: int = 0
    """For the initial weights."""

    def __post_init__(self) -> None:
        least_of = {"width_size": 1, "depth": 0, "max_steps": 1, "seed": 0, "hidden_states": 0}
        for name, least in least_of.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}; it is {getattr(self, name)}.")
        if self.seed >= 2**63:
            raise ValueError(f"seed must be less than 2^63; it is {self.seed}.")
        if 0 < self.rtol < FINEST:
            raise ValueError(f"rtol must be at least {FINEST:g}, where double precision ends; it is {self.rtol}.")
        for name in ("rtol", "atol"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1; it is {getattr(self, name)}.")
        if self.second_order and self.hidden_states:
            raise ValueError("--second-order has the velocities as hidden states; leave out --hidden-states.")
        if self.vector_field is not None and (self.rate or self.second_order):
            flag = "--rate" if self.rate else "--second-order"
            raise ValueError(f"{flag} is for networks, and your own vector field says all rates itself; leave it out.")

    def state_size(self, observed: int) -> int:
        """The number of states, of which so many are observed."""
        return 2 * observed if self.second_order else observed + self.hidden_states


@dataclass(frozen=True)
class RunOptions:
    """Where results go and how the program runs."""

    out: Path | None = None
    """Folder of the results; by default runs/NAME, NAME being the data's."""

    overwrite: bool = False
    """Replace the run that is in the folder."""

    resume: Path | None = None
    """Go on with the fit in this folder that was stopped, with the options that it had."""

    dry_run: bool = False
    """Say what was understood and what would be done; fit and write nothing."""

    quiet: bool = False
    """No progress."""

    no_plots: bool = False
    """Draw nothing; `plot` can do it later."""

    no_report: bool = False
    """Write no report.html; `report` can do it later."""

    float32: bool = False
    """Single precision; fits end earlier and worse."""

    no_compilation_cache: bool = False
    """Do not keep compiled programs for the next run."""

    config: Path | None = None
    """A config.toml as a run writes it; flags win over it."""
