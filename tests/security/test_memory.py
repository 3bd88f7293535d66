"""A request takes memory in proportion to its bytes: attacks on a real API, and its memory at the peak."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.resident_memory import growth

MEBIBYTE = 1024 * 1024
BODY_MEBIBYTES = 32  # the default
JOBS, BATCHES = "/v1/jobs", "/v1/batches"
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/jsonl"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def gunicorn(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    folder = tmp_path_factory.mktemp("api")
    limits = {"ATELIER_LIMITS_MAX_BODY_MEBIBYTES": str(BODY_MEBIBYTES)}
    with running_gunicorn(module_server.url, folder, **limits) as running:
        yield running


def filled(before: str, piece: str, after: str, size: int) -> bytes:
    """Return text of a size that repeats one piece."""
    return (before + piece * ((size - len(before) - len(after)) // len(piece)) + after).encode()


def members(count: int) -> str:
    return ",".join(f'"key{number}":1' for number in range(count))


# For each: the path, the type, the body, the statuses that are right, and the most that it may take, in MiB.
ATTACKS = {
    "nested latents": (
        JOBS, JSON, filled('{"type":"generate","latents":[[', "[],", "[]]]}", 980_000), {413, 422}, 30,
    ),
    "empty latents": (
        JOBS, JSON, filled('{"type":"generate","latents":[', "[],", "[]]}", 980_000), {413, 422}, 30,
    ),
    "latents of text": (
        JOBS, JSON, filled('{"type":"generate","latents":[[', '"",', '""]]}', 980_000), {422}, 40,
    ),
    "latents of text, 300 lists": (
        JOBS, JSON, filled('{"type":"generate","latents":[', "[" + '"",' * 1000 + '""],', "[]]}", 980_000),
        {422}, 40,
    ),
    "seeds of text": (JOBS, JSON, filled('{"type":"generate","seeds":[', '"",', '""]}', 980_000), {422}, 40),
    "a job with many fields": (
        JOBS, JSON, f'{{"type":"generate",{members(60_000)}}}'.encode(), {413, 422}, 40,
    ),
    "metadata with many fields": (
        JOBS, JSON, f'{{"type":"generate","metadata":{{{members(60_000)}}}}}'.encode(), {413, 422}, 40,
    ),
    "a batch with many fields": (
        BATCHES, JSON, f'{{"items":[{{"type":"generate"}}],{members(500_000)}}}'.encode(), {413, 422}, 60,
    ),
    "an object with many fields and no items": (
        BATCHES, JSON, f"{{{members(500_000)}}}".encode(), {413, 422}, 60,
    ),
    "an item with many fields": (
        BATCHES, JSON, f'{{"items":[{{{members(500_000)}}}]}}'.encode(), {413, 422}, 60,
    ),
    "many items": (BATCHES, JSON, filled('{"items":[', "{},", "{}]}", 8_000_000), {422}, 60),
    "many numbers for items": (BATCHES, JSON, filled('{"items":[', "1,", "1]}", 8_000_000), {413, 422}, 60),
    "many lists for items": (BATCHES, JSON, filled('{"items":[', "[],", "[]]}", 8_000_000), {413, 422}, 60),
    "a template of junk": (
        BATCHES, JSON,
        filled('{"template":{"type":"stylize","multiply":{"style":[', "1.5,", "1.5]}}}", 8_000_000),
        {413, 422}, 80,
    ),
    "a template of wrong styles": (
        BATCHES, JSON,
        filled('{"template":{"type":"stylize","multiply":{"style":[', '{"a":1},', "1.5]}}}", 300_000),
        {413, 422}, 60,
    ),
    "escapes without an end": (
        BATCHES, JSON, filled('{"items":[{"a":"', '\\"', "", 8_000_000), {400, 413}, 60,
    ),
    "short lines of junk": (BATCHES, LINES, filled("", "x\n", "x", 31 * MEBIBYTE), {422}, 90),
    "blank lines": (BATCHES, LINES, filled("", "\n", "x", 31 * MEBIBYTE), {422}, 90),
    "long lines of junk": (BATCHES, LINES, filled("", "x" * 1000 + "\n", "x", 31 * MEBIBYTE), {422}, 90),
    "one line of junk": (BATCHES, LINES, filled("", "[", "x", 31 * MEBIBYTE), {422}, 90),
    "lines of nested latents": (
        BATCHES, LINES,
        filled("", '{"type":"generate","latents":[' + "[]," * 300_000 + "[]]}\n", "", 31 * MEBIBYTE),
        {422}, 90,
    ),
    "a data URL that is no picture": (
        JOBS, JSON,
        filled('{"type":"transform","model":"m","content":"data:;base64,', "AAAA", '"}', 31 * MEBIBYTE),
        {422}, 160,
    ),
    "a data URL of percent signs": (
        "/v1/styles", JSON, filled('{"name":"a","image":"data:,', "%41", '"}', 31 * MEBIBYTE), {422}, 160,
    ),
    "a data URL of quotes": (
        JOBS, JSON, filled('{"type":"stylize","content":"data:', '\\"', '"}', 31 * MEBIBYTE), {413}, 60,
    ),
    "many data URLs": (
        JOBS, JSON, filled('{"type":"stylize","styles":[', '{"image":"data:,"},', "{}]}", 31 * MEBIBYTE),
        {413}, 60,
    ),
    "a long form": ("/v1/jobs/generate", FORM, filled("", "a=b&", "a=b", 31 * MEBIBYTE), {413}, 20),
    "a long field": ("/v1/jobs/generate", FORM, filled("seeds=", "1,", "1", 31 * MEBIBYTE), {413}, 20),
    "a form of percent signs": (
        "/v1/jobs/generate", FORM, filled("seeds=", "%", "", MEBIBYTE - 1), {413}, 30,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_takes_little_memory(gunicorn: Gunicorn, name: str) -> None:
    path, headers, body, statuses, most = ATTACKS[name]
    response, taken = growth(gunicorn, lambda: gunicorn.http.post(path, content=body, headers=headers))
    assert response.status_code in statuses, response.text[:500]
    assert len(response.content) < MEBIBYTE
    assert taken <= most


def test_the_memory_is_given_back(gunicorn: Gunicorn) -> None:
    for _ in range(3):
        for path, headers, body, _, _ in ATTACKS.values():
            gunicorn.http.post(path, content=body, headers=headers)
    _, taken = growth(gunicorn, lambda: gunicorn.http.get("/healthz"))
    assert taken <= 1


def test_what_is_allowed_is_taken(gunicorn: Gunicorn) -> None:
    latent = [0.123456] * 100
    job = {"type": "generate", "latents": [latent] * 16}
    assert gunicorn.http.post(JOBS, json=job).status_code == 202
    lines = (json.dumps(job) + "\n").encode() * 100
    response, taken = growth(gunicorn, lambda: gunicorn.http.post(BATCHES, content=lines, headers=LINES))
    assert response.status_code == 202, response.text
    assert taken <= 60
