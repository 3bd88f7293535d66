"""Reading server-sent events."""

import httpx

from atelier.client.events import Event, events_of


def read(*chunks: str | bytes) -> list[Event]:
    stream = (chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks)
    return list(events_of(httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream)))


def test_events_carry_id_kind_and_data() -> None:
    lines = [
        "retry: 2000",
        "",
        ": ping",
        "event: state",
        "id: 1-0",
        'data: {"status":',
        'data: "queued"}',
        "",
    ]
    assert read(*(f"{line}\n" for line in lines)) == [Event("1-0", "state", {"status": "queued"})]


def test_an_event_that_the_end_cuts_off_is_dropped() -> None:
    assert read("id: 1\ndata: {}\n\nid: 2\ndata: {}") == [Event("1", "message", {})]


def test_data_that_is_no_object_is_wrapped() -> None:
    events = read("data: hello\n\ndata: 3\n\n")
    assert [event.data for event in events] == [{"text": "hello"}, {"value": 3}]


def test_what_keeps_a_silent_stream_alive_is_no_event() -> None:
    events = read("retry: 2000\n\n", ": ping\n\n", "id: 1\ndata: {}\n\n", ": ping\n\n", ": ping\n\n")
    assert events == [Event("1", "message", {})]


def test_a_stream_may_be_cut_anywhere() -> None:
    text = 'id: 1\r\nevent: state\r\ndata: {"name": "Größe 🎨"}\r\n\r\n'.encode()
    whole = read(text)
    assert whole == [Event("1", "state", {"name": "Größe 🎨"})]
    assert all(read(text[:place], text[place:]) == whole for place in range(1, len(text)))
    assert read(*(text[place : place + 1] for place in range(len(text)))) == whole


def test_only_the_ends_of_lines_end_lines() -> None:
    text = "a\u2028b\u2029c\x85d"
    assert read(f'data: {{"name": "{text}"}}\n\n')[0].data == {"name": text}
