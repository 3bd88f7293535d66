"""A backup that somebody crafted plants nothing: what a backup does not write, no restore takes."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.services import Services
from atelier.backup.accepted import TYPES, copied_keys
from atelier.backup.archive import RECORDS, BackupDamaged, BackupManifest, BackupWriter, open_backup
from atelier.backup.backup import take_backup, verify_backup
from atelier.backup.offline import OfflineInstallation
from atelier.client.client import Client
from shared.identifiers import sha256
from shared.pauses.pause import Pause
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

Change = Callable[[list[dict[str, Any]], dict[str, bytes]], None]
PAGE = b"<html><script>alert(1)</script></html>"


def write(path: Path, records: list[dict[str, Any]], objects: dict[str, bytes]) -> None:
    """Write a backup that agrees with itself."""
    with path.open("wb") as file:
        writer = BackupWriter(file)
        writer.add(RECORDS, b"".join(json.dumps(record).encode() + b"\n" for record in records))
        for name, data in objects.items():
            writer.add(name, data)
        writer.finish(BackupManifest(1, 3, 1, "0.1.0", {}, writer.members))


def check(path: Path) -> None:
    with open_backup(path) as backup:
        verify_backup(backup, lambda *_: None)


@pytest.fixture
def parts(
    services: Services, client: Client, worker: FakeWorker, tmp_path: Path
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The records and objects of a real backup, with a record of nearly every kind."""
    photo, style = client.files.upload(pictures.jpeg()), client.files.upload(pictures.png())
    client.styles.create("waves", pictures.webp())
    spec = {"type": "stylize", "content": photo, "styles": [{"image": style}]}
    told = {**spec, "webhook": {"url": "http://127.0.0.1:9/told"}}
    worker.run(client.jobs.create(told, idempotency_key="once").id)
    client.jobs.create(told)
    client.batches.create({"first": spec, "second": spec})
    path = tmp_path / "good.tar"
    take_backup(
        OfflineInstallation(services.settings, services.store.client, services.objects), path, lambda *_: None
    )
    check(path)
    with tarfile.open(path) as tar:
        members = {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]
    records = [json.loads(line) for line in members.pop(RECORDS).splitlines()]
    return records, {name: data for name, data in members.items() if name.startswith("objects/")}


def plant(key: str, kind: str, value: Any, **more: Any) -> Change:
    return lambda records, _: records.append(
        {"key": key, "type": kind, "value": value, "ttl_ms": None, **more}
    )


