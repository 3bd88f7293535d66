"""The trace that a request belongs to: `traceparent` and `tracestate` as W3C Trace Context has them.

What is malformed is ignored, as the standard says: a caller's mistake in tracing costs it no picture.
"""

import re
from dataclasses import dataclass

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII | re.DOTALL)
_KEY = r"[a-z0-9][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
_MEMBER = re.compile(rf"({_KEY})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e])")
_FLAGS = 3  # that are known: sampled, and a random trace id
_SAMPLED = 1
MOST_PARENT = 512  # characters; a later version of the standard may have longer ones
MOST_STATE = 512  # characters that are kept and handed on
MOST_RECEIVED = 8192  # characters of a state that are looked at
MOST_MEMBERS = 32
LONG_MEMBER = 128  # characters; longer ones go first where not all find room


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span of somebody, as it is handed on from one process to another. Both texts are well-formed."""

    traceparent: str
    tracestate: str = ""

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """The span's id, 16 hexadecimal digits."""
        return self.traceparent[36:52]

    @property
    def flags(self) -> int:
        """Flags of the trace: 1 for one that is recorded."""
        return int(self.traceparent[53:55], 16)

    @property
    def is_sampled(self) -> bool:
        """Whether the caller records the trace."""
        return bool(self.flags & _SAMPLED)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that hand it on."""
        state = {"tracestate": self.tracestate} if self.tracestate else {}
        return {"traceparent": self.traceparent, **state}

    @property
    def text(self) -> str:
        """The form in which records have it."""
        return f"{self.traceparent} {self.tracestate}".rstrip()


def trace_from_text(text: str) -> TraceContext | None:
    """Return what `text` of a context gave; None for "" and for what it cannot have given."""
    parent, _, state = text.partition(" ")
    return trace_from_headers(parent, state)


def trace_from_headers(traceparent: str, tracestate: str) -> TraceContext | None:
    """Return the context that two headers give, "" for one that is not there; None where there is none."""
    found = _PARENT.fullmatch(traceparent.strip(" \t")) if len(traceparent) <= MOST_PARENT else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    is_of_version = version != "ff" and not (version == "00" and more)
    if not is_of_version or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(f"00-{trace_id}-{span_id}-{int(flags, 16) & _FLAGS:02x}", _state(tracestate))


def _state(header: str) -> str:
    """Return a state that may be handed on; "" where it is malformed: then all of it is dropped."""
    if len(header) > MOST_RECEIVED:
        return ""
    members = [member.strip(" \t") for member in header.split(",")]
    members = [member for member in members if member]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in found if match is not None}
    if len(keys) < len(members) or len(members) > MOST_MEMBERS:
        return ""
    return ",".join(_fitting(members))


def _fitting(members: list[str]) -> list[str]:
    """Return the members that find room: long ones go first, then the last."""
    while len(",".join(members)) > MOST_STATE:
        long = [member for member in members if len(member) > LONG_MEMBER]
        members.remove(long[-1] if long else members[-1])
    return members
