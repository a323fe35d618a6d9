"""Calls that cannot be right give one sentence, in a process without the type checks of the tests."""

import subprocess
import sys

import pytest

BEFORE = """
import warnings
warnings.simplefilter("ignore")
import jax, jax.numpy as jnp, numpy as np, optax, equinox as eqx
jax.config.update("jax_enable_x64", True)
import neuralode_lbfgs as nl

ts = np.linspace(0.0, 5.0, 11)
ys = np.stack([np.sin(ts), np.cos(ts)], axis=1)
data = nl.from_arrays(ts, ys, names=["x", "v"])
key = jax.random.key(0)
driven = nl.NeuralODE(nl.MLPVectorField(2, input_size=2, key=key))
field = nl.MLPVectorField(2, key=key)

class Own(eqx.Module):
    rate: jax.Array
    shape: int = eqx.field(static=True)

    def __call__(self, ts, y0):
        whole = y0 * jnp.exp(-self.rate * ts)[:, None]
        return {1: whole[0], 2: whole[:, :1]}[self.shape]

def own(shape):
    return Own(jnp.array(1.0), shape)

class Lazy:
    columns = ["t", "x"]
    collect = None

def said(call):
    try:
        return str(call()).replace(chr(10), " ")
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace(chr(10), " ")
"""

CALLS = {
    "nl.fit(field, data)": "TypeError: the model is a vector field of type MLPVectorField; wrap it: NeuralODE(field).",
    "nl.fit(None, data)": "TypeError: the model is of type NoneType; give a NeuralODE, or a module that is called as",
    "nl.fit(own(1), data)": "the model returns shape (2,), and must return (times, states) = (11, 2); for a vector",
    "nl.fit(own(2), data)": "the model returns shape (11, 1), and must return (times, states) = (11, 2).",
    "nl.fit(nl.NeuralODE(field), data, {'max_evals': 5})": "TypeError: options is of type dict; give a FitOptions, or",
    "nl.fit(nl.NeuralODE(field), data, initial_states='foo')": "initial_states is 'auto' or 'data' or 'estimate'; it",
    "nl.fit(nl.NeuralODE(field), data, time_scale='foo')": "time_scale is 'linear' or 'log'; it is 'foo'.",
    "nl.fit(nl.NeuralODE(field), data, validation='x')": "validation is True or False; it is 'x'.",
    "nl.FitOptions(process_noise=3)": "process_noise is True or False or None; it is 3.",
    "nl.fit(nl.NeuralODE(field), data, loss=lambda m, ts, ys: (jnp.sum(ys), 1))": "the loss must be a scalar; it is a",
    "driven(ts, ys[0], ys)": "TypeError: inputs are of type ndarray; give them as model(ts, y0, nl.LinearInputs(ts, us",
    "nl.fit(nl.NeuralODE(field), nl.from_arrays(ts, 1e300 * ys))": "y1 of trajectory 'trajectory' is 1e+300 at t = 0",
    "nl.minimise(lambda p: (p**2).sum(), jnp.ones(2), optimizer='adam')": "optimizer is of type str; give an LBFGS, an",
    "nl.minimise(lambda p: (p.sum(), 1), jnp.ones(2))": "the loss must be one number; it is a tuple: return the number",
    "nl.minimise(lambda p: p, jnp.ones(2))": "the loss must be one number; it has shape (2,).",
    "nl.minimise(lambda p: (p**2).sum(), jnp.ones(2), optimizer=optax.adam(0.1)).loss < 1e-6": "True",
    "nl.fit(nl.NeuralODE(nl.MLPVectorField(1, key=key)), data)": "for 2 states and 0 inputs (it is of 1 state",
    "nl.NeuralODE(2)": "TypeError: the vector field is of type int; give an MLPVectorField, or equations that",
    "nl.NeuralODE(field, state_size=3)": "state_size is 3, but the vector field has 2 states; leave it out.",
    "nl.read_csv({'t': ts})": "DataError: read_csv reads files; give a dict to from_frame.",
    "nl.read_csv(ts)": "DataError: read_csv reads files; give a ndarray to from_arrays.",
    "nl.from_frame(Lazy())": "DataError: the data frame is a Lazy, which holds no rows yet; give frame.collect().",
}


@pytest.fixture(scope="module")
def said():
    code = BEFORE + "".join(f"\nprint(said(lambda: {call}))" for call in CALLS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_gives_one_sentence(call, said):
    assert CALLS[call] in said[call]
