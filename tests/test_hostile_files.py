"""Files that are damaged, or made to run code, to fill the memory or to take for ever, through the command line.

One process meets them all, so that what it took is known: its memory, and the time of each.
"""

import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from safetensors import safe_open
from safetensors.numpy import save

from neuralode_lbfgs.commands.options import DataOptions, ModelOptions, RunOptions
from neuralode_lbfgs.commands.repeatable import config_of
from neuralode_lbfgs.commands.source import open_source
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.outputs.checksum import checksum
from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, Start, save_model

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and the use of memory are those of POSIX")

MOST_MEMORY, MOST_SECONDS = 2**30, 5.0  # of computing, each
CANARY = "canary"  # a file that only code from one of the files would make


class Payload:
    def __reduce__(self):
        return os.system, (f"touch {CANARY}",)


def npy(array=None, *, header=None, version=(1, 0), data=b""):
    """An array as NumPy writes it, or with a header of one's own."""
    out = io.BytesIO()
    if array is not None:
        np.lib.format.write_array(out, array, allow_pickle=True)
        return out.getvalue()
    assert header is not None
    text = header.encode()
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def described(descr="<f8", shape="(3,)"):
    return f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n"


def npz(compression=zipfile.ZIP_STORED, **members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))
    return out.getvalue()


TS, YS = np.arange(3.0), np.arange(6.0).reshape(3, 2)


def patched(data, marker, offset, number):
    """Bytes with a 16-bit number replaced behind every marker."""
    data = bytearray(data)
    for at in [found.start() for found in re.finditer(re.escape(marker), bytes(data))]:
        struct.pack_into("<H", data, at + offset, number)
    return bytes(data)


def parquet_of(**columns):
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


def flipped(data, *places):
    data = bytearray(data)
    for place in places:
        data[place] ^= 0xFF
    return bytes(data)


