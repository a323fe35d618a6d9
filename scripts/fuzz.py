"""Damage sound files at random and read them again: python scripts/fuzz.py --cases 10000 --seed 0

Each case is a model, a checkpoint, a config file, a history or a table (CSV, NPZ, Parquet) with bits flipped, pieces
cut out, moved or put in, numbers and names of its description exchanged. A reader may refuse it, in one sentence with
the name of the file, or read it: then a model or a checkpoint is that which was saved, unless its checksum was
rewritten too, and a table says the same when it is written and read again. Anything else is printed, kept with
`--keep FOLDER`, and makes the exit code 1.
"""

import argparse
import io
import json
import math
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from fuzzing.small_fit import SmallFit
from safetensors.numpy import load, save

from neuralode_lbfgs.commands.config import config_text, read_config, sections_of
from neuralode_lbfgs.commands.options import DataOptions, ModelOptions, RunOptions
from neuralode_lbfgs.data import read_csv, write_csv
from neuralode_lbfgs.fitting.entry import JournalError
from neuralode_lbfgs.fitting.options import FitOptions
from neuralode_lbfgs.outputs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from neuralode_lbfgs.outputs.checksum import checksum
from neuralode_lbfgs.outputs.run_folder import CHECKPOINT, HISTORY, read_history, write_history
from neuralode_lbfgs.outputs.spec import ModelSpec, build_model
from neuralode_lbfgs.outputs.store import Columns, Start, load_model, save_model
from neuralode_lbfgs.outputs.typed import instance

MOST_SECONDS, MOST_MEMORY, LONGEST_SENTENCE = 5, 2**30, 2000
NUMBERS = (0, -1, 1, 2, 7, 99, 255, 2**16, 2**31, 2**63, 10**30, 0.5, -0.0, 1e-320, 1e308, 1e999)
VALUES = (*NUMBERS, None, True, "", "x", "1e999", "\x00", "nan", "__import__('os')", "x" * 5000, [], [[]], {}, {"a": 1})
TOKENS = (b"\0", b"\n", b"\r", b",", b'"', b"[", b"{", b"nan", b"inf", b"-", b"1e999", b"2024-01-01", b"\xff", b"=")
SHAPES = ((), (0,), (6,), (6, 2), (2, 3), (2, 3, 2), (1, 1, 1, 1), (2**40,), (-1,), (6, 0), (0, 2**40))
TYPES = ("<f8", "<f4", "<i2", "|b1", "<c16", "<M8[s]", "<M8", "<m8[D]", "<U3", "<U0", "|S2", "|O", "|V4")

TABLE = "run,t [s],x [m],y,u\na,0,1,2,0\na,1,2,3,1\na,2.5,,4,1\nb,0,1,2,0\nb,1e-3,2,3,1\nb,3,2,2,2\n"
DATES = "t;x\n2024-01-31T10:00:00+01:00;1,5\n2024-01-31T11:00:00+01:00;2,5\n2024-02-01T00:00:00+01:00;3\n"


@dataclass(frozen=True)
class Reader:
    """A kind of file.

    Args:
        name: of the file.
        sound: whole files of this kind.
        read: reads the file at a path; what it returns is compared, and raises AssertionError if it cannot be right.
        damages: ways to damage the bytes of one.
    """

    name: str
    sound: tuple[bytes, ...]
    read: Callable[[Path, bytes], None]
    damages: tuple[Callable[[random.Random, bytes], bytes], ...]


# Damage to bytes


def cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def flip(draw: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8)) if found else 0):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def overwrite(draw: random.Random, data: bytes) -> bytes:
    at, new = (
        draw.randrange(len(data) + 1),
        draw.choice((draw.randbytes(4), bytes(8), b"\xff" * 8, draw.choice(TOKENS))),
    )
    return data[:at] + new + data[at + len(new) :]


def put_in(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice((draw.choice(TOKENS) * draw.choice((1, 1, 1, 300)), draw.randbytes(9))) + data[at:]


def move(draw: random.Random, data: bytes) -> bytes:
    a, b = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
    at = draw.randrange(len(data) + 1)
    piece = data[a:b][:4000]
    return data[:at] + piece + data[at:] if draw.random() < 0.5 else data[:a] + data[b:]


def retype(draw: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8)) if found else 0):
        found[draw.randrange(len(found))] = draw.choice(b"0123456789.,;-+eE xyt#\n")
    return bytes(found)


