"""traceparent and tracestate by the W3C's standard: what is malformed counts as absent."""

import pytest

from shared.tracing.trace_context import (
    MOST_MEMBERS,
    MOST_PARENT,
    MOST_RECEIVED,
    MOST_STATE,
    TraceContext,
    trace_from_headers,
    trace_from_text,
)
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID


def test_a_header_says_trace_span_and_whether_it_is_recorded() -> None:
    found = trace_from_headers(PARENT, "")
    assert found is not None
    assert (found.trace_id, found.span_id, found.is_sampled) == (TRACE_ID, SPAN_ID, True)
    assert found.headers == {"traceparent": PARENT}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "0",
        f"{PARENT}-more",  # version 00 has nothing behind its flags
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"0-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}g-{SPAN_ID}-01",
        f"{PARENT},{PARENT}",  # two headers, as servers join them
        f"{PARENT}\n",
        f"01-{TRACE_ID}-{SPAN_ID}-01.more",
        f"01-{TRACE_ID}-{SPAN_ID}-01-" + "x" * MOST_PARENT,
        f"\u0660\u0660-{TRACE_ID}-{SPAN_ID}-01",
    ],
)
def test_a_malformed_header_counts_as_none(header: str) -> None:
    assert trace_from_headers(header, "a=1") is None


@pytest.mark.parametrize(
    ("header", "handed_on"),
    [
        (f"  {PARENT}\t", PARENT),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-comes-later", PARENT),  # of a later version what this one has
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", PARENT),
        (f"00-{TRACE_ID}-{SPAN_ID}-ff", f"00-{TRACE_ID}-{SPAN_ID}-03"),  # unknown flags are not handed on
        (f"00-{TRACE_ID}-{SPAN_ID}-00", f"00-{TRACE_ID}-{SPAN_ID}-00"),
    ],
)
def test_what_is_handed_on_is_of_the_version_known_here(header: str, handed_on: str) -> None:
    found = trace_from_headers(header, "")
    assert found is not None
    assert found.traceparent == handed_on


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        (" a=1 ,, b@c=2\t", "a=1,b@c=2"),
        ("0a=x y", "0a=x y"),
        ("a=1,a=2", ""),  # malformed members spoil the whole
        ("a=1,B=2", ""),
        ("a=1,b", ""),
        ("a=1,b=", ""),
        ("a=1,b=x=y", ""),
        ("a=1,b=é", ""),
        ("a=1,b@c@d=2", ""),
        (f"a=1,b={'x' * 257}", ""),
        (",".join(f"k{n}=v" for n in range(MOST_MEMBERS + 1)), ""),
        ("a=" + "x" * MOST_RECEIVED, ""),
    ],
)
def test_a_state_is_kept_whole_or_not_at_all(state: str, kept: str) -> None:
    found = trace_from_headers(PARENT, state)
    assert found is not None
    assert found.tracestate == kept


def test_a_state_that_is_long_loses_long_members_first_and_the_last_after_them() -> None:
    short = [f"k{n}={'x' * 30}" for n in range(20)]
    found = trace_from_headers(PARENT, ",".join([f"long={'y' * 200}", *short]))
    assert found is not None
    assert len(found.tracestate) <= MOST_STATE
    kept = found.tracestate.split(",")
    assert kept == short[: len(kept)]
    assert len(kept) > 10


@pytest.mark.parametrize("state", ["", "a=x y,b=2"])
def test_a_record_gives_back_what_was_put_into_it(state: str) -> None:
    context = TraceContext(PARENT, state)
    assert trace_from_text(context.text) == context


@pytest.mark.parametrize("text", ["", " ", "junk", f"{PARENT}junk a=1"])
def test_a_record_that_somebody_spoiled_has_no_trace(text: str) -> None:
    assert trace_from_text(text) is None
