"""The options of a fit: one typed source for Python keywords, command-line flags and config.toml keys."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from .bounds import bounds_as_words, ranges_of

HIGHEST = 3  # few laws of motion, reaction or growth are of a higher degree
MOST_TERMS = 36  # of a degree that is chosen, the constant too: cubes of four variables, squares of seven

Optimizer = Literal["lbfgs", "optax-lbfgs", "adam"]


@dataclass(frozen=True)
class FitOptions:
    """How a model is fitted. Every field is a keyword of `fit` and a flag of the command line."""

    optimizer: Optimizer = "lbfgs"
    """What minimises the trajectory loss: our L-BFGS, optax's, or Adam."""

    max_iter: int = 2000
    """Iterations at most, over all rounds of the full-horizon stage."""

    max_evals: int = 3000
    """Evaluations of loss and gradient at most, over all rounds of the full-horizon stage."""

    gtol: float = 1e-8
    """Stop when the largest component of the gradient is below this."""

    ftol: float = 1e-6
    """Stop when the relative decrease stays below this for several iterations."""

    time_limit: float | None = None
    """Seconds of running, all stages together, compilation not counted; the best model so far is kept."""

    memory_size: int = 50
    """Curvature pairs that L-BFGS keeps."""

    initial_step: float | None = None
    """First trial step of each line search (L-BFGS, default 1), or Adam's learning rate (default 0.01)."""

    initial_states: Literal["auto", "data", "estimate"] = "auto"
    """Start trajectories at their first rows, or estimate the starts with the model.
    auto: estimate where data are noisy or a first row is incomplete."""

    weight_decay: float | None = None
    """Weight decay of the networks; chosen from the evidence of the data by default."""

    stages: tuple[str, ...] = ()
    """Stages to run, of: matching, shooting, full, polish. By default those that suit the data; where matching alone
    keeps in step with them, polish follows at once."""

    transform: tuple[str, ...] = ()
    """States to model in logarithms, as log=cells,substrate; zeros enter as half the smallest positive value."""

    positive: tuple[str, ...] = ()
    """States that stay positive whatever the network says, far beyond the data too; the data may hold zeros."""

    time_scale: Literal["linear", "log"] = "linear"
    """log: solve in the logarithm of time, for times that are log-spaced."""

    validation: bool = True
    """Hold out a quarter of the trajectories, where there are at least three with 400 numbers in all, to see which
    stage predicts best, and run that one with all of them. Not with stages of your own."""

    process_noise: bool | None = None
    """Whether noise moves the system itself, beside that of the measurements: then short pieces are fitted, and what is
    held out later is forecast from the last rows. By default where a fit ends far above the noise of the measurements
    and errors one row ahead say so, and predictions from first rows are no worse for it."""

    degree: int | None = None
    """Degree of a polynomial beside the network, which is kept where it leads to the data and stays with them. By
    default up to 3, of few enough terms, and none in an ensemble; 0 for the network alone."""

    freeze: tuple[str, ...] = ()
    """Parameters to leave as they are, by their paths in the vector field; a path means all below it."""

    bounds: tuple[str, ...] = ()
    """Bounds of parameters, NAME=LOW:HIGH or with one side only: friction=0:1 stiffness=0:."""

    batch_size: int | None = None
    """Trajectories per step, drawn at random, short ones together counting as one of the longest; for adam on large
    data."""

    ensemble: int = 1
    """Fit so many members from different initial weights; predictions are their median, with a band. Runaway members
    are left out."""

    starts: int = 1
    """Begin from so many different initial weights; the hopeless are culled early, and the best validated is kept."""

    def __post_init__(self) -> None:
        ranges_of(self.bounds)
        _ = self.logarithms  # says what is wrong with them
        least = dict.fromkeys(("max_iter", "max_evals", "memory_size", "batch_size", "ensemble", "starts"), 1)
        for name, bound in {**least, "degree": 0}.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise ValueError(f"{name} must be at least {bound}; it is {value}.")
        for name in ("gtol", "ftol", "weight_decay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be a number that is not negative; it is {value}.")
        for name in ("time_limit", "initial_step"):
            value = getattr(self, name)
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"{name} must be positive; it is {value}.")
        if self.process_noise and self.stages:
            raise ValueError("process_noise has stages of its own; leave out stages.")
        if self.ensemble > 1 and self.starts > 1:
            raise ValueError("ensemble and starts are two uses of several initial weights; give one of them.")
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown:
            raise ValueError(f"there is no stage {unknown[0]!r}; the stages are {', '.join(STAGES)}.")
        if self.optimizer not in get_args(Optimizer):
            known = ", ".join(get_args(Optimizer))
            raise ValueError(f"there is no optimizer {self.optimizer!r}; the optimizers are {known}.")
        for field in fields(self):
            check_choice(field.name, getattr(self, field.name), _choices(field.type))

    @property
    def logarithms(self) -> tuple[str, ...]:
        """The states to model in logarithms.

        Raises:
            ValueError: if an entry of `transform` is not KIND=STATE,STATE with a kind that is known.
        """
        states: list[str] = []
        for entry in self.transform:
            kind, _, names = entry.partition("=")
            if kind != "log" or not all(names.split(",")):
                raise ValueError(f"transform is log=STATE,STATE, such as log=cells,substrate; it is {entry!r}.")
            states += names.split(",")
        return tuple(states)

    def degree_beside(self, variables: int) -> int:
        """The degree of the polynomial beside a network of so many states and inputs; 0 where there is to be none.

        By default the highest of few enough terms, and none in an ensemble, whose members would all find the same one,
        so that their band would be none.
        """
        if self.degree is not None:
            return self.degree
        if self.ensemble > 1:
            return 0
        return next(d for d in range(HIGHEST, -1, -1) if math.comb(variables + d, d) <= MOST_TERMS)


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse a value that is none of the choices; nothing is refused where there are none to choose from.

    Raises:
        ValueError: one sentence that lists them.
    """
    if choices and value not in choices:
        raise ValueError(f"{name} is {' or '.join(map(repr, choices))}; it is {value!r}.")


def _choices(kind: Any) -> tuple[Any, ...]:
    """The values of an option of few: names, or yes and no."""
    kinds = {*get_args(kind)} if isinstance(kind, UnionType) else {kind}
    if get_origin(kind) is Literal:
        return get_args(kind)
    return (True, False, *([None] if NoneType in kinds else [])) if bool in kinds else ()


STAGES = ("matching", "shooting", "full", "polish")


def with_keywords(options: FitOptions, keywords: dict[str, Any]) -> FitOptions:
    """The options with some fields replaced; tuples may be lists or a single name, and bounds a dict of pairs.

    Raises:
        TypeError: for a keyword that is no option, with the nearest one suggested.
    """
    known = [field.name for field in fields(options)]
    for name in keywords:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise TypeError(f"there is no option {name!r}{hint}; the options are {', '.join(known)}.")
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in keywords.items()
    }
    for name in ("stages", "freeze", "transform", "positive"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    bounds = given.get("bounds")
    if isinstance(bounds, Mapping):
        given["bounds"] = bounds_as_words(bounds)
    return replace(options, **given)
