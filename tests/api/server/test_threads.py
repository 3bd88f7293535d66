"""Long work that lets other threads run."""

import threading
import time

from api.server.threads import REST_SECONDS, WORK_SECONDS, ThreadYielder


def test_work_rests_again_and_again() -> None:
    began, rested, steps = time.perf_counter(), 0.0, 0
    pace = ThreadYielder()
    while time.perf_counter() - began < 0.1:
        before = time.perf_counter()
        pace()
        rested += time.perf_counter() - before
        steps += 1
    assert rested >= REST_SECONDS * 5
    assert steps > 100


def test_another_thread_runs_meanwhile() -> None:
    turns, over = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(WORK_SECONDS / 2)

    other = threading.Thread(target=take_turns)
    other.start()
    pace, until = ThreadYielder(), time.perf_counter() + 0.2
    while time.perf_counter() < until:
        pace()
    over.set()
    other.join()
    assert turns >= 5
