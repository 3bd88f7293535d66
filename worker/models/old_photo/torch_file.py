"""Reads the tensors of a PyTorch file, without PyTorch and without unpickling: nothing in the file is run.

The file is a zip: numbers as raw bytes, and a pickle that says which belong to which name. A pickle is a
program; here its instructions are read as data. Those that describe tensors are known, any other is refused.
"""

import math
import pickletools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from shared.errors import ModelCorrupt

Array = npt.NDArray[np.float32]

_MOST_TEXT, _MOST_NUMBERS = 1 << 20, 1 << 25  # bytes of the pickle; numbers in the file
_DICT, _TENSOR, _FLOATS = "collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage"
_MOST_SIDES = 8  # of a tensor
_MARK = object()
_CONSTANTS = {"EMPTY_TUPLE": (), "NEWFALSE": False, "NEWTRUE": True, "NONE": None}
_LITERALS = frozenset({"BINUNICODE", "BININT", "BININT1", "BININT2"})
_NOT_HERE = frozenset({"PROTO", "STOP"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True, slots=True)
class _Global:
    name: str  # of a function or class, which is never looked up


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str  # of a member of the zip
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]


class _Refused(ValueError):
    """Raised where the file holds anything but tensors by name."""


def read_tensors(path: Path) -> dict[str, Array]:
    """Return the float32 tensors by name, in PyTorch's layout; ModelCorrupt where it is no such file.

    OSError where it cannot be read.
    """
    try:
        with ZipFile(path) as file:
            (pickled,) = [name for name in file.namelist() if name.endswith("/data.pkl")]
            folder = pickled.removesuffix("data.pkl")
            found = _described(_member(file, pickled, _MOST_TEXT))
            if sum(math.prod(each.shape) for each in found.values()) > _MOST_NUMBERS:
                raise _Refused("it holds too many numbers")
            return {name: _array(file, folder, tensor) for name, tensor in found.items()}
    except (ValueError, KeyError, IndexError, TypeError, BadZipFile, NotImplementedError) as error:
        raise ModelCorrupt("the weights are no known file of PyTorch", inside=f"{path}: {error}") from error


def _member(file: ZipFile, name: str, most: int) -> bytes:
    if file.getinfo(name).file_size > most:
        raise _Refused(f"{name} has more than {most} bytes")
    return file.read(name)


def _array(file: ZipFile, folder: str, tensor: _Tensor) -> Array:
    count, storage = math.prod(tensor.shape), tensor.storage
    data = _member(file, f"{folder}data/{storage.key}", 4 * _MOST_NUMBERS)
    if len(data) != 4 * storage.count or not 0 <= tensor.offset <= storage.count - count:
        raise _Refused(f"the numbers of {storage.key} have another size than it says")
    numbers = np.frombuffer(data, "<f4", count, 4 * tensor.offset)
    return numbers.reshape(tensor.shape).astype(np.float32)


def _described(pickled: bytes) -> dict[str, _Tensor]:
    """Return what the pickle describes: a dictionary from names to tensors."""
    (result,) = _Reader().read(pickled)
    if not isinstance(result, dict):
        raise _Refused("it holds no dictionary")
    tensors = {name: each for name, each in result.items() if isinstance(each, _Tensor)}
    if len(tensors) != len(result):
        raise _Refused("it holds more than tensors")
    return tensors


class _Reader:
    """The instructions of a pickle, as far as they describe tensors."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self, pickled: bytes) -> list[Any]:
        """Return what is on the stack in the end."""
        for opcode, argument, _ in pickletools.genops(pickled):
            self._take(opcode.name, argument)
        return self._stack

    def _take(self, name: str, argument: Any) -> None:  # noqa: C901  (one case a kind of instruction)
        match name:
            case "MARK":
                self._stack.append(_MARK)
            case "GLOBAL":
                self._stack.append(_Global(argument))
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                self._stack.append(self._memo[argument])
            case "TUPLE":
                self._stack.append(tuple(self._since_mark()))
            case "BINPERSID":
                self._stack.append(_storage(*self._stack.pop()))
            case "REDUCE":
                arguments, function = self._stack.pop(), self._stack.pop()
                self._stack.append(_made(function, arguments))
            case "EMPTY_DICT":
                self._stack.append({})
            case "SETITEM" | "SETITEMS":
                self._fill(self._since_mark() if name == "SETITEMS" else self._top(2))
            case "BUILD":  # of what PyTorch notes beside the tensors
                self._stack.pop()
            case _:
                self._take_value(name, argument)

    def _take_value(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self._stack.append(tuple(self._top(_TUPLES[name])))
        elif name not in _NOT_HERE:
            raise _Refused(f"its pickle has the instruction {name}")

    def _top(self, count: int) -> list[Any]:
        taken = self._stack[-count:]
        del self._stack[-count:]
        return taken

    def _since_mark(self) -> list[Any]:
        place = len(self._stack) - 1 - self._stack[::-1].index(_MARK)
        taken = self._stack[place + 1 :]
        del self._stack[place:]
        return taken

    def _fill(self, pairs: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise _Refused("its pickle fills something that is no dictionary")
        target.update(_pairs(pairs))


def _pairs(flat: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield names with what they name; names first: a tuple of tuples may be endless to hash."""
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        if not isinstance(name, str):
            raise _Refused("it has a tensor whose name is no text")
        yield name, value


def _storage(kind: object, numbers: object, key: object, _: object, count: object) -> _Storage:
    is_known = kind == "storage" and numbers == _Global(_FLOATS)
    if not (is_known and isinstance(key, str) and key.isdigit() and isinstance(count, int) and count >= 0):
        raise _Refused("it has numbers that are not float32")
    return _Storage(key, count)


def _made(function: object, arguments: Any) -> Any:
    if function == _Global(_DICT) and arguments == ():
        return {}
    if function != _Global(_TENSOR):
        called = function.name if isinstance(function, _Global) else "what is no function"
        raise _Refused(f"its pickle calls {called}")
    storage, offset, shape, strides, *_ = arguments
    is_tensor = isinstance(storage, _Storage) and isinstance(shape, tuple) and len(shape) <= _MOST_SIDES
    if not is_tensor or not all(isinstance(each, int) for each in (offset, *shape)):
        raise _Refused("it has a tensor without a shape")
    if min(shape, default=1) < 1 or tuple(strides) != _plain_strides(shape):
        raise _Refused("it has a tensor that does not lie in one piece")
    return _Tensor(storage, offset, tuple(shape))


def _plain_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
