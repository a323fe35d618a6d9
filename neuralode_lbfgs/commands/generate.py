"""`generate`: data of a known system."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..outputs.screen import to_type


def generate(
    system: Annotated[str | None, Parameter(name="SYSTEM")] = None,
    /,
    *,
    out: Path | None = None,
    num_trajectories: int = 1,
    num: int = 101,
    t1: float | None = None,
    noise: float = 0.0,
    relative_noise: bool = False,
    missing: float = 0.0,
    random_times: bool = False,
    seed: int = 0,
) -> int:
    """Simulate a known system and write a CSV file; without a name, list the systems.

    Args:
        system: The name of a system.
        out: The CSV file to write.
        num_trajectories: How many trajectories; several start at random.
        num: How many times in each.
        t1: The last time; by default the system's own.
        noise: Standard deviation of the noise.
        relative_noise: The noise is a fraction of each state's standard deviation.
        missing: The part of the values that is not observed.
        random_times: Times drawn at random instead of evenly spread.
        seed: For starts, times, noise and gaps.
    """
    if system is None:
        return _list_systems()
    from .environment import prepare_jax

    if out is None:
        raise ValueError("name the file to write with --out.")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"{out} cannot be written: the folder {out.absolute().parent} does not exist.")
    prepare_jax()
    import jax

    from ..data import counted, write_csv
    from ..systems import simulate

    data = simulate(
        system,
        key=jax.random.key(seed),
        num_trajectories=num_trajectories,
        num=num,
        t1=t1,
        noise=noise,
        relative_noise=relative_noise,
        missing=missing,
        random_times=random_times,
    )
    write_csv(data, out)
    runs = counted(len(data), "trajectory", "trajectories")
    print(f"{out}: {sum(run.ts.size for run in data)} rows, {runs}", file=sys.stderr)
    inputs = ("--inputs", *data.input_names) if data.input_names else ()
    print(f"fit it with: {to_type('fit', out, *inputs)}", file=sys.stderr)
    return 0


def _list_systems() -> int:
    from ..systems import SYSTEMS

    width = max(map(len, SYSTEMS))
    for name, system in SYSTEMS.items():
        inputs = f"; input {', '.join(system.input_names)}" if system.input_names else ""
        print(f"{name:<{width}}  {', '.join(system.state_names)}{inputs}; t up to {system.t1:g}")
    return 0