NAMES_OF_TEN = ",".join(f"x{i}" for i in range(10_001))
TABLES = {
    # text
    "a header without an end": b"t,x" + b"x" * 2**21,
    "a second line without an end": b"t,x\n" + b"1" * 2**21,
    "ten thousand columns and one": f"{NAMES_OF_TEN}\n{','.join('0' * 10_001)}\n".encode(),
    "half a million commas": b"," * 500_000 + b"\n",
    "half a million words": b"a " * 500_000 + b"\n",
    "a word of half a million letters": b"a" * 500_000 + b" b\n0 1\n",
    "brackets without an end": b"[" * 500_000 + b" b\n0 1\n",
    "spaces in a name": b'"x' + b" " * 100_000 + b'y",t\n0,1\n',
    "a cell of two hundred thousand digits": b"t,x\n0," + b"1" * 200_000 + b"\n",
    "a cell of ten thousand letters": b"t,x\n0," + b"a" * 10_000 + b"\n",
    "a name of five thousand letters": b"t," + b"x" * 5000 + b"\n0,1\n",
    "a quotation over many lines": b't,x\n0,"' + b"\n" * 200_000,
    "quotation marks": b'"' * 100_001,
    "zero bytes": b"t,x\n0,1\0\n",
    "nothing but zero bytes": bytes(100_000),
    "half a character": "t,x\n0,1\n".encode("utf-16")[:-1],
    "no character": b"t,x\n0,\xff\xfe\n",
    "a number with a giant exponent": b"t,x\n0,1\n1e999999999999999999999,2\n",
    "times that are too small": b"t,x\n1e-99999999999999999999,1\n0,2\n",
    "a time far away with such an exponent": b"t,x\n1e300,1\n1e-99999999999999999999,1\n0,2\n",
    "compressed": b"\x1f\x8b\x08" + bytes(100),
    "an archive": zipfile.ZIP_STORED.to_bytes(1, "little") * 512 + b"ustar\x00",
    "a program": b"\x7fELF" + bytes(range(256)),
    "pickled": pickle.dumps(Payload()),
    # arrays
    "pickled arrays": npz(ts=np.array([Payload()], dtype=object), ys=YS),
    "code in a header": npz(ts=npy(header=f"{{'descr': __import__('os').system('touch {CANARY}')}}"), ys=YS),
    "brackets in a header": npz(ts=npy(header="(" * 9000), ys=YS),
    "a header of a megabyte": npz(ts=npy(header=described() + " " * 2**20, version=(2, 0)), ys=YS),
    "a version that is not known": npz(ts=npy(header=described(), version=(9, 0)), ys=YS),
    "a trillion numbers": npz(ts=npy(header=described(shape="(1000000000000,)")), ys=YS),
    "a trillion texts of no length": npz(ts=npy(header=described("<U0", "(1000000000000,)")), ys=YS),
    "fewer numbers than none": npz(ts=npy(header=described(shape="(-3,)")), ys=YS),
    "more numbers than it says": npz(ts=npy(header=described(), data=bytes(32)), ys=YS),
    "a zip bomb": lambda: npz(
        zipfile.ZIP_DEFLATED, ts=TS, ys=npy(header=described(shape="(8388608,)"), data=bytes(2**26))
    ),
    "bytes that become numbers": lambda: npz(zipfile.ZIP_DEFLATED, ts=TS, ys=npy(np.zeros(2**23, np.int8))),
    "paths that lead out": npz(**{"../../ts": TS, "/etc/ys": YS}),
    "a checksum that is wrong": flipped(npz(ts=TS, ys=YS), 150),
    "an archive cut short": npz(ts=TS, ys=YS)[:-30],
    "encrypted": patched(patched(npz(ts=TS, ys=YS), b"PK\x03\x04", 6, 1), b"PK\x01\x02", 8, 1),
    "a compression that is not known": patched(
        patched(npz(ts=TS, ys=YS), b"PK\x03\x04", 8, 77), b"PK\x01\x02", 10, 77
    ),
    "complex numbers": npz(ts=TS, ys=YS * 1j),
    "dates as states": npz(ts=TS, ys=YS.astype("M8[s]")),
    "records": npz(ts=TS, ys=np.zeros(3, [("x", float), ("y", float)])),
    "inputs of no column": npz(ts=TS, ys=YS, inputs=np.zeros((3, 0))),
    "names that are no text": npz(ts=TS, ys=YS, names=np.array([b"\xff", b"\xff"])),
    # Parquet
    "Parquet cut short": parquet_of(t=TS, x=TS)[:-40],
    "Parquet with a footer of two gigabytes": parquet_of(t=TS, x=TS)[:-8] + b"\xff\xff\xff\x7fPAR1",
    "Parquet with a damaged footer": flipped(parquet_of(t=TS, x=TS), *range(-60, -20)),
    "Parquet that is nothing": b"PAR1" * 3,
    "five million equal numbers": lambda: parquet_of(t=np.zeros(5_000_000)),
    "lists in a column": parquet_of(t=TS, x=[[0.0], [1.0], [2.0]]),
    "a text a hundred thousand times": lambda: parquet_of(
        t=np.arange(100_000.0),
        x=pyarrow.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), ["a" * 1_000_000]),
    ),
}  # fmt: skip


