"""Fit a neural ODE to data: `python scripts/fit.py hare_lynx` is `neuralode-lbfgs fit hare_lynx`."""

import sys

from neuralode_lbfgs.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["fit", *sys.argv[1:]]))
