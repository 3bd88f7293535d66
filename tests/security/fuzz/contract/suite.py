"""Requests that schemathesis makes from the OpenAPI document, sound and not, by two owners who have things.

Each response must be as the document says, and must tell nobody what belongs to the other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.generation import GenerationMode

from tests.security.fuzz.contract.people import Person, Town
from tests.security.fuzz.report import Progress, Report, until_interrupted

Case = Any  # of schemathesis
ROUND = 500  # requests that Hypothesis remembers
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ALLOWED = (503, 507)  # of those above 499, where the document has them
TRACES = ("Traceback (most recent", 'File "/', "site-packages", "most recent call last")
_STREAMS = "text/event-stream"
_PATIENCE_SECONDS = 60
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_PHASES = (Phase.generate,)


@dataclass
class Contract:
    """A run: whom it asks, what it has found."""

    town: Town
    report: Report = field(default_factory=lambda: Report("requests"))
    statuses: Counter[int] = field(default_factory=Counter)
    session: requests.Session = field(default_factory=requests.Session)

    def operations(self) -> Sequence[Any]:
        """Return what the document describes."""
        document = self.town.service.http.get("/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        return [found.ok() for found in schema.get_all_operations()]

    def make(self, case: Case, person: Person, place: int) -> None:
        """Make one request, and look at its response."""
        self.report.tried += 1
        _fill(case, person if place % 2 else self.town.other(person), place)
        if isinstance(case.body, dict) and "type" in case.body and place % 3:
            case.body["metadata"] = {"of": person.mark}
        asked = case.as_transport_kwargs(base_url=self.town.service.url)
        asked["headers"] = {**(asked.get("headers") or {}), "Authorization": f"Bearer {person.key}"}
        try:
            response = self.session.request(
                **asked, stream=True, timeout=_PATIENCE_SECONDS, allow_redirects=False
            )
        except (requests.exceptions.InvalidHeader, UnicodeError, ValueError):
            return  # no client can send it
        except requests.RequestException as error:
            self._note(case, person, f"no response: {type(error).__name__}: {error}")
            return
        with response:
            self._judge(case, person, response)

    def _judge(self, case: Case, person: Person, response: requests.Response) -> None:
        self.statuses[response.status_code] += 1
        responses = case.operation.definition.raw["responses"]
        if response.status_code >= 500 and not (
            response.status_code in ALLOWED and str(response.status_code) in responses
        ):
            self._note(case, person, f"{response.status_code}: {response.text[:300]}")
        if response.headers.get("Content-Type", "").startswith(_STREAMS):
            return  # it goes on for as long as what it tells of
        self._check_texts(case, person, response)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Exception, BaseExceptionGroup) as fault:  # noqa: BLE001  (all of them are findings)
            told = getattr(fault, "exceptions", [fault])
            self._note(case, person, "; ".join(str(each)[:400] for each in told))

    def _check_texts(self, case: Case, person: Person, response: requests.Response) -> None:
        text = response.text if "image/" not in response.headers.get("Content-Type", "") else ""
        if case.operation.path not in ("/openapi.json", "/docs"):
            if any(trace in text for trace in TRACES):
                self._note(case, person, f"a stack trace: {text[:300]}")
            self._check_owner(case, person, response, text)

    def _check_owner(self, case: Case, person: Person, response: requests.Response, text: str) -> None:
        """Note what of the other owner a response tells, but for what the request itself says."""
        body = response.request.body
        body = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
        asked = f"{requests.utils.unquote(response.request.url or '')} {body}"
        other = self.town.other(person)
        told = other.has(text) - other.has(asked) - person.has(text)
        if told:
            self._note(case, person, f"{person.name} sees what is {other.name}'s: {sorted(told)}")
        was_refused = response.ok and response.text.startswith('{"object":"estimate","accepted":false')
        is_answer = response.ok and not was_refused  # a dry run says with 200 what would be refused
        if is_answer and other.has(response.request.url or "") - person.has(response.request.url or ""):
            self._note(case, person, f"{person.name} was answered for what is {other.name}'s: {text[:300]}")
        if response.ok and person in self.town.people:
            person.learn(text, other.has(asked))
            self._work(case, text)

    def _work(self, case: Case, text: str) -> None:
        """Have one of a few jobs carried out, so that there are results."""
        if case.operation.path.startswith("/v1/jobs") and self.report.tried % 3 == 0:
            self.town.work()

    def _note(self, case: Case, person: Person, fault: str) -> None:
        self.report.add(f"as {person.name}: {case.as_curl_command()}", fault)


def _fill(case: Case, owner: Person, place: int) -> None:
    """Put ids that an owner has seen into the path, most times."""
    for name in list(case.path_parameters or {}):
        known = owner.seen.get(name)
        if known and place % 8 < 6:
            case.path_parameters[name] = known[-1 - place % len(known)]


def check_contract(town: Town, most: int, seed: int, progress: Progress) -> Report:
    """Make that many requests; the same seed makes the same first ones."""
    contract = Contract(town)
    operations = contract.operations()
    strategies = [operation.as_strategy(generation_mode=mode) for operation in operations for mode in _MODES]
    with until_interrupted(contract.report):
        for number, start in enumerate(range(0, most, ROUND)):
            _round(contract, strategies, min(ROUND, most - start), seed + number)
            progress(contract.report.tried, most)
    statuses = ", ".join(f"{count} of {status}" for status, count in sorted(contract.statuses.items()))
    contract.report.notes |= {"operations": str(len(operations)), "statuses": statuses}
    return contract.report


def _round(contract: Contract, strategies: Sequence[st.SearchStrategy[Case]], count: int, seed: int) -> None:
    town = contract.town
    people = st.sampled_from([*town.people, *town.people, town.admin])
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

    @hypothesis.seed(seed)
    @settings(max_examples=count, phases=_PHASES, database=None, suppress_health_check=quiet, deadline=None)
    @given(case=st.one_of(strategies), person=people, place=st.integers(0, 10_000))
    def make(case: Case, person: Person, place: int) -> None:
        contract.make(case, person, place)

    make()