def a_model(**changes):
    """The bytes of a saved model, its description changed, arrays replaced; its checksum is left away."""
    path = Path(changes.pop("folder")) / "whole.safetensors"
    with safe_open(path, framework="numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata.pop("sha256")
    arrays |= changes.pop("arrays", {})
    contents = json.loads(metadata["contents"])
    for key, value in changes.items():
        if isinstance(value, dict):
            contents[key] = {**(contents.get(key) or {}), **value}
        else:
            contents[key] = value
    return save(arrays, {**metadata, "contents": json.dumps(contents)})


def with_header(text, data=b""):
    return struct.pack("<Q", len(text)) + text.encode() + data


def with_arrays(number, form):
    """So many arrays of no length, and a description."""
    metadata = json.dumps({"format": form, "version": "1", "contents": "{}", "sha256": ""})
    arrays = (f'"{i:x}":{{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}' for i in range(number))
    return with_header(f'{{"__metadata__":{metadata},{",".join(arrays)}}}')


FLAT = {"log": [], "positive": [], "log_time": None}
RUN = {"states": ["x", "y"], "inputs": ["u"]}
# What becomes of a saved model, given its folder.
MODELS = {
    "empty": lambda f: b"",
    "cut in its header": lambda f: whole(f)[:50],
    "cut in its numbers": lambda f: whole(f)[:-8],
    "a flipped bit": lambda f: flipped(whole(f), -9),
    "a flipped bit in a name": lambda f: whole(f).replace(b'"x"', b'"z"').replace(b'\\"x\\"', b'\\"z\\"'),
    "pickled": lambda f: pickle.dumps(Payload()),
    "a header of an exabyte": lambda f: struct.pack("<Q", 2**60) + whole(f)[8:],
    "a header of ninety megabytes": lambda f: struct.pack("<Q", 90_000_000) + whole(f)[8:],
    "a deep header": lambda f: with_header('{"a":' * 100_000),
    "numbers beyond the end": lambda f: with_header(
        '{"a":{"dtype":"F64","shape":[9],"data_offsets":[0,72]}}', bytes(8)
    ),
    "a shape without bounds": lambda f: with_header(
        '{"a":{"dtype":"F64","shape":[1099511627776,1099511627776],"data_offsets":[0,8]}}', bytes(8)
    ),
    "a type that is not known": lambda f: with_header(
        '{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,8]}}', bytes(8)
    ),
    "a type without numbers": lambda f: whole(f).replace(b'"dtype":"F64"', b'"dtype":"C64"'),
    "a hundred thousand arrays": lambda f: with_arrays(100_000, "neuralode_lbfgs model"),
    "two million lists": lambda f: save({"a": np.zeros(2)}, {**BARE, "contents": "[" + "[]," * 2_000_000 + "[]]"}),
    "another program's": lambda f: save({"a": np.zeros(2)}, {"format": "pt"}),
    "deep contents": lambda f: save({"a": np.zeros(2)}, {**BARE, "contents": "[" * 200_000}),
    "a number of ten thousand digits": lambda f: save({"a": np.zeros(2)}, {**BARE, "contents": "1" * 10_000}),
    "contents that are a list": lambda f: save({"a": np.zeros(2)}, {**BARE, "contents": "[]"}),
    "a wide network": lambda f: a_model(folder=f, spec={"width_size": 10**12}),
    "a deep network": lambda f: a_model(folder=f, spec={"depth": 10**9}),
    "a high degree": lambda f: a_model(folder=f, spec={"degree": 10**9}),
    "a degree below zero": lambda f: a_model(folder=f, spec={"degree": -1}),
    "a billion states": lambda f: a_model(folder=f, spec={"state_size": 10**9}),
    "a billion inputs": lambda f: a_model(folder=f, spec={"input_size": 10**9}),
    "half a state": lambda f: a_model(folder=f, spec={"state_size": 2.5}),
    "a tolerance of zero": lambda f: a_model(folder=f, spec={"rtol": 0}),
    "endless steps": lambda f: a_model(folder=f, spec={"max_steps": 10**18}),
    "code as an activation": lambda f: a_model(folder=f, spec={"activation": f"open('{CANARY}', 'w')"}),
    "code as a solver": lambda f: a_model(folder=f, spec={"solver": "os.system"}),
    "rates of no states": lambda f: a_model(folder=f, spec={"rates": [[0, 99]]}),
    "names that are numbers": lambda f: a_model(folder=f, columns={"states": [1, 2]}),
    "more columns than states": lambda f: a_model(folder=f, columns={"states": ["x", "y", "z"]}),
    "fewer columns than inputs": lambda f: a_model(folder=f, columns={"inputs": []}),
    "units that are a list": lambda f: a_model(folder=f, columns={"units": ["m"]}),
    "a clock far away": lambda f: a_model(folder=f, columns={"clock": {"origin": "1e999999999", "unit": ""}}),
    "a clock in fortnights": lambda f: a_model(folder=f, columns={"clock": {"origin": "2024-01-01", "unit": "f"}}),
    "a transform of no state": lambda f: a_model(folder=f, transform={**FLAT, "positive": [99]}),
    "a floor below zero": lambda f: a_model(folder=f, transform={**FLAT, "log": [[0, -1.0]]}),
    "starts without names": lambda f: a_model(folder=f, starts=[]),
    "one start twice": lambda f: a_model(folder=f, starts=["a", "a"]),
    "starts of other states": lambda f: a_model(folder=f, arrays={"starts.y": np.zeros((1, 9))}),
    "a start that is infinite": lambda f: a_model(folder=f, arrays={"starts.t": np.array([np.inf])}),
    "inputs that run backward": lambda f: a_model(folder=f, arrays={"inputs.0.ts": np.array([2.0, 0.0])}),
    "a weight that is no number": lambda f: a_model(
        folder=f, arrays={"model.vector_field.mlp.layers.0.bias": np.array([np.nan, 0.0])}
    ),
    "an array of another shape": lambda f: a_model(
        folder=f, arrays={"model.vector_field.mlp.layers.0.bias": np.zeros(10)}
    ),
    "an array too many": lambda f: a_model(folder=f, arrays={"model.more": np.zeros(10)}),
}  # fmt: skip
BARE = {"format": "neuralode_lbfgs model", "version": "1"}


def a_checkpoint(folder, *, config=None, loops=(), seconds=1.5, arrays=None, checked=True, **metadata):
    """The bytes of a checkpoint whose checksum is right, of the fit of table.csv but for what is given.

    Args:
        config: what replaces what in the text of its config file; or another text.
        loops: names and whether they have ended; another value is written as it is.
        arrays: of the loops, by number and name.
    """
    given = (Path(folder) / "fit.toml").read_text()
    for old, new in (config or {}).items() if not isinstance(config, str) else ():
        assert old in given
        given = given.replace(old, new)
    described = {"config": config if isinstance(config, str) else given, "seconds": seconds, "loops": loops}
    metadata = {"format": "neuralode_lbfgs checkpoint", "version": "1", "contents": json.dumps(described), **metadata}
    arrays = {} if arrays is None else arrays
    if checked:
        metadata["sha256"] = checksum(metadata["contents"], arrays)
    return save(arrays, metadata)


def descended(points=8, **changes):
    """What matching keeps of a descent of 14 numbers, after `points` iterations."""
    kept = {
        "x": np.zeros(14),
        "states": np.zeros((0, 0)),
        "decay": np.full(1, 1e-2),
        "evidence.decay": np.full(1, 1e-2),
        "evidence": np.array([0.1, 5.0]),
        "numbers": np.array([0.1, 1.0, 1e-3, 2.0, 0.0, 20.0, 0.0, 0.0]),
        "history": np.zeros((points, 9)),
        "seconds": np.array([0.5, 0.1]),
    }
    return {f"0.{name}": array for name, array in {**kept, **changes}.items() if array is not None}


def with_number(at, value):
    """The counts and numbers of a descent, one of them replaced."""
    changed = descended()["0.numbers"]
    changed[at] = value
    return changed


def matching(folder, **changes):
    """A checkpoint in the midst of the first stage."""
    return a_checkpoint(folder, loops=[["matching", False]], arrays=descended(**changes))


# What becomes of the checkpoint of a fit that was stopped, given the folder.
CHECKPOINTS = {
    "empty": lambda f: b"",
    "cut in its header": lambda f: a_checkpoint(f)[:50],
    "cut in its numbers": lambda f: matching(f)[:-8],
    "a flipped bit": lambda f: flipped(matching(f), -9),
    "a flipped bit in its description": lambda f: flipped(a_checkpoint(f), 300),
    "pickled": lambda f: pickle.dumps(Payload()),
    "a header of an exabyte": lambda f: struct.pack("<Q", 2**60) + a_checkpoint(f)[8:],
    "a header of ninety megabytes": lambda f: with_header(" " * 90_000_000),
    "a hundred thousand arrays": lambda f: with_arrays(100_000, "neuralode_lbfgs checkpoint"),
    "a deep header": lambda f: with_header('{"a":' * 100_000),
    "a shape without bounds": lambda f: with_header(
        '{"0.x":{"dtype":"F64","shape":[1099511627776,1099511627776],"data_offsets":[0,8]}}', bytes(8)
    ),
    "a type that is not known": lambda f: with_header('{"0.x":{"dtype":"F99","shape":[1],"data_offsets":[0,8]}}'),
    "no checkpoint but a model": lambda f: whole(f),
    "another version": lambda f: a_checkpoint(f, version="2"),
    "without a checksum": lambda f: a_checkpoint(f, checked=False),
    "deep contents": lambda f: a_checkpoint(f, contents="[" * 200_000),
    "two million lists": lambda f: a_checkpoint(f, contents="[" + "[]," * 2_000_000 + "[]]"),
    "a number of ten thousand digits": lambda f: a_checkpoint(f, contents="1" * 10_000),
    "contents that are a list": lambda f: a_checkpoint(f, contents="[]"),
    "nothing in it": lambda f: a_checkpoint(f, contents="{}"),
    "seconds that are no number": lambda f: a_checkpoint(f, contents='{"config": "", "loops": [], "seconds": NaN}'),
    "seconds without end": lambda f: a_checkpoint(f, seconds=1e300),
    "fewer seconds than none": lambda f: a_checkpoint(f, seconds=-1.0),
    "loops that are a number": lambda f: a_checkpoint(f, loops=7),
    "a loop without an end": lambda f: a_checkpoint(f, loops=[["matching"]]),
    "a loop whose end is text": lambda f: a_checkpoint(f, loops=[["matching", "no"]]),
    "a loop whose name is a list": lambda f: a_checkpoint(f, loops=[[["matching"], False]]),
    "an array of no loop": lambda f: a_checkpoint(f, arrays={"7.x": np.zeros(2)}),
    "an array of loop minus one": lambda f: a_checkpoint(f, loops=[["matching", False]], arrays={"-1.x": np.zeros(2)}),
    "an array without a loop": lambda f: a_checkpoint(f, arrays={"../../x": np.zeros(2)}),
    # the config file in it
    "a config file that is a number": lambda f: a_checkpoint(f, contents='{"config": 1, "loops": [], "seconds": 1}'),
    "a config file of nothing": lambda f: a_checkpoint(f, config=""),
    "a deep config file": lambda f: a_checkpoint(f, config="a = " + "[" * 100_000),
    "deep names in its config file": lambda f: a_checkpoint(f, config="[" + ".".join("a" * 50_000) + "]"),
    "a config file of megabytes": lambda f: a_checkpoint(f, config="#" * 2**22),
    "an option that is none": lambda f: a_checkpoint(f, config={"seed =": "speed ="}),
    "a width that is a list": lambda f: a_checkpoint(f, config={"width_size = 2": "width_size = [2]"}),
    "a width below zero": lambda f: a_checkpoint(f, config={"width_size = 2": "width_size = -2"}),
    "a device as data": lambda f: a_checkpoint(f, config={'"../table.csv"': '"/dev/zero"'}),
    "all files of the machine as data": lambda f: a_checkpoint(f, config={'"../table.csv"': '"/*/*/*/*/*/*/*"'}),
    "data that are gone": lambda f: a_checkpoint(f, config={'"../table.csv"': '"../../../gone.csv"'}),
    "options of one call": lambda f: a_checkpoint(
        f, config={"[run]": f'[run]\ndry_run = true\nconfig = "../evil.py"\nout = "../{CANARY}"', "data_sha256": "else"}
    ),
    "code beside it": lambda f: a_checkpoint(f, config={"[model]": '[model]\nvector_field = "../evil.py:field"'}),
    "another data set": lambda f: a_checkpoint(f, config={'data_sha256 = [\n    "': 'data_sha256 = [\n    "0'}),
    "nothing of its data": lambda f: a_checkpoint(f, config={"data_sha256": "something"}),
    "another program": lambda f: a_checkpoint(f, config={'neuralode_lbfgs = "': 'neuralode_lbfgs = "\\u001b[2J9.'}),
    # what its loops have kept
    "another loop": lambda f: a_checkpoint(f, loops=[["full" * 500, False]], arrays=descended()),
    "nothing of its loop": lambda f: a_checkpoint(f, loops=[["matching", False]]),
    "a point of another model": lambda f: matching(f, x=np.zeros(15)),
    "a point that is no number": lambda f: matching(f, x=np.full(14, np.nan)),
    "a point of whole numbers": lambda f: matching(f, x=np.zeros(14, int)),
    "a reason that is none": lambda f: matching(f, numbers=with_number(7, 99)),
    "a loop that ended and runs": lambda f: a_checkpoint(f, loops=[["matching", True]], arrays=descended()),
    "a count that is infinite": lambda f: matching(f, numbers=with_number(5, np.inf)),
    "a count below zero": lambda f: matching(f, numbers=with_number(5, -2)),
    "a huge count": lambda f: matching(f, numbers=with_number(4, 1e300)),
    "damping that never grows": lambda f: matching(f, numbers=with_number(3, 0)),
    "a history of text": lambda f: matching(f, history=np.zeros((2, 9), "i1")),
    "a history of other columns": lambda f: matching(f, history=np.zeros((2, 8))),
    "a history without numbers": lambda f: matching(f, history=np.full((2, 9), np.nan)),
    "six hundred thousand iterations": lambda f: matching(f, points=600_000),
    "seconds of running below zero": lambda f: matching(f, seconds=np.array([0.0, -1.0])),
    "seconds of running that are one": lambda f: matching(f, seconds=np.zeros(())),
    "decay without bounds": lambda f: matching(f, decay=np.full(1, np.inf)),
}  # fmt: skip
DATA = ("/dev/zero", "gone.csv", "/*/*")
ABOUT = {  # what is said, but where it is the file: of the data, or of the folder
    "a device as data": "/dev/zero",
    "data that are gone": "gone.csv",
    "all files of the machine as data": "/*/*",
    "options of one call": " cannot go on",
    "another data set": " cannot go on",
    "nothing of its data": " cannot go on",
    "code beside it": " holds a fit of your own equations",
    "another program": " was begun by neuralode-lbfgs",
}
# The config file of a run, of which `plot` reads the data.
CONFIGS = {
    "deep lists": "a = " + "[" * 100_000,
    "deep tables": "a = " + "{a=" * 100_000,
    "deep names": ".".join("a" * 50_000) + " = 1",
    "deep headings": "[" + ".".join("a" * 50_000) + "]",
    "a number of ten thousand digits": "[model]\nseed = " + "1" * 10_000,
    "more than a megabyte": "#" * 2**21,
    "no text": b"\xff\xff",
    "a section that is a number": "model = 1",
    "a list as a width": "[model]\nwidth_size = [1]",
    "a table as data": "[data]\ndata = {a = 1}",
    "a width that is a date": "[model]\nwidth_size = 2024-01-01",
    "a device as data": '[data]\ndata = "/dev/zero"',
    "all files of the machine as data": '[data]\ndata = "/*/*/*/*/*/*/*"',
    "data that are gone": '[data]\ndata = "../../gone.csv"',
    "data with a zero byte": '[data]\ndata = "a\\u0000b"',
    "a number as the time": '[data]\ndata = "table.csv"\ntime = 3',
}
HISTORIES = {
    "zero bytes": b"stage,iteration\0\n",
    "a giant cell": b"stage," + b"x" * 200_000 + b"\n",
    "text": b"stage,iteration,evaluations,loss,gradient_norm,step_size,seconds\nfull,1,1,low,0,0,0\n",
    "no text": b"\xff\xfe\xff",
    "a row too short": b"stage,iteration,evaluations,loss,gradient_norm,step_size,seconds\nfull,1\n",
}
CHILD = """
import contextlib, io, json, resource, sys, time, traceback
import matplotlib.font_manager  # which may have to look for fonts first, and says so
from neuralode_lbfgs.cli import main
for words in json.load(open("cases.json")):
    out, err, begun = io.StringIO(), io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except BaseException:
            code = traceback.format_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue(), time.process_time() - begun]))
try:  # what getrusage says begins with the memory of the process that has started this one
    print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")))
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
TABLE = "t,x,y,u\n0,1,2,0\n1,2,3,1\n2,3,4,1\n3,4,5,0\n"


def whole(folder):
    return (Path(folder) / "whole.safetensors").read_bytes()


def config_of_the_fit(folder):
    """The config file of a fit of table.csv, as it is written into the folder of a run."""
    table = str(folder / "table.csv")
    source, model = open_source((table,), DataOptions(inputs=("u",))), ModelOptions(width_size=2, depth=1)
    return config_of(source, folder / "run", (model, FitOptions(), RunOptions())).replace(table, "../table.csv")


def a_run(folder, *, model=None, config=None, history=None):
    """The folder of a run with a sound model, but for what is given."""
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(whole(folder.parent) if model is None else model)
    text = '[data]\ndata = "../table.csv"\ninputs = ["u"]' if config is None else config
    (folder / "config.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    if history is not None:
        (folder / "history.csv").write_bytes(history)
    return folder.name


def written(folder):
    """All hostile files, and for each case the words of the command line and the file that it is about."""
    network = build_model(ModelSpec(2, 1, width_size=2, depth=1), jax.random.key(0))
    start = Start(0.0, np.array([1.0, 2.0]), np.array([0.0, 2.0]), np.array([[0.0], [1.0]]))
    kinds: dict[str, Any] = {name: tuple(of) for name, of in RUN.items()}
    columns = Columns("t", None, **kinds)
    save_model(folder / "whole.safetensors", network, starts={"a": start}, columns=columns)
    (folder / "table.csv").write_text(TABLE)
    (folder / "fit.toml").write_text(config_of_the_fit(folder))
    (folder / "evil.py").write_text(f"open({CANARY!r}, 'w')\ndef field(t, y, args):\n    return -y\n")
    cases, number = {}, iter(range(1000))
    for name, content in TABLES.items():
        file = f"table{next(number)}.csv"
        (folder / file).write_bytes(content() if callable(content) else content)
        cases[f"table: {name}"] = (["fit", file, "--dry-run"], file)
    runs = [
        *(("model", name, {"model": change(folder)}) for name, change in MODELS.items()),
        *(("config", name, {"config": text}) for name, text in CONFIGS.items()),
        *(("history", name, {"history": text}) for name, text in HISTORIES.items()),
    ]
    for name, change in CHECKPOINTS.items():
        run = f"run{next(number)}"
        (folder / run).mkdir()
        (folder / run / "checkpoint.safetensors").write_bytes(change(folder))
        told = ABOUT.get(name, "/checkpoint.safetensors")
        cases[f"checkpoint: {name}"] = (["fit", "--resume", run], told if told in DATA else run + told)
    files = {"model": "model.safetensors", "config": "config.toml", "history": "history.csv"}
    for kind, name, changes in runs:
        run = a_run(folder / f"run{next(number)}", **changes)
        words = ["predict", run, "--t1", "2", "--out", "p.csv"] if kind == "model" else ["plot", run]
        cases[f"{kind}: {name}"] = (words, f"{run}/{files[kind]}")
    cases["table: a device"] = (["fit", "/dev/zero", "--dry-run"], "/dev/zero")
    (folder / "link.csv").symlink_to("link.csv")
    cases["table: a link to itself"] = (["fit", "link.csv", "--dry-run"], "link.csv")
    with open(folder / "large.csv", "wb") as file:
        file.truncate(2**30 + 1)  # a hole in the disk
    cases["table: larger than is read"] = (["fit", "large.csv", "--dry-run"], "large.csv")
    for name, make in (("a pipe", os.mkfifo), ("a link to a device", lambda path: path.symlink_to("/dev/zero"))):
        run = a_run(folder / f"run{next(number)}")
        (folder / run / "model.safetensors").unlink()
        make(folder / run / "model.safetensors")
        cases[f"model: {name}"] = (["predict", run, "--t1", "2", "--out", "p.csv"], run)
    for name, make in (("a pipe", os.mkfifo), ("a link to a device", lambda path: path.symlink_to("/dev/zero"))):
        run = f"run{next(number)}"
        (folder / run).mkdir()
        make(folder / run / "checkpoint.safetensors")
        cases[f"checkpoint: {name}"] = (["fit", "--resume", run], f"{run}/checkpoint.safetensors")
    config = '[model]\nvector_field = "../evil.py:field"'
    run = a_run(folder / f"run{next(number)}", model=a_model(folder=folder, spec=None), config=config)
    cases["config: code beside it"] = (["fit", "table.csv", "--config", f"{run}/config.toml", "--dry-run"], "evil.py")
    cases["plot: code beside it"] = (["plot", run], "evil.py")
    return cases


def contents_of(folder):
    """When each file was written; of folders only that they are there: whether they can be written to is tried."""
    return {path: path.is_dir() or path.lstat().st_mtime_ns for path in folder.rglob("*")}


def said_of_each(folder, cache):
    """What the command line said of each case and the name that belongs in it, and the memory that all of them took."""
    cases = written(folder)
    sound = ["field", a_run(folder / "sound"), "--grid", "x=0:1:2", "--at", "y=1", "u=0", "--out", "f.csv"]
    (folder / "cases.json").write_text(json.dumps([sound, *(words for words, _ in cases.values())]))
    before = contents_of(folder)
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "MPLCONFIGDIR": matplotlib.get_cachedir()}
    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=280, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, *answers, memory = done.stdout.splitlines()
    assert json.loads(first)[0] == 0, first  # the sound one
    (folder / "f.csv").unlink()
    after = contents_of(folder)
    assert not (folder / CANARY).exists(), "code from a file was run"
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert not changed, f"{changed} were written"
    answered = dict(zip(cases, map(json.loads, answers), strict=True))
    return {name: (*answered[name], file) for name, (_, file) in cases.items()}, int(memory)


def fault_of(case, answer):
    """What is wrong with an answer; nothing if it is one sentence that names the file, in time."""
    code, out, err, seconds, file = answer
    *before, said = err.splitlines() or [""]
    if code != 2 or out or (before and not case.startswith("checkpoint: ")):  # there what was understood of its data
        return f"ended with {code}, {out!r}, {err!r}"
    if not (said.startswith("error: ") and file in said and said.endswith((".", "?")) and len(said) < 800):
        return f"said {said!r}, without {file!r}"
    if re.search(r"[.?!] [A-Z]", said):
        return f"said more than one sentence: {said!r}"
    return f"took {seconds} s" if seconds >= MOST_SECONDS else ""


def test_each_is_refused_in_a_sentence_and_in_little_memory(tmp_path, tmp_path_factory):
    """One test: that of each case would begin with all of them in every process that has one."""
    told, memory = said_of_each(tmp_path, tmp_path_factory.mktemp("cache"))
    faults = {case: fault for case, answer in told.items() if (fault := fault_of(case, answer))}
    assert faults == {}
    assert len(told) >= 60
    assert memory * (1 if sys.platform == "darwin" else 1024) < MOST_MEMORY
