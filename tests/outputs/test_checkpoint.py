"""Checkpoints: written whole or not at all, read back to the bit, and refused in a sentence where they are damaged."""

import builtins
import errno
import os

import jax.numpy as jnp
import numpy as np
import pytest

from neuralode_lbfgs.commands.resume import CannotKeep, Keeper
from neuralode_lbfgs.fitting.entry import Entry
from neuralode_lbfgs.outputs.checkpoint import (
    Checkpoint,
    CheckpointError,
    read_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)


@pytest.fixture
def checkpoint():
    arrays = {
        "x": np.array([1.0, np.nan, -0.0, np.inf]),
        "columns": np.arange(6.0).reshape(2, 3).T,
        "fresh": jnp.asarray(True),
        "count": np.int32(7),
        "none": np.zeros((0, 2), np.float32),
    }
    return Checkpoint('[fit]\nname = "é"\n', [Entry("a", True, {}), Entry("b", False, arrays)], 1.5)


@pytest.fixture
def path(tmp_path, checkpoint):
    write_checkpoint(tmp_path / "c.safetensors", checkpoint)
    return tmp_path / "c.safetensors"


def test_it_is_read_back_to_the_bit(path, checkpoint):
    found = read_checkpoint(path)
    assert (found.config, found.seconds) == (checkpoint.config, checkpoint.seconds)
    assert [(entry.name, entry.ended) for entry in found.entries] == [("a", True), ("b", False)]
    before, after = checkpoint.entries[1].arrays, found.entries[1].arrays
    assert set(before) == set(after)
    for name, array in before.items():
        expected = np.asarray(array)
        assert (after[name].dtype, after[name].shape) == (expected.dtype, expected.shape)
        assert after[name].tobytes() == expected.tobytes()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("where", [0, 9, 300, -1])
def test_a_byte_that_changed_is_noticed(path, where):
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"c\.safetensors"):
        read_checkpoint(path)


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_half_a_file_is_refused(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint that"):
        read_checkpoint(path)


def test_what_is_no_checkpoint(tmp_path):
    from safetensors.numpy import save

    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(tmp_path / "c.safetensors")
    (tmp_path / "m.safetensors").write_bytes(save({}, {"format": "neuralode_lbfgs model"}))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "m.safetensors")
    (tmp_path / "v.safetensors").write_bytes(save({}, {"format": "neuralode_lbfgs checkpoint", "version": "9"}))
    with pytest.raises(CheckpointError, match="version 9"):
        read_checkpoint(tmp_path / "v.safetensors")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_disk_that_is_full_or_read_only_leaves_the_one_before(path, checkpoint, call, number, monkeypatch):
    before = path.read_bytes()

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(builtins if call == "open" else os, call, fail)
    keeper = Keeper(path.parent, "", 0.0)
    keeper.path = path
    with pytest.raises(CannotKeep) as caught:
        keeper(checkpoint.entries)
    said = str(caught.value)
    assert said.startswith(f"{path} cannot be written: {os.strerror(number)}; the fit was stopped, and its last ")
    assert said.endswith(f"go on with neuralode-lbfgs fit --resume {path.parent}.")
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    path.with_name(f".{path.name}.unfinished").write_text("killed in the midst of it")
    assert read_checkpoint(path).seconds == 1.5
    remove_checkpoint(path)
    assert list(path.parent.iterdir()) == []
