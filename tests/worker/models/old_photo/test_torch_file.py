"""The reader of PyTorch's files: tensors as they were saved, and nothing run."""

import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from shared.errors import ModelCorrupt
from worker.models.old_photo.torch_file import read_tensors

FLOATS = "ctorch\nFloatStorage\n"


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def whole(*numbers: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", number) for number in numbers) + b"t"


def tensor(
    key: str = "0",
    count: int = 6,
    offset: int = 0,
    shape: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    kind: bytes = FLOATS.encode(),
) -> bytes:
    """Return the instructions by which PyTorch describes a tensor."""
    storage = (
        b"(" + text("storage") + kind + text(key) + text("cpu") + b"J" + struct.pack("<i", count) + b"tQ"
    )
    place = b"J" + struct.pack("<i", offset)
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + place
        + whole(*shape)
        + whole(*strides)
        + hooks
        + b"tR"
    )


def pickled(**tensors: bytes) -> bytes:
    entries = b"".join(text(name) + described for name, described in tensors.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + entries + b"u."


def written(folder: Path, program: bytes, numbers: bytes = np.arange(6, dtype="<f4").tobytes()) -> Path:
    path = folder / "net.pth"
    with ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", program)
        file.writestr("net/data/0", numbers)
    return path


def test_tensors_are_read_by_name(tmp_path: Path) -> None:
    program = pickled(a=tensor(), b=tensor(offset=2, shape=(4,), strides=(1,)))
    found = read_tensors(written(tmp_path, program))
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["b"], [2, 3, 4, 5])


class Harmful:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harmed"),))


class Other:
    """A class whose pickle names it."""


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize(
    "held", [Harmful(), Other(), OrderedDict(a=1), {"a": [1]}, [1], "text", 1.5, b"bytes"]
)
def test_any_other_pickle_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: object, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelCorrupt, match="no known file of PyTorch"):
        read_tensors(written(tmp_path, pickle.dumps(held, protocol)))
    assert not Path("harmed").exists()


@pytest.mark.parametrize(
    "described",
    [
        tensor(count=7),
        tensor(offset=1),
        tensor(offset=-1),
        tensor(shape=(3, 3)),
        tensor(shape=(2, -3)),
        tensor(shape=(0,), strides=(1,)),
        tensor(strides=(1, 2)),
        tensor(key="../data.pkl"),
        tensor(key="1"),
        tensor(count=1 << 30, shape=(1 << 30,), strides=(1,)),
        tensor(kind=b"ctorch\nLongStorage\n"),
        tensor(kind=text("float")),
        b"N",
        b"cos\nsystem\n" + b"(" + text("true") + b"tR",
    ],
)
def test_a_tensor_that_does_not_fit_its_numbers_is_refused(tmp_path: Path, described: bytes) -> None:
    with pytest.raises(ModelCorrupt):
        read_tensors(written(tmp_path, pickled(a=described)))


@pytest.mark.parametrize(
    "program", [b"", b".", b"\x80\x02", b"R.", b"u.", b"h\x01.", b"t.", b"\xff", pickled()[:-1]]
)
def test_a_program_that_is_torn_is_refused(tmp_path: Path, program: bytes) -> None:
    with pytest.raises(ModelCorrupt):
        read_tensors(written(tmp_path, program))


# A tuple of two tuples of two tuples ...: looked through, it is without end.
NESTED = b")" + b"q\x00h\x00\x86" * 200


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02}" + NESTED + b"Ns.",
        b"\x80\x02" + NESTED + b")R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + NESTED + b"R.",
        pickled(a=tensor(shape=(1 << 30,) * 20_000, strides=(1,))),
        b"\x80\x02}X\x01\x00\x00\x00a" + NESTED + b"s.",
    ],
    ids=["a name", "a function", "arguments", "many sides", "a value"],
)
def test_a_program_that_would_never_end_is_refused_at_once(tmp_path: Path, program: bytes) -> None:
    with pytest.raises(ModelCorrupt):
        read_tensors(written(tmp_path, program))


def test_what_is_no_zip_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"PK\3\4 torn")
    with pytest.raises(ModelCorrupt):
        read_tensors(tmp_path / "net.pth")
    with pytest.raises(ModelCorrupt, match="more than"):
        read_tensors(written(tmp_path, bytes(2 << 20)))