BYTES = (cut, flip, overwrite, put_in, move)


# Damage with understanding: what a person with bad intentions would write


def changed(draw: random.Random, value: Any) -> Any:
    """A JSON value with one entry, anywhere in it, exchanged."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(list(value))
        if draw.random() < 0.1:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: changed(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], changed(draw, value[at]), *value[at + 1 :]]
    return draw.choice(VALUES)


def forge(draw: random.Random, data: bytes) -> bytes:
    """A model or a checkpoint with another description or other arrays, and a checksum that agrees."""
    length = struct.unpack("<Q", data[:8])[0]
    metadata, arrays = json.loads(data[8 : 8 + length])["__metadata__"], load(data)
    contents = json.loads(metadata["contents"])
    for _ in range(draw.choice((1, 1, 2))):
        if draw.random() < 0.7:
            contents = changed(draw, contents)
        elif "config" in contents and draw.random() < 0.3:
            contents["config"] = reconfigure(draw, contents["config"].encode()).decode()
        elif draw.random() < 0.5:  # a single number
            name = draw.choice([name for name in arrays if arrays[name].size])
            with np.errstate(all="ignore"):
                number = np.array(draw.choice([n for n in NUMBERS if abs(n) < 2**63])).astype(arrays[name].dtype)
            arrays[name].reshape(-1)[draw.randrange(arrays[name].size)] = number
        else:
            name = draw.choice(list(arrays))
            shape = draw.choice(((), (0,), (1,), (2,), (1, 2), (3, 1)))
            value = draw.choice((0.0, 1.0, -1.0, 1e300, np.nan, np.inf))
            with np.errstate(all="ignore"):
                arrays[name] = np.full(shape, value).astype(draw.choice("fdi"))
    text = json.dumps(contents)
    return save(arrays, {**metadata, "contents": text, "sha256": checksum(text, arrays)})


def reconfigure(draw: random.Random, data: bytes) -> bytes:
    """A config file with one value exchanged."""
    import tomli_w

    try:
        return tomli_w.dumps(changed(draw, tomllib.loads(data.decode()))).encode()
    except (TypeError, ValueError):  # not every value has a way of being written
        return data


def rewrite(draw: random.Random, data: bytes) -> bytes:
    """A table with a few cells exchanged."""
    lines = [line.split(",") for line in data.decode("utf-8", "replace").splitlines()]
    for _ in range(draw.choice((1, 1, 2, 5))):
        line = draw.choice(lines) if lines else []
        if line:
            line[draw.randrange(len(line))] = draw.choice((*map(str, VALUES), "2024-01-31", "1,5", '"', "é" * 200, "#"))
    return "\n".join(map(",".join, lines)).encode("utf-8", "surrogatepass")


def rearray(draw: random.Random, data: bytes) -> bytes:
    """An NPZ file with one array of another shape or type, or another header."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(list(members))
    shape, descr = draw.choice(SHAPES), draw.choice(TYPES)
    header = f"{{'descr': {descr!r}, 'fortran_order': {draw.choice((True, False))}, 'shape': {shape}}}".encode()
    size = min(abs(math.prod(shape)), 100) * int("".join(c for c in descr if c.isdigit()) or 8)
    content = draw.choice((bytes(size), draw.randbytes(size), np.full(size // 8, 2.5).tobytes()))
    members[name] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for one, content in members.items():
            archive.writestr(one, content)
    return out.getvalue()


# What may come of reading


def read_model(path: Path, data: bytes) -> None:
    """The arrays and the description of the file, or those that were saved if it is only damaged."""
    saved = load_model(path)
    assert saved.spec is not None
    found = {jax.tree_util.keystr(at): leaf for at, leaf in jax.tree_util.tree_leaves_with_path(saved.model)}
    assert all(np.isfinite(leaf).all() for leaf in found.values() if isinstance(leaf, jax.Array))
    centre = saved.model.coordinates.centre
    assert centre.shape == (saved.spec.state_size,)
    for start in saved.starts.values():
        assert start.y.shape == centre.shape
        assert np.isfinite(start.y).all() and math.isfinite(start.t)
    assert all(isinstance(name, str) for name in (*saved.columns.states, *saved.columns.inputs, saved.columns.time))
    saved.columns.clock.show(1.5)
    sound = load_sound(path)
    known = {jax.tree_util.keystr(at): leaf for at, leaf in jax.tree_util.tree_leaves_with_path(sound.model)}
    if data in FORGED:
        return
    assert saved.columns == sound.columns, "a description that was not saved"
    for name, leaf in known.items():
        assert np.array_equal(found[name], leaf), f"{name} is not what was saved"


def read_kept(path: Path, data: bytes) -> None:
    """What was written; if it was forged, then what a fit could go on with."""
    found, sound = read_checkpoint(path), load_sound(path)
    if data not in FORGED:
        assert (found.config, found.seconds) == (sound.config, sound.seconds), "a description that was not written"
        for one, other in zip(found.entries, sound.entries, strict=True):
            assert one[:2] == other[:2], "a loop that was not written"
            assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in (*one.arrays, *other.arrays))
    check_options(sections_of(found.config, path))
    assert 0 <= found.seconds < 1e12
    try:
        SMALL[0].go_on_from(found.entries)
    except JournalError as error:
        raise ValueError(f"{path}: {error}") from None


def read_configuration(path: Path, data: bytes) -> None:
    check_options(read_config(path))


def check_options(sections: dict[str, dict[str, Any]]) -> None:
    """Options are sound, or refused as flags are."""
    for kind, name in ((ModelOptions, "model"), (FitOptions, "fit"), (RunOptions, "run")):
        try:
            instance(kind, sections.get(name, {}))
        except ValueError as error:  # a number out of its bounds: as of a flag
            if type(error) is not ValueError or len(str(error)) > LONGEST_SENTENCE:
                raise AssertionError(f"no sentence: {error}") from error


def read_past(path: Path, data: bytes) -> None:
    rows = read_history(path.parent)
    assert all(isinstance(row["loss"], float) for row in rows)


def read_table_twice(path: Path, data: bytes) -> None:
    """What is read is sound, and the same again after it was written."""
    first = read_csv(path)
    again = path.with_name("again.csv")
    write_csv(first, again)
    second = read_csv(
        again, time=first.time_name, states=first.state_names, inputs=first.input_names, trajectory=first.id_name
    )
    assert first.ids == second.ids
    for one, other in zip(first, second, strict=True):
        assert np.isfinite(one.ts).all() and (np.diff(one.ts) > 0).all()
        assert np.array_equal(one.ys, other.ys, equal_nan=True)
        assert np.allclose(np.diff(one.ts), np.diff(other.ts), rtol=1e-6)


SMALL: list[SmallFit] = []
FORGED: set[bytes] = set()  # what is read at present, if its description is another one on purpose
_SOUND: dict[str, Any] = {}


def load_sound(path: Path) -> Any:
    """What was saved under this name."""
    return _SOUND[path.name]


def readers(folder: Path) -> list[Reader]:
    """All kinds of files, with sound ones of each."""
    network = build_model(ModelSpec(2, 1, width_size=2, depth=1), jax.random.key(0))
    start = Start(0.0, np.array([1.0, 2.0]), np.array([0.0, 2.0]), np.array([[0.0], [1.0]]))
    columns = Columns("t", "run", ("x", "y"), ("u",), {"x": "m"}, ("x_sd", 0.5), hold=(True,))
    path = folder / "model.safetensors"
    save_model(path, network, starts={"a": start}, columns=columns, estimated=True, noise=0.1)
    _SOUND[path.name] = load_model(path)
    sections = {"data": DataOptions(states=("x",)), "model": ModelOptions(), "fit": FitOptions(), "run": RunOptions()}
    config = config_text("mine.csv", sections).encode()
    SMALL[:] = [SmallFit()]
    kept = folder / CHECKPOINT
    write_checkpoint(kept, Checkpoint(config.decode(), SMALL[0].entries(), 1.5))
    _SOUND[kept.name] = read_checkpoint(kept)
    row = {"stage": "full", "iteration": 1, "evaluations": 2, "loss": 0.5, "gradient_norm": 1e-3, "step_size": 1.0}
    write_history(folder, [{**row, "seconds": 0.25}] * 3)
    ts, ys = np.arange(6.0), np.arange(12.0).reshape(6, 2)
    archives = []
    for write in (np.savez, np.savez_compressed):
        out = io.BytesIO()
        write(out, ts=ts, ys=ys, ids=np.array(list("aaabbb")), names=np.array(["x", "y"]), inputs=ys[:, 0])
        archives.append(out.getvalue())
    found = [
        Reader(path.name, (path.read_bytes(),), read_model, (*BYTES, forge, forge, forge)),
        Reader(kept.name, (kept.read_bytes(),), read_kept, (*BYTES, *[forge] * 6)),
        Reader("config.toml", (config,), read_configuration, (*BYTES, retype, reconfigure, reconfigure)),
        Reader(HISTORY, ((folder / HISTORY).read_bytes(),), read_past, (*BYTES, retype)),
        Reader("mine.csv", (TABLE.encode(), DATES.encode()), read_table_twice, (*BYTES, retype, retype, rewrite)),
        Reader("mine.npz", tuple(archives), read_table_twice, (*BYTES, rearray, rearray)),
    ]
    try:
        import pandas

        frame = pandas.DataFrame({"run": list("aaabbb"), "t": ts, "x": ys[:, 0], "y": ys[:, 1]})
        found.append(Reader("mine.parquet", (frame.to_parquet(),), read_table_twice, BYTES))
    except ImportError:
        print("Parquet is left out: pandas and pyarrow are not installed", file=sys.stderr)
    return found


class TooSlow(BaseException):  # no reader can catch it
    pass


def _too_slow(*_: Any) -> None:
    raise TooSlow


def outcome(reader: Reader, path: Path, data: bytes) -> str:
    """`read`, `refused`, or what went wrong."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.read(path, data)
        return "read"
    except TooSlow:
        return f"more than {MOST_SECONDS} s"
    except ValueError as error:
        said = str(error)
        if type(error).__name__ not in ("DataError", "StoreError", "CheckpointError", "ValueError"):
            return traceback.format_exc()
        # What a file holds is named with it; names and roles of columns speak for themselves.
        names = path.name in said or "column" in said or "trajector" in said or str(path.parent) in said
        if not names or len(said) > LONGEST_SENTENCE + len(str(path)) or said[-1] not in ".?":
            return f"no sentence: {said}\n{traceback.format_exc()}"
        return "refused"
    except Exception:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(cases: int, seed: int, keep: Path | None = None) -> Counter[tuple[str, str]]:
    """Read so many damaged files.

    Returns:
        How many of each kind of file were `read`, `refused`, or `wrong`.
    """
    counts: Counter[tuple[str, str]] = Counter()
    before = signal.signal(signal.SIGALRM, _too_slow)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            kinds = readers(folder)
            for reader in kinds:
                for data in reader.sound:
                    found = outcome(reader, folder / reader.name, data)
                    if found != "read":
                        raise AssertionError(f"a sound {reader.name} is not read: {found}")
            for case in range(cases):
                draw = random.Random(f"{seed} {case}")
                reader = kinds[case % len(kinds)]
                data, forged = draw.choice(reader.sound), False
                for _ in range(draw.choice((1, 1, 1, 2, 3))):
                    damage = draw.choice(reader.damages)
                    try:
                        data = damage(draw, data)
                    except Exception:  # what is damaged already is not always understood
                        continue
                    forged = forged or damage is forge
                FORGED.update([data] if forged else [])
                found = outcome(reader, folder / reader.name, data)
                kind = found if found in ("read", "refused") else "wrong"
                counts[reader.name, kind] += 1
                if kind == "wrong":
                    print(f"case {case} ({reader.name}): {found}", file=sys.stderr)
                    if keep is not None:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{case}-{reader.name}").write_bytes(data)
                FORGED.clear()
    finally:
        signal.signal(signal.SIGALRM, before)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the files that were neither read nor refused")
    given = parser.parse_args()
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    jax.config.update("jax_enable_x64", True)
    begun = time.perf_counter()
    counts = run(given.cases, given.seed, given.keep)
    outcomes = ("read", "refused", "wrong")
    print(f"{'':<18}" + "".join(f"{one:>10}" for one in outcomes))
    for name in dict.fromkeys(name for name, _ in counts):
        print(f"{name:<18}" + "".join(f"{counts[name, one]:>10}" for one in outcomes))
    totals = [sum(counts[name, one] for name, kind in counts if kind == one) for one in outcomes]
    print(f"{'all':<18}" + "".join(f"{total:>10}" for total in totals))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{time.perf_counter() - begun:.0f} s, at most {memory / 2**20:.0f} MiB")
    return 1 if totals[2] or memory > MOST_MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())
