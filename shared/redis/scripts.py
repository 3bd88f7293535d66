"""The Lua scripts, each of which is one atomic step on the server."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError, ResponseError

from shared.errors import AtelierError, StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys, lua_definitions
from shared.setting_groups import RedisRules

Argument: TypeAlias = str | bytes | int | float

# While the server is out of memory, scripts that accept new work fail. All other scripts handle accepted work
# and may always write, so that an accepted job is never lost because of later requests.
_TAKES_NEW_WORK = frozenset(
    {
        "jobs/submit",
        "files/add_file",
        "files/describe_file",
        "files/add_style",
        "recipes/create",
        "batches/open",
        "batches/append",
        "batches/retry",
        "transfers/listing",
        "actions/retry",  # to begin one takes no room worth naming, and a deletion makes some
        "access/create",
    }
)
_READS = frozenset(  # also on a server that cannot write
    {
        "jobs/place",
        "jobs/depths",
        "jobs/stats",
        "jobs/read",
        "chains/latest",
        "access/read",
        "owners/check",
        "workers/read",
        "owners/read",
        "workers/live",
    }
)
# What no client is told: moves of workers and the reaper, which others make again. Whatever else a script
# writes, a client is told to be so, and no failover may undo it: where replicas have to acknowledge
# (`RedisRules`), the answer waits for them.
_UNTOLD = frozenset(
    {
        "access/use",
        "actions/act",
        "actions/find",
        "actions/take",
        "backup/readmit",
        "backup/readmit_batch",
        "batches/find_items",
        "batches/sweep",
        "files/expire_files",
        "files/put_vector",
        "jobs/beat",
        "jobs/claim",
        "jobs/expire",
        "jobs/fail",
        "jobs/reap",
        "jobs/release",
        "jobs/report",
        "jobs/requeue",
        "jobs/settle",
        "jobs/succeed",
        "owners/changes",
        "pauses/replace",
        "room/fetched_items",
        "room/fetched_output",
        "room/reclaim",
        "transfers/deliver",
        "transfers/finish",
        "transfers/note_final",
        "transfers/postpone",
        "transfers/take",
        "webhooks/claim",
        "webhooks/forget",
        "webhooks/note_try",
        "webhooks/should_notify",
        "workers/announce",
        "workers/notify",
    }
)
_NOT_COPIED = (
    "the job store could not copy this to its replicas in time, so it is not promised, and may be done all "
    "the same; ask again in a moment, with the same Idempotency-Key"
)
# The server has Lua collect garbage once in 50 scripts. At Lua's own pace, 200, that one script may take
# ten times as long as the others; at 75 Lua's memory stays below 2 MB.
_COLLECTING = "collectgarbage('setstepmul', 75)\n"
_MAY_ALWAYS_WRITE = "#!lua flags=allow-oom\n"
_FOLDER = resources.files("shared.redis") / "lua"
_INCLUDES = "includes"
_INCLUDE_LINE = re.compile(r"-- include: (.+)")  # the first line of a script, or of an include
_KEYS = lua_definitions()
_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"^--.*\n|[ ]-- .*", re.MULTILINE)
_DEFINITION = re.compile(r"^(?=local )", re.MULTILINE)
_NAMES = re.compile(r"local (?:function )?([\w, ]+)")
_NUMBER = r"[\d.]+(?: [*^] [\d.]+)*"
_CONSTANT = re.compile(rf"local ([A-Z][A-Z_]*) = ((?:P \.\. )?'[^'\n]*'|{_NUMBER})\s*")
_TEXT_OR_NAME = re.compile(r"'[^'\n]*'|(?<![.\w])[A-Z][A-Z_]*\b")


class Scripts:
    """Runs the Lua scripts by name; each is one atomic step on the server."""

    def __init__(
        self, client: Client, *, prefix: str = PREFIX, max_events: int = 1024, usage_days: int = 400
    ) -> None:
        self.client = client
        self.keys = Keys(prefix)
        self._rules: RedisRules = getattr(client, "rules", RedisRules())
        sizes = f"{int(max_events)}, {int(usage_days)}"
        head = f"{_COLLECTING}local P, MAX_EVENTS, USAGE_DAYS = KEYS[1], {sizes}\n"
        self._scripts = {
            name: client.register_script(_flags(name) + head + program(name)) for name in names()
        }

    def run(self, name: str, *arguments: Argument) -> Any:
        """Run a script; raise StoreUnavailable if the server cannot, or too few replicas have what it did."""
        with store_errors():
            if self._rules.replicas and name not in _READS | _UNTOLD:
                return self._run_for_replicas(name, arguments)
            return self._scripts[name](keys=[self.keys.prefix], args=list(arguments))

    def _run_for_replicas(self, name: str, arguments: Sequence[Argument]) -> Any:
        reply, _, count = self._run_and_wait(name, arguments)
        if isinstance(reply, NoScriptError):  # a server that was started or became the primary only now
            self.client.script_load(self._scripts[name].script)
            reply, _, count = self._run_and_wait(name, arguments)
        for error in (reply, count):
            if isinstance(error, Exception):
                raise error
        if count < self._rules.replicas:
            raise StoreUnavailable(_NOT_COPIED, inside=f"{count} of {self._rules.replicas} replicas have it")
        return reply

    def _run_and_wait(self, name: str, arguments: Sequence[Argument]) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        pipeline.evalsha(self._scripts[name].sha, 1, self.keys.prefix, *arguments)
        # WAIT is for what its own connection wrote: with this, for what others wrote before it as well, as a
        # repeated request changes nothing itself.
        pipeline.set(self.keys("probe"), "")
        pipeline.execute_command("WAIT", self._rules.replicas, round(self._rules.replica_seconds * 1000))
        return list(pipeline.execute(raise_on_error=False))

    def run_both(
        self, first: tuple[str, *tuple[Any, ...]], second: tuple[str, *tuple[Any, ...]]
    ) -> tuple[Any, Any]:
        """Run two scripts, each a name and its arguments, in one round trip; return what each returns.

        Each is a step of its own: others may come between, and the second is done though the first fails. So
        what the first raises is returned in its place. Lost connections have both sent again. Raises
        StoreUnavailable.
        """
        with store_errors():
            pipeline = self.client.pipeline(transaction=False)
            for name, *arguments in (first, second):
                pipeline.evalsha(self._scripts[name].sha, 1, self.keys.prefix, *arguments)
            replies = pipeline.execute(raise_on_error=False)
            return self._reply_or_error(first, replies[0]), self._settled(second, replies[1])

    def _reply_or_error(self, call: tuple[str, *tuple[Any, ...]], reply: Any) -> Any:
        try:
            with store_errors():
                return self._settled(call, reply)
        except (AtelierError, ResponseError) as error:
            return error

    def _settled(self, call: tuple[str, *tuple[Any, ...]], reply: Any) -> Any:
        if isinstance(reply, NoScriptError):
            return self.run(*call)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def run_beside(self, key: str, name: str, *arguments: Argument) -> tuple[Any, Any]:
        """Read a hash and run a script, one after the other in one round trip; return what both found.

        Raises StoreUnavailable.
        """
        with store_errors():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.hgetall(key)
            pipeline.evalsha(self._scripts[name].sha, 1, self.keys.prefix, *arguments)
            found, reply = pipeline.execute(raise_on_error=False)
            if isinstance(found, Exception):
                raise found
            return found, self._settled((name, *arguments), reply)


def _flags(name: str) -> str:
    if name in _READS:
        return "#!lua flags=no-writes\n"
    return "" if name in _TAKES_NEW_WORK else _MAY_ALWAYS_WRITE


@cache
def names() -> list[str]:
    """Return the names of all scripts with their folders, such as "jobs/claim"."""
    folders = [entry for entry in _FOLDER.iterdir() if entry.is_dir() and entry.name != _INCLUDES]
    return [f"{folder.name}/{entry.name[:-4]}" for folder in folders for entry in folder.iterdir()]


@cache
def program(name: str) -> str:
    """Return the text of a script, after what it uses of its includes, and the keys that all of these use.

    Each run defines all of this again, so what a script does not use would cost it time. Raises
    FileNotFoundError for an include that does not exist.
    """
    parts, used = [source(name)], _words(_COMMENT.sub("", source(name)))
    for include in reversed(_includes_of(name)):
        for definition in reversed(_definitions(include)):
            if _defined(definition) & used:
                parts.append(definition)
                used |= _words(definition)
    keys = [definition for key, definition in _KEYS.items() if key in used]
    return _without_constants([*keys, *reversed(parts[1:])], parts[0])


def _without_constants(definitions: Sequence[str], script: str) -> str:
    """Return definitions and a script as one text, in which constants stand where they are used.

    Lua takes 200 local variables in one script at most.
    """
    constants = {found[1]: f"({found[2]})" for found in map(_CONSTANT.fullmatch, definitions) if found}
    others = [definition for definition in definitions if not _CONSTANT.fullmatch(definition)]
    return _TEXT_OR_NAME.sub(lambda found: constants.get(found[0], found[0]), "\n".join([*others, script]))


@cache
def source(name: str) -> str:
    """Return the source text of a script or an include."""
    return str((_FOLDER / f"{name}.lua").read_text("utf-8"))


def named_includes(name: str) -> list[str]:
    """Return the includes named in the first line of a script or an include."""
    line = _INCLUDE_LINE.match(source(name))
    return [f"{_INCLUDES}/{part}" for part in line[1].split(", ")] if line else []


def _includes_of(name: str) -> list[str]:
    """Return all includes of a script, each after the includes that it needs."""
    found: dict[str, None] = {}
    for include in named_includes(name):
        found |= dict.fromkeys([*_includes_of(include), include])
    return list(found)


@cache
def _definitions(include: str) -> list[str]:
    """Return the functions and values that an include defines; it has nothing else."""
    return _DEFINITION.split(_COMMENT.sub("", source(include)))[1:]


def _defined(definition: str) -> set[str]:
    names = _NAMES.match(definition)
    return set(_WORD.findall(names[1])) if names else set()


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))
