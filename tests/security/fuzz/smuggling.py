"""Send each framing to a real server, byte by byte, and look at what became of it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.security.fuzz.framings.chunks import chunks, trailers
from tests.security.fuzz.framings.framing import SMUGGLED, Framing, Outcome
from tests.security.fuzz.framings.lengths import both_lengths, codings, lengths
from tests.security.fuzz.framings.lines import lines
from tests.security.fuzz.report import Progress, Report
from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.support.http.raw_http import RawConnection, RawResponse

FRAMINGS = [*both_lengths(), *codings(), *lengths(), *chunks(), *trailers(), *lines()]
AT_ONCE = 8
PATIENCE_SECONDS = 12.0  # below the 15 s after which the server closes a connection that says nothing


def smuggle(service: LoopbackGunicorn, framings: Sequence[Framing], progress: Progress) -> Report:
    """Try all framings, each over a connection of its own; the service needs no keys."""
    report = Report("smuggling")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for framing, fault in zip(
            framings, pool.map(lambda each: judge(service, each), framings), strict=True
        ):
            report.tried += 1
            if fault:
                report.add(framing.name, fault)
            progress(report.tried, len(framings))
    return report


def judge(service: LoopbackGunicorn, framing: Framing) -> str:
    """Return what is wrong with how the server handles a framing; "" if nothing is."""
    name = f"{SMUGGLED}-{framing.id}"
    data = framing.data.replace(SMUGGLED.encode(), name.encode())
    try:
        fault = _fault(responses_to(service, data, framing.outcome), framing.outcome)
    except TimeoutError:
        return f"the connection was still open after {PATIENCE_SECONDS:g} s"
    is_there = service.http.get(f"/v1/jobs/{name}").status_code != httpx.codes.NOT_FOUND
    if is_there is not (framing.outcome is Outcome.TWO):
        return "the hidden request was executed" if is_there else "the second request was not executed"
    return fault


def responses_to(service: LoopbackGunicorn, data: bytes, outcome: Outcome) -> list[RawResponse]:
    """Return the final responses up to the end of the connection.

    The client ends its side only where the server may wait for more: elsewhere the server has to close.
    """
    closes = outcome in (Outcome.REFUSED, Outcome.ONE_AND_CLOSED)
    found = []
    with RawConnection(service.address, seconds=PATIENCE_SECONDS) as connection:
        connection.send(data, last=not closes)
        while (response := connection.response()).status:
            found.append(response)
    return [response for response in found if response.status >= 200]


def _fault(responses: list[RawResponse], outcome: Outcome) -> str:
    statuses = [response.status for response in responses]
    most = {Outcome.TWO: 2}.get(outcome, 1)
    least = 0 if outcome is Outcome.UNFINISHED else most
    if not least <= len(statuses) <= most:
        return f"{len(statuses)} responses: {statuses}"
    if outcome in (Outcome.REFUSED, Outcome.UNFINISHED) and not all(map(_is_refusal, statuses)):
        return f"it was not refused: {statuses}"
    if any(status >= 500 for status in statuses if not _is_refusal(status)):
        return f"an error of the server: {statuses}"
    return ""


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 or status in (501, 505)  # what HTTP demands for codings and versions
