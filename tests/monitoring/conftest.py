"""A real installation whose processes are scraped after jobs have ended, and what the page says of it."""

import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from atelier.client.client import Client
from atelier.local.stack import RunningStack
from tests.support.http.receiver import receiver
from tests.support.images.pictures import png
from tests.support.models.light_models import GENERATOR, TRANSFORMER, write_cards
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
LIGHT = (sys.executable, "-m", "tests.reliability.light")
# What Prometheus itself adds to each sample.
TARGET = {"instance", "job"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A family as a process tells it."""

    kind: str  # counter, gauge or histogram
    labels: frozenset[str]  # without `le`
    samples: frozenset[str]  # names of its rows


@dataclass(frozen=True, slots=True)
class Scraped:
    """What the processes of an installation told."""

    texts: dict[str, str]  # by process

    def metrics(self, process: str = "") -> dict[str, Metric]:
        """Return the families of one process, or of all, by name; those of counters end with `_total`."""
        found: dict[str, Metric] = {}
        for text in [self.texts[process]] if process else self.texts.values():
            for family in text_string_to_metric_families(text):
                name = family.name + ("_total" if family.type == "counter" else "")
                labels = frozenset(label for one in family.samples for label in one.labels) - {"le"}
                known = found[name].labels if name in found else frozenset()
                rows = frozenset(one.name for one in family.samples)
                found[name] = Metric(family.type, labels | known, rows)
        return found

    def labels_of(self) -> dict[str, frozenset[str]]:
        """Return the labels of every row by its name, such as that of a histogram's buckets."""
        return {
            row: metric.labels | TARGET | ({"le"} if row.endswith("_bucket") else frozenset())
            for metric in self.metrics().values()
            for row in metric.samples
        }


def free_ports(count: int) -> int:
    """Return the first of some ports in a row that are free now."""
    for first in range(21_000, 32_000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for number, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + number))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no ports are free")


@pytest.fixture(scope="session")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """What API, worker and io worker tell of themselves, once every sort of metric has something to tell."""
    folder = tmp_path_factory.mktemp("monitored")
    write_cards(folder / "cards")
    (folder / "cards" / "saved_model.pb").touch()
    port = free_ports(2)
    environ = {
        "ATELIER_METRICS_PORT": str(port),
        "ATELIER_DISK_QUOTA_MEBIBYTES": "1000",
        "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    with RunningStack(folder, environ=environ, wrap={"worker": LIGHT}) as stack, stack.client() as client:
        work(client)
        addresses = {"api": stack.url, "worker-io": own(port), "worker": own(port + 1)}
        yield Scraped({name: until_whole(f"{url}/metrics", name) for name, url in addresses.items()})


def own(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def work(client: Client) -> None:
    """Have jobs succeed, one by the result of another, and a webhook delivered."""
    job = {"type": "generate", "model": GENERATOR, "seed": 1, "cache": True}
    with receiver() as told:
        for more in ({"webhook": {"url": told.url}}, {}):
            client.jobs.wait(client.jobs.create({**job, **more}))
        told.wait_for(1)
    content = client.files.upload(png())
    client.jobs.wait(client.jobs.create({"type": "transform", "model": TRANSFORMER, "content": content}))


def until_whole(url: str, process: str) -> str:
    """Return the metrics once what is measured in the background is among them."""
    wanted = {"worker-io": "atelier_storage_used_bytes", "api": "atelier_delivery_tries_total{"}
    texts = [""]

    def has_all() -> bool:
        texts[0] = httpx.get(url, timeout=20).raise_for_status().text
        return f"\n{wanted.get(process, 'atelier_worker_ready 1.0')}" in texts[0]

    eventually(has_all)
    return texts[0]


def documented() -> dict[str, tuple[str, set[str]]]:
    """Return the kind and the labels of each metric in the tables of docs/monitoring.md, by name."""
    page = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    rows = re.findall(r"^\| `(atelier_\w+)` \| (\w+) \|([^|]*)\|", page, re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
