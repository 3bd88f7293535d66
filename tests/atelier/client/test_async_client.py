"""What only the asynchronous client can do: many things in one thread, and being canceled."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from api.services import Services
from atelier import ApiError, AsyncClient, GenerateRequest, NotSaved, Picture
from atelier.client.aio.concurrency import in_order
from tests.support.http.trouble import Trouble
from tests.support.http.web_server import web_server
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

REQUEST = GenerateRequest(seed=7)


@pytest.mark.usefixtures("busy_worker")
def test_many_pictures_are_made_at_once_in_one_thread(url: str) -> None:
    async def all_of_them() -> set[bytes]:
        async with AsyncClient(url) as client:
            made = await asyncio.gather(*(client.generate(seed=seed) for seed in range(8)))
        assert threading.active_count() - before <= 9  # the server's, and those that read its answers
        return {picture.data for (picture,) in made}

    before = threading.active_count()
    assert asyncio.run(all_of_them()) == {PICTURE}


def test_a_wait_lets_others_run_and_can_be_canceled(url: str, services: Services) -> None:
    async def cancel_a_wait() -> str:
        async with AsyncClient(url) as client:
            job = await client.jobs.create(REQUEST)
            waiting = asyncio.create_task(client.jobs.wait(job))
            assert (await client.jobs.get(job)).status == "queued"  # while the other waits
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return (await client.jobs.cancel(job)).status

    assert asyncio.run(cancel_a_wait()) == "canceled"


def test_a_time_out_of_the_loop_ends_a_request_and_its_retries(url: str, trouble: Trouble) -> None:
    async def ask() -> None:
        async with AsyncClient(url, retries=18) as client:
            trouble.refuse += ["GET"] * 500
            async with asyncio.timeout(0.5):
                await client.jobs.get("job_1")

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    assert time.monotonic() - began < 60


def test_a_stream_that_is_left_gives_its_connection_back(url: str) -> None:
    async def leave() -> int:
        async with AsyncClient(url) as client:
            job = await client.jobs.create(REQUEST)
            async with aclosing(client.jobs.events(job)) as events:
                async for event in events:
                    assert event.kind == "state"
                    break
            pool = client._transport._http._transport._pool  # type: ignore[attr-defined]
            return sum(not connection.is_idle() for connection in pool.connections)

    assert asyncio.run(leave()) == 0


def test_pictures_of_a_batch_are_saved_as_they_come(url: str, artist: BatchWorker, tmp_path: Path) -> None:
    async def save() -> list[str]:
        async with AsyncClient(url) as client:
            run = await client.batches.create([GenerateRequest(seed=seed) for seed in range(5)])
            saved = [entry async for entry in run.save(tmp_path, connections=2)]
        assert all(path.read_bytes() for entry in saved for path in entry.paths)
        return [entry.item.custom_id for entry in saved]

    assert sorted(asyncio.run(save())) == ["0", "1", "2", "3", "4"]


def test_one_who_stops_saving_stops_the_downloads(url: str, artist: BatchWorker, tmp_path: Path) -> None:
    async def stop() -> int:
        async with AsyncClient(url) as client:
            run = await client.batches.create([GenerateRequest(seed=seed) for seed in range(9)])
            await run.wait()
            async with aclosing(run.save(tmp_path, connections=1)) as saving:
                async for _ in saving:
                    break
            return len(asyncio.all_tasks()) - 1

    assert asyncio.run(stop()) == 0


def test_downloads_that_hang_are_given_up_with_the_iteration() -> None:
    async def items() -> AsyncGenerator[Any, None]:
        for number in range(5):
            yield number

    async def work(item: Any) -> Any:
        if item:
            await asyncio.Event().wait()  # for ever
        return item

    async def stop() -> None:
        async with asyncio.timeout(30), aclosing(in_order(items(), work, 2)) as done:
            async for item in done:
                assert item == 0
                break

    asyncio.run(stop())


def test_what_cannot_be_saved_is_told_at_the_end(url: str, artist: BatchWorker, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_bytes(b"")

    async def save() -> None:
        async with AsyncClient(url) as client:
            run = await client.batches.create({"blocked/a": REQUEST, "b": GenerateRequest(seed=8)})
            async for _ in run.save(tmp_path):
                pass

    with pytest.raises(NotSaved, match="blocked/a"):
        asyncio.run(save())
    assert [path.name for path in tmp_path.glob("b.*")] == ["b.png"]


def test_key_and_headers_go_to_the_service_alone() -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, key="atl_mine", headers={"X-Team": "shop"}, retries=0) as client:
            with pytest.raises(Exception, match="404"):
                await client._transport.send("GET", "/a.png", follow_redirects=True)

    with web_server() as own, web_server() as other:
        own.redirects["/a.png"] = f"{other.url}/a.png"
        asyncio.run(ask(own.url))
        sent = [(s.get("authorization"), s.get("x-team")) for s in (*own.headers, *other.headers)]
    assert sent == [("Bearer atl_mine", "shop"), (None, None)]


def test_a_large_upload_asks_for_the_limit_once(url: str, trouble: Trouble) -> None:
    large = pictures.png() + bytes(1_100_000)

    async def upload() -> None:
        async with AsyncClient(url) as client:
            for _ in range(2):
                with pytest.raises(ApiError):
                    await client.files.upload(large * 100)
            assert trouble.requests.count(("GET", "/v1/limits")) == 1

    asyncio.run(upload())


def test_a_picture_is_written_by_awaiting(url: str, busy_worker: FakeWorker, tmp_path: Path) -> None:
    async def paint() -> Path:
        async with AsyncClient(url) as client:
            (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
            picture = await client.stylize(tmp_path / "photo.jpg", pictures.png())
            assert not isinstance(picture, Picture)
            return await picture.save(tmp_path / "new" / "out.png")

    assert asyncio.run(paint()).read_bytes() == PICTURE
