"""Results say how they were made, and are the same bytes in every company all the same."""

import json
from typing import Any

import pytest

from shared.images.recipe import recipe_in
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.worker.conftest import Bench


def made(bench: Bench, **spec: Any) -> tuple[Job, list[bytes]]:
    job_id = bench.submit(**spec)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert job.status is Status.SUCCEEDED, job.error
    return job, [bench.objects.get(output.key) for output in job.outputs]


def recipe(data: bytes) -> Any:
    return json.loads(recipe_in(data))


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_picture_has_the_recipe_of_its_own_seed(bench: Bench, format: str) -> None:
    _, several = made(bench, seeds=[3, 7], digit=5, output={"format": format})
    _, (alone,) = made(bench, seeds=[7], digit=5, output={"format": format}, metadata={"a": "b"}, lane="bulk")
    assert several[1] == alone
    card = bench.model.card
    expected: dict[str, Any] = {"atelier": 1, "type": "generate", "model": f"{card.name}@{card.version}"}
    expected |= {"seeds": [7], "digit": 5, "truncation": 1.0}
    assert recipe(alone) == expected | ({} if format == "png" else {"output": {"format": format}})


def test_an_animation_and_a_sheet_have_that_of_all_their_pictures(bench: Bench) -> None:
    _, (film,) = made(bench, seeds=[1, 2], animation={}, output={"format": "gif"})
    _, (sheet,) = made(bench, seeds=[1, 2], grid={"columns": 2})
    assert recipe(film)["seeds"] == recipe(sheet)["seeds"] == [1, 2]


def test_the_ends_of_a_walk_are_the_files_of_their_points(bench: Bench) -> None:
    _, way = made(bench, interpolate={"seeds": [1, 2], "steps": 3}, digit=6)
    _, points = made(bench, seeds=[1, 2], digit=6)
    assert [way[0], way[2]] == points
    assert recipe(way[1])["interpolate"] == {"seeds": [1, 2], "steps": 3}
    vectors = [[0.5] * 90 + [1.0] + [0.0] * 9, [-1.0] * 90 + [0.0] * 9 + [1.0]]
    _, way = made(bench, interpolate={"latents": vectors, "steps": 3})
    _, points = made(bench, latents=vectors)
    assert [way[0], way[2]] == points


def test_what_is_too_large_is_left_out_and_told(bench: Bench) -> None:
    latents = [[1 / 3] * 90 + [1.0] + [0.0] * 9] * 20
    job, (sheet,) = made(bench, latents=latents, grid={})
    assert job.warnings == ("recipe_too_large",)
    assert b"atelier:recipe" not in sheet


def test_no_recipe_is_written_where_none_is_wanted(bench: Bench) -> None:
    _, (bare,) = made(bench, seeds=[7], output={"recipe": False})
    _, (told,) = made(bench, seeds=[7])
    assert b"atelier:recipe" not in bare
    assert len(bare) < len(told) < len(bare) + 200
