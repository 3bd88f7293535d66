"""The only definition of all server keys: for Python, for the Lua scripts, and for backups."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

PREFIX = "atelier:"  # prefix of every key; in a cluster, run Atelier on one primary

# How a backup treats a key. `record`: copied, and used to rebuild the keys that follow from records.
# `follows`: not copied, because it follows from records. `passing`: not copied, as a cache, a heartbeat or
# a secret. `first`, `last`: copied before or after all records. `of_batch`: copied together with a batch.
# `other`: copied after the records, in no special order. `stays`: not copied, and no restore removes it: it
# belongs to the installation, and not to what it keeps.
Copied = Literal["record", "follows", "passing", "first", "of_batch", "last", "other", "stays"]


@dataclass(frozen=True)
class Key:
    """Keys of one kind. In Lua a function such as `job_key(id)`, or a constant where there is one key."""

    name: str
    text: str  # after the prefix, with its parts in braces
    copied: Copied

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(re.findall(r"{(\w+)}", self.text))

    @property
    def pattern(self) -> str:
        """The glob pattern of all keys of this kind, after the prefix."""
        return re.sub(r"{\w+}", "*", self.text)

    @property
    def lua_name(self) -> str:
        """The name of its constant or function in Lua."""
        return f"{self.name}_key" if self.parts else self.name.upper()

    def lua(self) -> str:
        """Return its definition in Lua, where `P` is the prefix."""
        text = re.sub(r"{(\w+)}", r"' .. \1 .. '", f"P .. '{self.text}'").removesuffix(" .. ''")
        if not self.parts:
            return f"local {self.lua_name} = {text}"
        return f"local function {self.lua_name}({', '.join(self.parts)}) return {text} end"


KEYS = (
    # Records
    Key("job", "job:{id}", "record"),
    Key("batch", "batch:{id}", "record"),
    Key("file", "file:{owner}:{id}", "record"),
    Key("style", "style:{owner}:{name}", "record"),
    Key("delivery", "delivery:{id}", "record"),
    Key("recipe", "recipe:{owner}:{name}", "other"),  # all versions; owner "*": everybody's
    Key("gone", "gone:{id}", "other"),  # tombstone of a deleted job or batch
    Key("gone_why", "gone-why:{id}", "passing"),  # beside a tombstone: it went to make room
    Key("idempotency", "idempotency:{owner}:{key}", "first"),
    Key("events", "events:{id}", "of_batch"),  # the stream of a job or batch
    Key("done", "done:{id}", "passing"),  # there for seconds after a job's end: who waits for that waits here
    Key("sequence", "sequence", "last"),  # the number of the latest record that an older Atelier counted
    Key("owned_sequence", "owner:{owner}:sequence", "last"),  # the number of the owner's latest record
    Key("owned_front", "owner:{owner}:front", "last"),  # the latest number of what was moved to the front
    # Lists of an owner
    Key("owned_jobs", "owner:{owner}:jobs", "follows"),
    Key("owned_batches", "owner:{owner}:batches", "follows"),
    Key("changes", "owner:{owner}:changes", "passing"),  # jobs and batches by their latest change
    Key("latest_change", "owner:{owner}:latest-change", "passing"),  # a stream of one: who follows waits here
    Key("owned_deliveries", "owner:{owner}:deliveries", "follows"),
    Key("owned_pinned", "owner:{owner}:pinned", "follows"),  # jobs and batches that never expire
    Key("owned_files", "owner:{owner}:files", "last"),
    Key("owned_styles", "owner:{owner}:styles", "last"),
    Key("owned_recipes", "owner:{owner}:recipes", "last"),
    # Batches
    Key("batch_finished", "batch-finished:{batch}", "of_batch"),  # indexes of items, in order of their end
    Key("batch_again", "batch-again:{batch}", "of_batch"),  # number of retries of an item
    Key("batch_files", "batch-files:{batch}", "of_batch"),  # the files that its items read
    Key("batch_fetched", "batch-fetched:{batch}", "passing"),  # a bit for each item whose result was sent
    Key("batch_names", "batch-names:{batch}", "of_batch"),  # custom ids that clients gave to items
    Key(
        "batch_parts", "batch-parts:{batch}", "of_batch"
    ),  # what specifications of its items share, by digest
    Key("batch_listing", "batch-listing:{batch}", "of_batch"),  # what its source has, until all is taken
    Key("batch_templates", "batch-templates:{batch}", "of_batch"),  # what is made of each picture there
    Key("batch_held", "batch-held:{batch}", "follows"),  # items not queued because it is paused
    Key("batch_dead", "batch-dead:{batch}", "follows"),  # indexes of items that failed or expired
    Key("batch_waiting", "batch-waiting:{batch}", "follows"),  # items that wait for the output of a job
    Key("open_batches", "open-batches", "follows"),
    Key("batch_pauses", "batch-pauses", "follows"),  # paused batches, by the end of their pause
    Key("batch_work", "batch-work", "follows"),
    Key("imports", "imports", "follows"),  # batches whose source is not taken whole, by their next step
    Key("exports", "exports", "follows"),  # batches whose results go to a place, by the same
    # Queues
    Key("queue", "line:{lane}:{owner}", "follows"),
    Key("turns", "turns:{lane}", "follows"),  # owners with claimable jobs, by their next turn
    Key("served", "served:{lane}", "passing"),  # the next turn of each owner, and the lane's
    Key("starving", "starving:{lane}", "passing"),
    Key("stopped", "stopped:{lane}:{owner}", "follows"),  # batches that wait but may not be claimed
    Key("stopped_owners", "stopped-owners:{lane}", "follows"),  # owners of these batches
    Key("waits", "waits:{lane}:{owner}:{work}", "follows"),  # waiting jobs, in the order of claims
    Key("works", "works:{lane}:{owner}", "follows"),  # kinds of work with waiting jobs
    Key("delayed", "delayed", "follows"),
    Key("pauses", "pauses", "other"),  # by id: a restore starts nothing that somebody had stopped
    Key("delayed_batches", "delayed-batches", "follows"),  # by the time before which no item starts
    Key("leases", "leases", "follows"),
    Key(
        "claimed", "claimed:{worker}:{thread}", "passing"
    ),  # what its latest claim started, as long as a lease
    Key("deadlines", "deadlines", "follows"),
    Key(
        "clock", "clock", "passing"
    ),  # when the reaper looked last, and how far time is ahead of the server's clock
    Key("old_lane", "lane:{lane}", "follows"),  # written by an older Atelier
    # Measured
    Key("ended", "ended:{minute}", "passing"),  # jobs that ended, by status, lane, owner and model
    Key("totals", "totals", "stays"),  # jobs, attempts and deliveries that ended, by how
    Key("load", "load", "passing"),  # work done so far, as if only one job ran at a time
    Key(
        "version", "version:{what}:{model}", "passing"
    ),  # by `name@version`, `ended` and `runs`: how jobs did
    Key("durations", "pace", "last"),  # mean duration of jobs, by model and size
    Key("failures", "failures:{owner}:{hour}", "passing"),  # by code: how many, and an example
    Key("owned_durations", "owner:{owner}:pace", "last"),  # the same of one owner's jobs
    # Results that jobs share
    Key("reuse", "reuse:{owner}:{equality}", "follows"),
    Key("followers", "followers:{id}", "follows"),
    Key("follow_work", "follow-work", "follows"),  # ended jobs that still have followers
    Key("sharers", "sharers", "follows"),  # number of other jobs that name the outputs of a job
    # Chains
    Key("awaiting", "awaiting:{id}", "follows"),  # jobs that wait for the output of a job
    Key("awaited", "awaited", "follows"),  # jobs whose output is waited for, by the time of the next look
    # Bulk actions
    Key("action", "action:{id}", "passing"),
    Key("action_jobs", "action-jobs:{id}", "passing"),  # what it has found and not acted on yet
    Key("action_work", "action-work", "passing"),  # those that go on, by when a process may take them
    Key("owned_actions", "owner:{owner}:actions", "passing"),
    # Files, and data with a time to live
    Key("file_users", "file-users:{owner}:{file}", "follows"),
    Key("expiring", "expiring", "follows"),
    Key("expiring_files", "expiring-files", "follows"),
    Key("results", "results", "follows"),  # jobs and batches that are done, by their end
    Key("fetched", "fetched", "follows"),  # those of them whose result was sent
    Key("reclaimed", "reclaimed", "passing"),  # how often room was made, and when last
    Key("reaping", "reaping", "passing"),  # exists while one process makes the pass of all reapers
    Key("storage", "storage", "stays"),  # the name of the storage that goes with these records
    Key("garbage", "garbage", "passing"),  # objects and folders to remove from storage
    Key("collecting", "collecting", "other"),  # exists during the search for orphans
    Key("vector", "vector:{name}", "passing"),
    Key("vectors", "vectors", "passing"),
    # Webhooks
    Key("webhook_hosts", "webhooks:hosts", "follows"),  # by the due time of their first delivery
    Key("webhook_due", "webhooks:due:{host}", "follows"),
    Key("webhook_notified", "webhooks:rung", "passing"),
    Key("webhook_secrets", "webhooks:secrets", "passing"),  # of the anonymous owner
    Key("owned_webhook_secrets", "webhooks:secrets:{owner}", "passing"),
    Key("subject_deliveries", "told:{kind}:{subject}", "follows"),  # deliveries about a job or batch
    # API keys
    Key("api_key", "key:{id}", "stays"),
    Key("api_keys", "keys", "stays"),
    Key("key_changes", "key-changes", "stays"),  # a stream; it exists as soon as there was a key
    Key("rate", "rate:{counter}", "passing"),  # requests of a key or an address in this minute
    # Quotas and usage
    Key("quota", "quota:{owner}", "stays"),  # an owner's own limits
    Key("rollouts", "rollouts", "stays"),  # by model: which share of its jobs gets which version
    Key("model_limits", "model-limits", "stays"),  # how many jobs of a model run at once
    Key("holdings", "holdings:{owner}", "follows"),  # what it has of what quotas limit
    Key("usage", "usage:{day}", "other"),  # what jobs took on a day, in days since the epoch
    # Workers
    Key("workers", "workers", "passing"),
    Key("worker", "workers:{id}", "passing"),
    Key("cordons", "cordons", "stays"),  # workers that are to claim no jobs, by name
    Key("reload", "reload", "passing"),
    Key("probe", "probe", "other"),  # written to test whether the server accepts writes
    Key("restoring", "restoring", "passing"),  # exists during a restore
)
_BY_NAME = {key.name: key for key in KEYS}


class Keys:
    """The keys below one prefix."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix

    def __call__(self, name: str, *parts: str) -> str:
        """Return a key by its kind and its parts; raise KeyError or ValueError if one of them is wrong."""
        key = _BY_NAME[name]
        if len(parts) != len(key.parts):
            raise ValueError(f"{key.text} has {len(key.parts)} parts, not {len(parts)}")
        return self.prefix + key.text.format(**dict(zip(key.parts, parts, strict=True)))


def lua_definitions() -> dict[str, str]:
    """Return the Lua definitions of all keys by their Lua names; each needs P, the prefix."""
    return {key.lua_name: key.lua() for key in KEYS}


def pattern(name: str) -> str:
    """Return the glob pattern of all keys of a kind."""
    return _BY_NAME[name].pattern


def patterns(*copied: Copied) -> tuple[str, ...]:
    """Return the glob patterns of all keys with these `copied` values."""
    return tuple(key.pattern for key in KEYS if key.copied in copied)


def kind_of(key: str) -> str:
    """Return the first part of a key without its prefix: job, file, events ..."""
    return key.partition(":")[0]
