"""Doorbells are taken only while there is room, and go back when their worker stops."""

from types import SimpleNamespace
from typing import Any

from shared.queue.celery_app import RUN_JOB, SWEEP
from shared.specs.parts import Lane
from worker.process.consumer import Doorbells


def request(number: int, *, name: str = RUN_JOB, lane: str = "bulk") -> Any:
    """A request as Celery hands it over."""
    return SimpleNamespace(
        name=name, id=f"m{number}", args=(f"job{number}",), delivery_info={"routing_key": f"atelier.{lane}"}
    )


def test_room_is_taken_from_the_receipt_to_the_end_of_the_answer() -> None:
    bells = Doorbells(2)
    rooms: list[bool] = []
    bells.on_room = lambda: rooms.append(bells.have_room())
    bells.note(request(1))
    assert bells.have_room()
    bells.note(request(2))
    assert not bells.have_room()
    with bells.answering("m1"):
        assert not bells.have_room()
    assert rooms == [True]


def test_what_waits_for_a_thread_can_be_taken_back_once() -> None:
    bells = Doorbells(1)
    bells.note(request(1))
    bells.note(request(2, lane="interactive"))
    with bells.answering("m1"):
        assert bells.take_waiting() == [("job2", Lane.INTERACTIVE)]
        assert bells.take_waiting() == []


def test_other_tasks_take_no_room() -> None:
    bells = Doorbells(1)
    bells.note(request(1, name=SWEEP))
    assert bells.have_room()
