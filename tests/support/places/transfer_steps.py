"""An importer and an exporter of one installation, and steps of batches from and to places."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.batches.batch import Batch, BatchDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.cards.card import load_catalog
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, file_id, new_batch_id, sha256
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.place_settings import PlaceRule, PlaceRules, read_places
from shared.places.catalog import Places
from shared.places.request import Destination, Source
from shared.redis.memory_guard import MemoryGuard
from shared.setting_groups import BatchRules, Limits
from shared.storage.base import ObjectStore, output_key
from shared.transfers.exporting import Exporter
from shared.transfers.importing import Importer
from shared.transfers.runner import TransferRunner
from shared.transfers.store import Kind, Transfers
from tests.support.images import pictures
from tests.support.s3.servers import BUCKET, KEY, SECRET, S3Server

LIMITS = Limits(max_body_mebibytes=1)
CONTENT = file_id("0" * 64)


def rules_of(root: Path, **more: Any) -> PlaceRules:
    """Return the places `in` and `out` of an owner's folders below a root."""
    for name in ("in", "out"):
        (root / name).mkdir(exist_ok=True)
    read = {"url": (root / "in").as_uri(), "access": "read"}
    write = {"url": (root / "out").as_uri(), "access": "write"}
    return read_places(json.dumps({"in": read, "out": write, **more}))


def bucket_rule(server: S3Server) -> PlaceRule:
    """Return a place in a server's bucket: a folder that is empty."""
    options = {"endpoint": server.endpoint, "access_key_id": KEY, "secret_access_key": SECRET}
    options |= {"region": "us-east-1", "allow_http": "true"}
    url = f"s3://{BUCKET}/{secrets.token_hex(8)}"
    return PlaceRule.model_validate({"url": url, "access": "both", "options": options})


@dataclass(slots=True)
class Transferring:
    """What moves pictures, without threads of its own: tests say when a step is made."""

    store: JobStore
    objects: ObjectStore
    rules: PlaceRules
    batch_rules: BatchRules = field(default_factory=BatchRules)
    importer: Importer = field(init=False)
    exporter: Exporter = field(init=False)
    transfers: Transfers = field(init=False)
    batches: BatchStore = field(init=False)
    runner: TransferRunner = field(init=False)

    def __post_init__(self) -> None:
        memory, pool = MemoryGuard(self.store.client), ThreadPoolExecutor(4)
        self.batches = BatchStore(self.store, self.batch_rules)
        self.transfers, places = Transfers(self.store), Places(self.rules)
        self.importer = Importer(
            self.transfers,
            self.batches,
            FileStore(self.store.client, self.objects, quotas=self.store.quotas),
            places,
            catalog=load_catalog(),
            limits=LIMITS,
            rules=self.batch_rules,
            memory=memory,
            pool=pool,
            notify=lambda batch: None,
        )
        self.exporter = Exporter(self.transfers, self.objects, places, pool)
        steps = {"source": self.importer.step, "destination": self.exporter.step}
        self.runner = TransferRunner(self.transfers, steps)  # type: ignore[arg-type]

    def open(
        self,
        source: Source | None = None,
        destination: Destination | None = None,
        *,
        strengths: tuple[float, ...] = (0.5,),
        owner: str = ANONYMOUS,
    ) -> str:
        """Open a batch whose pictures are transformed, in two strengths or one; return its id."""
        settings = BatchSettings(destination=destination)
        templates = tuple(map(template, strengths)) if source else ()
        draft = BatchDraft(new_batch_id(), owner, settings, "print", source=source, templates=templates)
        return self.batches.open(draft)[0].id

    def go_on(self, kind: Kind, batch_id: str, *, steps: int = 100) -> Batch:
        """Make steps until none may follow at once; return the batch."""
        step = self.importer.step if kind == "source" else self.exporter.step
        while step(batch_id) and steps:
            steps -= 1
        return self.get(batch_id)

    def get(self, batch_id: str) -> Batch:
        """Return a batch, no matter who owns it."""
        found = self.transfers.read("source", batch_id)
        assert found is not None
        return found.batch

    def finish(self, *, most: int = 1000, data: bytes = b"") -> list[Job]:
        """Have what waits succeed, each with a picture of its own; return the jobs."""
        done: list[Job] = []
        while len(done) < most and (jobs := self.store.claim_next("w", most=min(16, most - len(done)))):
            for job in jobs:
                self._succeed(job, data or result_of(job))
            done += jobs
        return done

    def _succeed(self, job: Job, data: bytes) -> None:
        key = output_key(job.id, job.attempt, 0, "png")
        self.objects.put(key, data)
        output = StoredOutput(key, "image/png", 8, 8, len(data), sha256(data))
        self.store.succeed(job.id, job.attempt, outputs=(output,), timings={}, model=("1", "d"))


def result_of(job: Job) -> bytes:
    """Return the bytes of a job's result, which no other job has."""
    return f"the picture of {job.id}".encode()


def template(strength: float) -> str:
    """Return what is made of each picture."""
    style = {"number": 3, "image": None, "name": None, "weight": 1.0}
    spec = {"type": "stylize", "model": "multistyle-26", "content": CONTENT, "styles": [style]}
    fields = {"strength": strength, "stroke": "native", "lane": "bulk"}
    return json.dumps({"label": f"{strength:g}", "style": "waves", "spec": {**spec, **fields}})


def put_photos(folder: Path, *names: str) -> None:
    """Write pictures, no two of which are alike."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.png(24 + number % 100, 24 + number // 100))
