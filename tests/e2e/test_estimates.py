"""What a dry run says, against what real workers then make and take."""

import time

import pytest

from atelier.client.client import Client
from atelier.client.request_parts import Style, Upscale
from atelier.client.requests import GenerateRequest, StylizeRequest
from tests.support.images import pictures

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
FACTOR = 3  # between the seconds that are told and those that pass: others use the machine too


def test_a_batch_makes_and_takes_what_its_dry_run_said(client: Client, style: bytes) -> None:
    content, painting = client.files.upload(pictures.photo(320, 200)), client.files.upload(style)
    paintings = [
        StylizeRequest(content=content, styles=[Style(image=painting)], strength=strength / 40)
        for strength in range(1, 41)
    ]
    digits = [GenerateRequest(seed=seed, count=4, upscale=Upscale(factor=2)) for seed in range(20)]
    warm = client.batches.create([*paintings[:4], *digits[:4]])
    assert {item.status for item in warm} == {"succeeded"}

    told = client.batches.estimate([*paintings, *digits])
    began = time.monotonic()
    run = client.batches.create([*paintings, *digits])
    made = [output.output for item in run for output in item.outputs]
    took = time.monotonic() - began
    assert (told.accepted, told.items) == (True, run.refresh().counts["succeeded"])
    assert told.pictures == len(made)
    assert told.pixels == sum(output.width * output.height for output in made)
    assert told.eta_seconds is not None
    assert took / FACTOR <= told.eta_seconds <= took * FACTOR, (told, took)
