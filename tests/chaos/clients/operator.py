"""What an operator does meanwhile: pauses that end by themselves, workers that are cordoned for a time."""

import time
from datetime import datetime

import httpx

from tests.chaos.clients.ledger import Held, Ledger
from tests.chaos.clients.wire import Wire
from tests.chaos.plan import Intervention

REASON = {"reason": "chaos"}


def intervene(wire: Wire, ledger: Ledger, wanted: Intervention, *, key: str) -> None:
    """Carry out an intervention to its end, and note while which time it held; raise OutOfTime."""
    held = _pause(wire, wanted, key) if wanted.kind == "pause" else _cordon(wire, wanted)
    if held is not None:
        ledger.hold(held)


def _pause(wire: Wire, wanted: Intervention, key: str) -> Held | None:
    """Pause; None where that began with a try whose answer was lost, and is over by now."""
    body = {**REASON, "for_seconds": round(wanted.seconds)} | ({"lane": wanted.lane} if wanted.lane else {})
    response = wire.insist("POST", "/v1/pauses", json=body, headers={"Idempotency-Key": key})
    if response.status_code == httpx.codes.NOT_FOUND:
        return None
    since, pause = _now(), response.raise_for_status().json()
    until = int(datetime.fromisoformat(pause["until"]).timestamp() * 1000)
    return Held(wanted.kind, wanted.lane, since, until)


def _cordon(wire: Wire, wanted: Intervention) -> Held | None:
    """Cordon a worker; None where none was known just then."""
    workers = wire.insist("GET", "/v1/workers").raise_for_status().json()["data"]
    names = sorted(worker["name"] for worker in workers)
    if not names:
        return None
    name = names[wanted.number % len(names)]
    if not wire.insist("POST", f"/v1/workers/{name}/{wanted.kind}", json=REASON).is_success:
        return None
    since = _now()
    time.sleep(wanted.seconds)
    until = _now()
    wire.insist("POST", f"/v1/workers/{name}/uncordon")
    return Held(wanted.kind, name, since, until)


def _now() -> int:
    return round(time.time() * 1000)
