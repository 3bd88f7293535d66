"""The Lua scripts, each of which is one atomic step on the server."""

from importlib import resources
from typing import Any

from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys, lua_definitions

# Scripts that take new work are refused while the server is out of memory. All others move work that was
# accepted, and may always write: the client whose job waits must not lose it to those who come after.
_TAKES_NEW_WORK = frozenset(
    {"jobs/submit", "files/add_file", "files/add_style", "batches/open", "batches/append", "batches/retry"}
)
_READS = frozenset({"jobs/place", "jobs/depths"})  # they answer on a server that cannot write, too
_MAY_ALWAYS_WRITE = "#!lua flags=allow-oom\n"
# What all scripts begin with, each part resting on those before it.
_INCLUDES = "includes"
_FIRST = ("records", "waits", "attempts", "lines", "files", "webhooks", "batches", "result_cache", "moves")


class Scripts:
    """The Lua scripts by name; each runs as one atomic step on the server."""

    def __init__(self, client: Client, *, prefix: str = PREFIX, max_events: int = 1024) -> None:
        self.client = client
        self.keys = Keys(prefix)
        shared = "\n".join(_read(f"{_INCLUDES}/{part}") for part in _FIRST)
        head = f"local MAX_EVENTS = {int(max_events)}\n{lua_definitions()}\n{shared}\n"
        names = [name for name in _names() if not name.startswith(_INCLUDES)]
        self._scripts = {name: client.register_script(_flags(name) + head + _read(name)) for name in names}

    def run(self, name: str, *arguments: str | int | float) -> Any:
        """Run a script; raise StoreUnavailable where the server cannot carry it out."""
        with store_errors():
            return self._scripts[name](keys=[self.keys.prefix], args=list(arguments))


def _flags(name: str) -> str:
    if name in _READS:
        return "#!lua flags=no-writes\n"
    return "" if name in _TAKES_NEW_WORK else _MAY_ALWAYS_WRITE


def _folder() -> Any:
    return resources.files("shared.redis") / "lua"


def _names() -> list[str]:
    """Return the scripts by folder and name, such as "jobs/claim"."""
    folders = [entry for entry in _folder().iterdir() if entry.is_dir()]
    return [f"{folder.name}/{entry.name[:-4]}" for folder in folders for entry in folder.iterdir()]


def _read(name: str) -> str:
    return str((_folder() / f"{name}.lua").read_text("utf-8"))
