"""What all log lines within a block are about: fields that each line in JSON has beside its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Fields = Mapping[str, object]

_NONE: Fields = MappingProxyType({})
_CONTEXT: ContextVar[Fields] = ContextVar("log_context", default=_NONE)
_of_process: dict[str, object] = {}


def say_in_each_line(**fields: object) -> None:
    """Have all lines of this process tell these fields too, such as which worker it is."""
    _of_process.update(fields)


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Have the lines that this thread writes in the block tell these fields too; empty ones are left out."""
    token = _CONTEXT.set(_with(fields))
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def begin_log_context(**fields: object) -> None:
    """Have all further lines of this thread or greenlet tell these fields, and no earlier ones."""
    _CONTEXT.set({name: value for name, value in fields.items() if value})


def add_log_context(**fields: object) -> None:
    """Have all further lines of this thread or greenlet tell these fields too."""
    _CONTEXT.set(_with(fields))


def fields_of_context() -> dict[str, object]:
    """Return the fields that a line written now has beside its own."""
    return {**_of_process, **_CONTEXT.get()}


def _with(fields: Fields) -> Fields:
    return {**_CONTEXT.get(), **{name: value for name, value in fields.items() if value}}
