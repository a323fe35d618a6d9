"""One fit in a process of its own: `python -m benchmarks.published.one CASE WHO --seed 0` prints JSON."""

import argparse
import json
import sys

import jax

from .cases import CASES
from .peers import PEERS

OURS = "ours"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("who", choices=[OURS, *PEERS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", default=sys.executable, help="of the peer's environment")
    arguments = parser.parse_args(argv)
    case, seed = CASES[arguments.case], arguments.seed
    with jax.enable_x64(True):
        found = (
            case.fit(seed).row() if arguments.who == OURS else PEERS[arguments.who].run(case, seed, arguments.python)
        )
    print(json.dumps({"case": case.name, "who": arguments.who, "seed": seed, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
