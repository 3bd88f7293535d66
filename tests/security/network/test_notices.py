"""Notices by HTTP go through the guard, whatever their template, and are redirected nowhere.

Those by mail go to the operator's server alone: tests/worker/webhooks/test_mail.py.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from shared.specs.webhook import MAIL, NOTICE_TEMPLATES, fault_of_receiver, webhook_record
from shared.webhooks.delivery import Delivery
from shared.webhooks.store import Deliveries
from tests.support.http.receiver import Receiver, receiver
from worker.webhooks.dispatcher import dispatcher_of
from worker.webhooks.sender import DeliveryRules

BY_HTTP = [template for template in NOTICE_TEMPLATES if template != MAIL]
PATHS = {"ntfy": "/topic", "discord": "/api/webhooks/77/token", "slack": "/services/T0/B0/token"}


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def tell(store: JobStore, template: str, told: Receiver, tmp_path: Path, *, private: bool) -> Delivery:
    """Cancel a job of which people are told, and return the delivery after one try."""
    url = urlsplit(told.url)._replace(path=PATHS[template]).geturl()
    hook = {"template": template, "url": url, "events": ["job.canceled"]}
    raw = {"type": "generate", "seed": 7, "webhook": hook}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    assert spec.webhook is not None
    record = webhook_record(spec.webhook, private=private, base="http://pictures.example")
    job_id = store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f", webhook=record)).id
    store.cancel(job_id, ANONYMOUS)
    dispatcher_of(store, Settings(state_dir=tmp_path), DeliveryRules(pauses_seconds=())).run()
    (delivery,) = Deliveries(store).of("job", job_id, ANONYMOUS)
    return delivery


@pytest.mark.parametrize("template", BY_HTTP)
def test_no_notice_reaches_this_machine_unless_it_may(
    store: JobStore, told: Receiver, tmp_path: Path, template: str
) -> None:
    delivery = tell(store, template, told, tmp_path, private=False)
    assert (told.received, [one.error for one in delivery.log]) == (
        [],
        ["refused: the host has no address that may be reached"],
    )


@pytest.mark.parametrize("template", BY_HTTP)
def test_no_notice_follows_a_redirect(store: JobStore, told: Receiver, tmp_path: Path, template: str) -> None:
    told.answer(302, Location=told.url)
    delivery = tell(store, template, told, tmp_path, private=True)
    assert (len(told.received), delivery.log[0].status) == (1, 302)


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@example.org?bcc=b@evil.example",
        "mailto:a@example.org,b@evil.example",
        "mailto:a%0d%0aBcc:b@example.org",
        "mailto:b%evil.example@example.org",
        "mailto:evil.example!b@example.org",
        "mailto:a@[169.254.169.254]",
        "https://example.org/a",
    ],
)
def test_an_address_of_mail_names_one_person_and_no_server(url: str) -> None:
    assert fault_of_receiver(url, MAIL)


def test_mail_without_a_template_is_no_webhook() -> None:
    assert fault_of_receiver("mailto:a@example.org", None)
