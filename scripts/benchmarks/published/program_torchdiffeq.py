"""A published fit with torchdiffeq and torch.optim.LBFGS: `python program_torchdiffeq.py CASE.npz` prints JSON.

It runs in an environment of its own, so it imports nothing of the package. Nothing is compiled.
"""

import json
import sys
import time

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torchdiffeq import odeint  # pyright: ignore[reportMissingImports]


class Met(Exception):  # noqa: N818 - how the optimiser is stopped, no error
    """The target or a limit is reached."""


def main(path: str) -> None:
    torch.set_default_dtype(torch.float64)
    case = np.load(path)
    began = time.perf_counter()
    ts, ys = torch.from_numpy(case["ts"]), torch.from_numpy(case["ys"])
    number = sum(name.startswith("weight_") for name in case.files)
    weights = [torch.nn.Parameter(torch.tensor(case[f"weight_{i}"])) for i in range(number)]
    biases = [torch.nn.Parameter(torch.tensor(case[f"bias_{i}"])) for i in range(number)]
    linear = torch.from_numpy(case["linear"])
    activation = (lambda x: torch.exp(-(x**2))) if case["bell"] else torch.tanh

    def rate(t, y):
        x = y**3 if case["cubed"] else y
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            x = x @ weight.T + bias
            x = activation(x) if i + 1 < number else x
        return linear * y + x

    reduce = torch.sum if case["sum"] else torch.mean
    optimizer = torch.optim.LBFGS(
        [*weights, *biases], max_iter=10**9, max_eval=10**9, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    best, evaluations, met = float("inf"), 0, False

    def closure():
        nonlocal best, evaluations, met
        optimizer.zero_grad()
        solved = odeint(rate, ys[:, 0], ts, rtol=1e-6, atol=1e-6, method="dopri5").transpose(0, 1)
        loss = reduce((solved - ys) ** 2)
        loss.backward()
        evaluations, best = evaluations + 1, min(best, loss.item())
        met = best <= case["target"]
        spent = evaluations >= case["max_evaluations"] or time.perf_counter() - began > case["max_seconds"]
        if met or spent:
            raise Met
        return loss

    stopped = "found no step"
    try:
        optimizer.step(closure)
    except Met:
        stopped = "target" if met else "limit"
    except AssertionError as error:  # a step size that underflows, of a model that runs away
        stopped = str(error)
    total_s = time.perf_counter() - began
    to_target = evaluations if met else None
    print(json.dumps({
        "loss": best, "evaluations": evaluations, "to_target": to_target, "figures": {}, "compile_s": 0.0,
        "total_s": total_s, "stopped": stopped,
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
