"""Reading server-sent events."""

from atelier.client.events import Event, parse


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
    assert list(parse(lines)) == [Event("1-0", "state", {"status": "queued"})]


def test_an_event_that_the_end_cuts_off_is_dropped() -> None:
    assert list(parse(["id: 1", "data: {}", "", "id: 2", "data: {}"])) == [Event("1", "message", {})]


def test_data_that_is_no_object_is_wrapped() -> None:
    events = list(parse(["data: hello", "", "data: 3", ""]))
    assert [event.data for event in events] == [{"text": "hello"}, {"value": 3}]
