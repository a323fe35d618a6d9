"""Fit a neural ODE to data: `python scripts/fit.py hare_lynx` is `neuralode-lbfgs fit hare_lynx`."""

import sys

from neuralode_lbfgs.cli import program

if __name__ == "__main__":
    program(["fit", *sys.argv[1:]])