def first(records: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(record for record in records if record["key"].startswith(f"{kind}:"))


def edit(kind: str, **fields: str) -> Change:
    return lambda records, _: first(records, kind)["value"].update(fields)


def put(name: str, data: bytes) -> Change:
    return lambda _, objects: objects.update({name: data})


def replace_upload(records: list[dict[str, Any]], objects: dict[str, bytes]) -> None:
    """Put a page in the place of an upload, and have everything agree with that."""
    file = first(records, "file")
    digest = sha256(PAGE)
    file["value"].update(id=f"file_{digest}", sha256=digest)
    file["key"] = f"file:{file['value']['owner']}:file_{digest}"
    objects[f"objects/{file['value']['key']}"] = PAGE


def outputs_of(media_type: str, **more: str) -> Change:
    def change(records: list[dict[str, Any]], _: dict[str, bytes]) -> None:
        job = next(r["value"] for r in records if r["key"].startswith("job:") and r["value"].get("outputs"))
        outputs = json.loads(job["outputs"])
        outputs[0].update(media_type=media_type, **more)
        job["outputs"] = json.dumps(outputs)

    return change


def swap_parts(records: list[dict[str, Any]], _: dict[str, bytes]) -> None:
    parts = first(records, "batch-parts")["value"]
    parts.update(dict.fromkeys(parts, '{"webhook":{"url":"http://10.0.0.1/"}}'))


def drop_parts(records: list[dict[str, Any]], _: dict[str, bytes]) -> None:
    records.remove(first(records, "batch-parts"))


def template(**fields: Any) -> Change:
    """Plant a template of a batch with a source, sound but for these fields; None leaves one out."""

    def change(records: list[dict[str, Any]], objects: dict[str, bytes]) -> None:
        known = {"label": "a", "style": "waves", "spec": SPEC, **fields}
        text = json.dumps({name: value for name, value in known.items() if value is not None})
        plant("batch-templates:batch_a", "list", [TEMPLATE, text])(records, objects)

    return change


def listed(line: str) -> Change:
    return plant("batch-listing:batch_a", "list", ["12 in/a.png", line])


FILE = "file_" + "0" * 64
SPEC = {"type": "stylize", "model": "magenta-mobile", "content": FILE, "styles": [{"image": FILE}]}
TEMPLATE = json.dumps({"label": "", "style": "", "spec": SPEC})
SOURCES: dict[str, tuple[Change, str]] = {
    "a template that is no JSON": (plant("batch-templates:batch_a", "list", [TEMPLATE, "{"]), "template 1: "),
    "a template of a list": (plant("batch-templates:batch_a", "list", ["[]"]), "template 0: .* label, style"),
    "a template with more": (template(more="x"), "template 1: .* label, style, spec and no others"),
    "a template without a style": (template(style=None), "template 1: .* label, style, spec"),
    "a template whose label is a number": (template(label=7), "template 1: its field label"),
    "a template of nothing": (template(spec={}), "template 1: .*type"),
    "a template with a wrong strength": (
        template(spec={**SPEC, "strength": "much"}), "template 1: .*strength",
    ),
    "a template of an unknown field": (template(spec={**SPEC, "run": "rm"}), "template 1: .*run"),
    "a template that takes no picture": (
        template(spec={"type": "generate", "model": "mnist-dcgan"}), "template 1: its field spec",
    ),
    "a template that tells a file": (
        template(spec={**SPEC, "webhook": {"url": "file:///etc/passwd"}}), "template 1: .*webhook.url",
    ),
    "a line without a size": (listed("in/b.png"), "name 1: "),
    "a line without a name": (listed("12 "), "name 1: "),
    "a size below zero": (listed("-1 b.png"), "name 1: "),
    "a name that leaves the place": (listed("1 ../b.png"), "name 1: "),
    "a name from the root": (listed("1 /etc/passwd"), "name 1: "),
    "a hidden name": (listed("1 .ssh/id.png"), "name 1: "),
    "a name with a control character": (listed("1 a\x1b[2J.png"), "name 1: "),
    "a name of two lines": (listed("1 a.png\nb.png"), "name 1: "),
}  # fmt: skip
PAUSE = Pause("pause_b", "a test", "anonymous", created_at=1, model="mnist-dcgan")
CRAFTED: dict[str, Change] = {
    "a part of items in the place of another": swap_parts,
    "items whose part is missing": drop_parts,
    "a webhook secret": plant("webhooks:secrets", "hash", {"current": "whsec_" + "A" * 32}),
    "a worker": plant("workers:evil", "string", "{}"),
    "a roster": plant("workers", "zset", [["evil", 1.0]]),
    "an entry of a queue": plant("line:interactive:anonymous", "zset", [["job_x", 1.0]]),
    "garbage to remove": plant("garbage", "zset", [["inputs/", 1.0]]),
    "a style vector": plant("vector:a:b", "string", "AAAA"),
    "a key of nobody": plant("anything", "string", "x"),
    "a key of another program": plant("../other", "string", "x"),
    "a key with a control character": plant("gone:a\x1b[2J", "string", "x"),
    "an endless key": plant("gone:" + "a" * 5000, "string", "x"),
    "a record of another type": plant("gone:a", "list", ["x"]),
    "a type that there is not": plant("gone:a", "module", "x"),
    "a recipe of another name": plant(
        "recipe:anonymous:a", "hash", {"name": "b", "owner": "anonymous", "latest": "1", "settings:1": "{}"}
    ),
    "a recipe without settings": plant(
        "recipe:anonymous:a", "hash", {"name": "a", "owner": "anonymous", "latest": "2", "settings:1": "{}"}
    ),
    "a recipe that is no object": plant(
        "recipe:anonymous:a", "hash", {"name": "a", "owner": "anonymous", "latest": "1", "settings:1": "[]"}
    ),
    "a hash of numbers": plant("style:anonymous:a", "hash", {"name": 1}),
    "a hash of lists": plant("batch-names:b", "hash", {"a": ["b"]}),
    "an empty hash": plant("batch-names:b", "hash", {}),
    "a stream of nothing": plant("events:a", "stream", [["1-1", {}]]),
    "a time to live below zero": plant("gone:a", "string", "x", ttl_ms=-1),
    "a time to live of text": plant("gone:a", "string", "x", ttl_ms="9"),
    "a member that no record has": plant("gone:a", "string", "x", more=1),
    "a file of text": edit("file", media_type="text/html"),
    "a picture of scripts": edit("file", media_type="image/svg+xml"),
    "a header in a media type": edit("file", media_type="image/png\r\nSet-Cookie: a=b"),
    "a file outside": edit("file", key="../../etc/passwd"),
    "a file in the staging": edit("file", key=".staging/x"),
    "a file of another id": edit("file", id="file_" + "0" * 64),
    "a job of another id": edit("job", id="job_else"),
    "a job of no status": edit("job", status="root"),
    "a job that asks for nothing": edit("job", spec="{}"),
    "a job whose input is elsewhere": edit("job", inputs='{"file_x": "/etc/passwd"}'),
    "a job that takes from no job": edit("job", parents='[["job:a/0", "../a"]]'),
    "a job that takes no output": edit("job", parents='[["file_a", "a"]]'),
    "a job whose parents are no list": edit("job", parents='{"job:a/0": 1}'),
    "bytes taken of a folder": edit(
        "job",
        parents='[["job:a/0", "a"]]',
        taken='{"job:a/0": {"source": "..", "sha256": "", "bytes": "1"}}',
    ),
    "bytes taken of a job that is not named": edit(
        "job", taken=f'{{"job:a/0": {{"source": "a", "sha256": "{"0" * 64}", "bytes": "1"}}}}'
    ),
    "a notice without a topic": edit("job", webhook='{"url": "https://ntfy.sh/", "template": "ntfy"}'),
    "a webhook with credentials": edit("job", webhook='{"url": "http://a:b@host/"}'),
    "a delivery to a file": edit("delivery", url="file:///etc/passwd"),
    "a delivery of another id": edit("delivery", id="msg_else"),
    "a pause that no script can read": plant("pauses", "hash", {"pause_a": "{"}),
    "a pause of another id": plant("pauses", "hash", {"pause_a": PAUSE.to_json()}),
    "a job at no place": edit("job", order="first"),
    "a batch at no place": edit("batch", order="first"),
    "a batch of no number": edit("batch", total="many"),
    "a batch of another id": edit("batch", id="batch_else"),
    "a batch of no status": edit("batch", status="root"),
    "a source that is no place's": edit("batch", source='{"place": "../in"}'),
    "a destination that leaves its folder": edit("batch", destination='{"place": "out", "prefix": "../"}'),
    "an output of text": outputs_of("text/html"),
    "an output elsewhere": outputs_of("image/png", key="other/x"),
    "an object that no record names": put("objects/inputs/anonymous/page.html", PAGE),
    "an object outside": put("objects/../../outside", PAGE),
    "another member": put("etc/passwd", PAGE),
    "a page for an upload": replace_upload,
}


@pytest.mark.parametrize("name", CRAFTED)
def test_what_no_backup_holds_is_refused(
    parts: tuple[list[dict[str, Any]], dict[str, bytes]], tmp_path: Path, name: str
) -> None:
    records, objects = parts
    write(tmp_path / "same.tar", records, objects)
    check(tmp_path / "same.tar")
    CRAFTED[name](records, objects)
    write(tmp_path / "crafted.tar", records, objects)
    with pytest.raises(BackupDamaged) as refused:
        check(tmp_path / "crafted.tar")
    assert len(refused.value.detail) < 1000


@pytest.mark.parametrize("name", SOURCES)
def test_what_no_batch_keeps_of_its_source_is_refused_by_its_field(
    parts: tuple[list[dict[str, Any]], dict[str, bytes]], tmp_path: Path, name: str
) -> None:
    change, said = SOURCES[name]
    records, objects = parts
    change(records, objects)
    write(tmp_path / "crafted.tar", records, objects)
    with pytest.raises(BackupDamaged) as refused:
        check(tmp_path / "crafted.tar")
    assert re.search(rf"batch-(templates|listing):batch_a .*{said}", refused.value.detail, re.DOTALL)


def test_a_source_as_a_batch_keeps_it_is_taken(
    parts: tuple[list[dict[str, Any]], dict[str, bytes]], tmp_path: Path
) -> None:
    records, objects = parts
    template()(records, objects)
    listed("0 in/b c/ü.png")(records, objects)
    write(tmp_path / "sound.tar", records, objects)
    check(tmp_path / "sound.tar")


def test_every_kind_that_is_copied_has_a_type() -> None:
    assert {key.name for key in copied_keys()} == set(TYPES)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_in_a_backup_are_refused(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo(RECORDS)
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "crafted.tar", "w") as tar:
        tar.addfile(entry)
    with pytest.raises(BackupDamaged):
        check(tmp_path / "crafted.tar")


@pytest.mark.parametrize(
    "manifest", [b"[]", b"{}", b"[" * 100_000, b'{"format": 1, "members": 3}', b"\xff", b"1e999"]
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    with tarfile.open(tmp_path / "crafted.tar", "w") as tar:
        for name, data in (("manifest.json", manifest), ("manifest.sha256", sha256(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    with pytest.raises(BackupDamaged):
        check(tmp_path / "crafted.tar")
