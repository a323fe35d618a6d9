"""Makes the simulated data sets in data/ again: a CSV and a card (TOML) for each, and for its noisy twin.

python scripts/generate_data.py              # write them into data/
python scripts/generate_data.py --check      # compare with the files there instead; exit code 1 if they differ
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import tomli_w

from neuralode_lbfgs.data import DataError, Trajectories, read_csv, write_csv
from neuralode_lbfgs.systems import SYSTEMS, System, simulate

DATA = Path(__file__).resolve().parents[1] / "data"
TRAINING = tuple(f"train{i}" for i in range(1, 9))
TEST = tuple(f"test{i}" for i in range(1, 5))
NOISE = 0.02  # of each state's standard deviation: what a careful measurement has
SEED = 4  # with it every test point lies within 0.4 standard deviations of a training point: no extrapolation
TOLERANCE = 1e-9  # of --check: the solver's own accuracy; the digits beyond it differ between processors


@dataclass(frozen=True)
class SetPlan:
    """What one data set shows, and at which times: `num` of them, `step` apart, from 0."""

    name: str
    step: float
    num: int
    title: str
    description: str


SETS = (
    SetPlan(
        "spiral_cubic",
        step=0.1,
        num=101,
        title="A cubic spiral sink",
        description="x' = -0.1 x^3 - 2 y^3, y' = 2 x^3 - 0.1 y^3: turns inwards, ever more slowly, one and a "
        "half to three times round. The common first example of neural ODEs.",
    ),
    SetPlan(
        "van_der_pol",
        step=0.15,
        num=101,
        title="The van der Pol oscillator, mu = 1",
        description="x' = v, v' = (1 - x^2) v - x: from any start onto one limit cycle, then more than once round it.",
    ),
    SetPlan(
        "lotka_volterra",
        step=0.1,
        num=101,
        title="Predators and prey",
        description="x' = 1.3 x - 0.9 x y, y' = 0.8 x y - 1.8 y, where x is the prey and y the predators: closed "
        "orbits, each followed about twice round. The rates of the universal differential equations paper.",
    ),
    SetPlan(
        "pendulum_damped",
        step=0.08,
        num=101,
        title="A pendulum with friction",
        description="theta' = omega, omega' = -0.25 omega - 5 sin(theta): two to three swings, from angles of up to "
        "2.5 rad, where a linear model fails.",
    ),
    SetPlan(
        "fitzhugh_nagumo",
        step=0.15,
        num=120,
        title="Spikes of a nerve cell",
        description="V' = 3 (V - V^3/3 + R), R' = -(V - 0.2 + 0.2 R) / 3: a fast voltage and a slow recovery; two "
        "spikes, with jumps that last only a few points.",
    ),
    SetPlan(
        "mass_spring_forced",
        step=0.15,
        num=101,
        title="A mass on a spring under a known force",
        description="x' = v, v' = u - 0.4 v - 4 x with the known input u = sin(0.7 t) + 0.5 sin(1.9 t + 0.3): its own "
        "swing dies away within the span, the answer to the force stays.",
    ),
)


def generate(plan: SetPlan) -> dict[str, tuple[Trajectories, dict]]:
    """The data and the card of a set and of its noisy twin, by name."""
    system = SYSTEMS[plan.name]

    def measure(noise: float) -> Trajectories:
        return simulate(
            system,
            num_trajectories=len(TRAINING + TEST),
            ts=np.round(np.arange(plan.num) * plan.step, 6),  # written as 0.3, not as 0.30000000000000004
            noise=noise,
            relative_noise=True,
            ids=TRAINING + TEST,
            key=jax.random.key(SEED),
        )

    clean, noisy = measure(0.0), measure(NOISE)
    sd = NOISE * np.concatenate([trajectory.ys for trajectory in clean]).std(axis=0)
    sd_text = ", ".join(f"{name}: {value:.3g}" for name, value in zip(clean.state_names, sd, strict=True))
    noisy_name = f"{plan.name}_noisy"
    clean_card = card(
        plan.name,
        plan.title,
        plan.description,
        system,
        good_fit="A good fit predicts the test trajectories from their first row with test RMSE / sd <= 0.02.",
    )
    noisy_card = card(
        noisy_name,
        f"{plan.title}, with {NOISE:.0%} noise",
        f"{plan.description} These are the trajectories of {plan.name} with independent normal noise of {NOISE:.0%} of "
        f"each state's standard deviation ({sd_text}).",
        system,
        good_fit=f"A good fit is within 1.3 times the noise of the noise-free truth: test RMSE / sd <= "
        f"{1.3 * NOISE:.3f} against {plan.name}, the same trajectories without noise; against the noisy test data "
        f"themselves that is {NOISE * np.hypot(1.0, 1.3):.3f}.",
    )
    return {plan.name: (clean, clean_card), noisy_name: (noisy, noisy_card)}


def card(name: str, title: str, description: str, system: System, good_fit: str) -> dict:
    """What is in NAME.toml: the roles of the columns, units, split, origin and what a good fit reaches."""
    return {
        "name": name,
        "title": title,
        "description": description,
        "columns": {
            "trajectory": "trajectory",
            "time": "t",
            "states": list(system.state_names),
            "inputs": list(system.input_names),
        },
        "units": system.units,
        "split": {"test_trajectories": list(TEST)},
        "good_fit": {"text": good_fit},
        "origin": {
            "source": f"Simulated: the system {system.name} of neuralode_lbfgs.systems ({system.source}).",
            "licence": "Apache-2.0 (generated by scripts/generate_data.py)",
            "changes": "",
        },
    }


def write(folder: Path, name: str, data: Trajectories, content: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(data, folder / f"{name}.csv")
    (folder / f"{name}.toml").write_bytes(tomli_w.dumps(content).encode())


def difference(folder: Path, name: str, data: Trajectories, content: dict) -> str | None:
    """In a sentence, how the files of a set differ from what was generated; None if they agree."""
    table, toml = folder / f"{name}.csv", folder / f"{name}.toml"
    if not toml.exists() or toml.read_bytes() != tomli_w.dumps(content).encode():
        return f"{toml}: the card is missing or differs."
    try:
        there = read_csv(table, time="t", trajectory="trajectory", states=data.state_names, inputs=data.input_names)
    except DataError as error:
        return str(error)
    if there.ids != data.ids:
        return f"{table}: the trajectories differ."
    for one, other in zip(there, data, strict=True):
        if one.ts.shape != other.ts.shape:
            return f"{table}: the number of rows of {one.id} differs."
        for part in ("ts", "ys", "inputs"):
            values, expected = getattr(one, part), getattr(other, part)
            if expected is not None and not np.allclose(values, expected, rtol=TOLERANCE, atol=TOLERANCE):
                return f"{table}: {part} of {one.id} differ by up to {np.abs(values - expected).max():.3g}."
    return None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Makes the simulated data sets in data/ again.")
    parser.add_argument("--out", type=Path, default=DATA, metavar="DIR", help="the folder of the data sets")
    parser.add_argument("--check", action="store_true", help="compare with the files there instead of writing")
    options = parser.parse_args(argv)
    found = []
    for plan in SETS:
        for name, (data, content) in generate(plan).items():
            if options.check:
                found.append(difference(options.out, name, data, content))
            else:
                write(options.out, name, data, content)
                print(options.out / f"{name}.csv")
    messages = [message for message in found if message is not None]
    print(*messages, sep="\n", end="\n" if messages else "", file=sys.stderr)
    if options.check and not messages:
        print(f"{len(found)} sets agree to {TOLERANCE:g}.")
    return 1 if messages else 0


if __name__ == "__main__":
    raise SystemExit(main())
