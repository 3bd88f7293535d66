"""The Lua scripts, each of which is one atomic step on the server."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError

from shared.errors import AtelierError, StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys, lua_definitions
from shared.setting_groups import RedisRules

Argument: TypeAlias = str | bytes | int | float
Call: TypeAlias = tuple[str, *tuple[Argument, ...]]  # a script's name, or a command's, and its arguments

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
        "jobs/read_done",
        "chains/latest",
        "access/read",
        "owners/check",
        "workers/read",
        "owners/read",
        "workers/live",
        "webhooks/read_secrets",
    }
)
# What no client is told: moves of workers and the reaper, which others make again. Whatever else a script
# writes, a client is told to be so, and no failover may undo it: where replicas have to acknowledge
# (`RedisRules`), the answer waits for them.
_UNTOLD = frozenset(
    {
        "access/count",
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
_NO_PROMISES = _READS | _UNTOLD
_NOT_COPIED = (
    "the job store could not copy this to its replicas in time, so it is not promised, and may be done all "
    "the same; ask again in a moment, with the same Idempotency-Key"
)
# The server has Lua collect garbage once in 50 scripts. At Lua's own pace, 200, that one script may take
# ten times as long as the others; at 75 Lua's memory stays below 2 MB.
_COLLECTING = "collectgarbage('setstepmul', 75)\n"
_MAY_ALWAYS_WRITE = "#!lua flags=allow-oom\n"
_NOT_DONE = (NoScriptError, ReadOnlyError)
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
            name: client.register_script(_joined(_flags(name) + head, program(name))) for name in names()
        }

    def run(self, name: str, *arguments: Argument) -> Any:
        """Run a script; raise StoreUnavailable if the server cannot, or too few replicas have what it did."""
        if self._is_promise(name):
            return value_of(self.run_together((name, *arguments))[0])
        with store_errors():
            return self._alone((name, *arguments))

    def run_together(self, *calls: Call) -> list[Any]:
        """Run scripts and commands in turn, in one round trip; return what each returned or raised.

        Each is a step of its own: others may come between, and what follows one that failed is done all the
        same. Lost connections have all sent again. Raises StoreUnavailable where no reply came.
        """
        with store_errors():
            replies = self._sent(calls)
        return [self._settled(call, reply) for call, reply in zip(calls, replies, strict=True)]

    def _is_promise(self, name: str) -> bool:
        """Whether replicas have to acknowledge what a script does."""
        return self._rules.replicas > 0 and name in self._scripts and name not in _NO_PROMISES

    def _sent(self, calls: Sequence[Call]) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        for name, *arguments in calls:
            if name in self._scripts:
                pipeline.evalsha(self._scripts[name].sha, 1, self.keys.prefix, *arguments)
            else:
                pipeline.execute_command(name, *arguments)
        if not any(self._is_promise(name) for name, *_ in calls):
            return list(pipeline.execute(raise_on_error=False))
        # WAIT is for what its own connection wrote: with this, for what others wrote before it as well, as a
        # repeated request changes nothing itself.
        pipeline.set(self.keys("probe"), "")
        pipeline.execute_command("WAIT", self._rules.replicas, round(self._rules.replica_seconds * 1000))
        *replies, _, count = pipeline.execute(raise_on_error=False)
        return [self._acknowledged(call, reply, count) for call, reply in zip(calls, replies, strict=True)]

    def _acknowledged(self, call: Call, reply: Any, count: Any) -> Any:
        """Return the reply, or of a promise why it does not hold; `count` is the reply of WAIT."""
        if isinstance(reply, Exception) or not self._is_promise(call[0]):
            return reply
        if isinstance(count, Exception):
            return count
        if count < self._rules.replicas:
            inside = f"{count} of {self._rules.replicas} replicas have it"
            return StoreUnavailable(_NOT_COPIED, inside=inside)
        return reply

    def _settled(self, call: Call, reply: Any) -> Any:
        try:
            with store_errors():
                # A server that was started, or lost its primary's role, only now: the call was not done.
                return value_of(self._alone(call) if isinstance(reply, _NOT_DONE) else reply)
        except (AtelierError, ResponseError) as error:
            return error

    def _alone(self, call: Call) -> Any:
        """Send one call, with its script where the server does not know that, and again to a new primary."""
        name, *arguments = call
        if name not in self._scripts:
            return self.client.execute_command(*call)
        if not self._is_promise(name):
            return self._scripts[name](keys=[self.keys.prefix], args=arguments)
        self.client.set(self.keys("probe"), "")  # leaves a server that is no primary any more
        self.client.script_load(self._scripts[name].script)
        return self._sent([call])[0]


def value_of(reply: Any) -> Any:
    """Return what a call of several returned; raise what it raised."""
    if isinstance(reply, Exception):
        raise reply
    return reply


@cache
def _joined(head: str, body: str) -> str:
    """Return one text, the same object for equal parts: a process has many `Scripts`, of 0.7 MB of text."""
    return head + body


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
