"""Write hostile texts into every field of a request, and look at the responses and at the server's log."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.security.fuzz.injections.places import Request, places
from tests.security.fuzz.injections.texts import CANARY, INJECTED, TEXTS
from tests.security.fuzz.report import Progress, Report
from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.support.http.raw_http import ask
from tests.support.log_text import forged_in, loose_lines, steers

AT_ONCE = 4
_TRACE = re.compile(r"Traceback \(most recent|site-packages|File \"/")
_COMMON = {"set-cookie", INJECTED}
Attack = tuple[str, str]  # the name of a place, a text


def attacks(step: int = 1) -> list[Attack]:
    """Return every text in every place; with a step, one of so many texts a place, another one each time."""
    return [
        (place, TEXTS[index])
        for number, place in enumerate(places())
        for index in range(number % step, len(TEXTS), step)
    ]


def inject(service: LoopbackGunicorn, key: str, chosen: Iterable[Attack], progress: Progress) -> Report:
    """Make all requests with an admin's key; the service has logged at DEBUG."""
    wanted, report, statuses = list(chosen), Report("injections"), Counter[int]()
    makers = places()

    def make(attack: Attack) -> tuple[int, str]:
        return _made(service, key, makers[attack[0]](attack[1]))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (place, text), (status, fault) in zip(wanted, pool.map(make, wanted), strict=True):
            report.tried += 1
            statuses[status] += 1
            if fault:
                report.add(f"{place}: {text[:80]!a}", fault)
            progress(report.tried, len(wanted))
    for fault in log_faults(service.log):
        report.add("the log", fault)
    report.notes["statuses"] = ", ".join(f"{count} of {status}" for status, count in sorted(statuses.items()))
    return report


def _made(service: LoopbackGunicorn, key: str, request: Request) -> tuple[int, str]:
    """Return the status of a request's response, and what is wrong with it."""
    headers = {"Authorization": f"Bearer {key}".encode(), **request.headers}
    url = f"{service.url}{request.path}"
    wire = httpx.Request(request.method, url, headers=list(headers.items()), content=request.body)
    try:
        response = service.http.send(wire)
    except httpx.LocalProtocolError:
        response = _sent_as_it_is(service, wire)  # no honest client sends such a header
    except httpx.HTTPError as error:
        return 0, f"{type(error).__name__}: {error}"
    return response.status_code, "; ".join(response_faults(response))


def _sent_as_it_is(service: LoopbackGunicorn, wire: httpx.Request) -> httpx.Response:
    head = [wire.method.encode() + b" " + wire.url.raw_path + b" HTTP/1.1"]
    head += [name + b": " + value for name, value in wire.headers.raw]
    found = ask(service.address, b"\r\n".join([*head, b"", wire.content]))
    return httpx.Response(found.status, headers=found.headers, content=found.body)


def response_faults(response: httpx.Response) -> Iterator[str]:
    """Yield what is wrong with a response."""
    if response.status_code >= 500:
        yield f"{response.status_code}: {response.text[:300]}"
    for name in _COMMON & response.headers.keys():
        yield f"the response has the header {name}"
    for name, value in response.headers.raw:
        if steers((name + value).decode("latin-1")):
            yield f"a raw control character in the header {name!r}"
    text = response.text
    if _TRACE.search(text):
        yield f"a stack trace: {text[:300]}"
    if CANARY in text:
        yield "it shows a file of the machine"


def log_faults(log: Path) -> Iterator[str]:
    """Yield what is wrong with a server's log."""
    text = log.read_text("utf-8", "replace")
    if steers(text):
        yield f"raw control characters: {sorted(map(ascii, set(steers(text))))}"
    for line in (*forged_in(text), *loose_lines(text)):
        yield f"a line of a stranger: {line[:120]!a}"
    for line in text.splitlines():
        if " ERROR " in line or "Traceback" in line:
            yield f"an error: {line[:300]}"
