"""A recipe says how a picture was made, and nothing of what and whose; settings lie under a request."""

import json
from typing import Any

import pytest

from shared.cards.card import load_catalog
from shared.specs.recipe import MAX_RECIPE_BYTES, merged, recipe_text
from shared.specs.spec import JOB_SPEC, JobSpec, resolve

CATALOG = load_catalog()
A, B = ("file_" + letter * 64 for letter in "ab")


def resolved(**fields: Any) -> JobSpec:
    return resolve(JOB_SPEC.validate_python({"type": "generate", **fields}), CATALOG)


def painting(**fields: Any) -> JobSpec:
    return resolved(**{"type": "stylize", "content": A, "styles": [{"image": B}], **fields})


def recipe(spec: JobSpec) -> Any:
    return json.loads(recipe_text(spec, "7") or "null")


def test_it_has_style_settings_and_model_and_none_of_the_rest() -> None:
    spec = painting(
        styles=[{"image": B, "weight": 2.0}, {"image": A}],
        stroke=512,
        mask=A,
        output={"format": "jpeg", "recipe": True},
        metadata={"who": "ada"},
        webhook={"url": "https://ada.example/told?token=1"},
        lane="bulk",
        cache=True,
        ttl_seconds=60,
        deadline_seconds=60,
        not_before="2026-01-01T00:00:00Z",
    )
    assert recipe(spec) == {
        "atelier": 1, "type": "stylize", "model": "magenta-mobile@7", "output": {"format": "jpeg"},
        "styles": [{"image": B, "weight": 2.0}, {"image": A}], "strength": 1.0, "stroke": 512,
    }  # fmt: skip


def test_jobs_of_equal_pictures_have_equal_recipes() -> None:
    named = painting(styles=[{"name": "waves"}]).with_style_files({"waves": B})[0]
    assert recipe_text(named, "7") == recipe_text(painting(content=B, lane="bulk"), "7")
    assert recipe_text(painting(strength=0.5), "7") != recipe_text(painting(), "7")


def test_a_pictures_own_recipe_is_that_of_its_seed_or_latent() -> None:
    many, one = resolved(seeds=[3, 7]), resolved(seeds=[7])
    assert recipe(many.of_picture(1, 7)) == recipe(one) == recipe(one.of_picture(0, 7))
    first, second = [0.5] * 90 + [1.0] + [0.0] * 9, [1.0] * 90 + [1.0] + [0.0] * 9
    by_vectors = resolved(latents=[first, second])
    assert recipe(by_vectors.of_picture(1, None)) == recipe(resolved(latents=[second]))
    way = resolved(interpolate={"latents": [first, second], "steps": 5})
    assert recipe(way.of_picture(4, None)) == recipe(resolved(latents=[second]))
    assert recipe(way.of_picture(3, None)) == recipe(way)
    sheet = resolved(seeds=[3, 7], grid={"columns": 2})
    assert recipe(sheet.of_picture(0, None))["seeds"] == [3, 7]


def test_a_recipe_is_short_and_one_that_is_not_is_left_out() -> None:
    assert len(recipe_text(resolved(seeds=[7]), "1.2.0") or "") < 100
    latents = [[1 / 3] * 90 + [1.0] + [0.0] * 9] * 20
    assert recipe_text(resolved(latents=latents, grid={}), "1") is None
    assert MAX_RECIPE_BYTES < 65_000  # what one segment of a JPEG holds


@pytest.mark.parametrize(
    ("below", "over", "expected"),
    [
        ({"strength": 1, "stroke": 9}, {"strength": 0.5}, {"strength": 0.5, "stroke": 9}),
        ({"output": {"format": "jpeg", "quality": 80}}, {"output": {"quality": 95}},
         {"output": {"format": "jpeg", "quality": 95}}),
        ({"seeds": [1], "digit": 3}, {"seed": 5}, {"seed": 5, "digit": 3}),
        ({"seed": 1, "count": 4}, {"seed": 5}, {"seed": 5, "count": 4}),
        ({"latents": [[1]]}, {"digit": 3, "seeds": [1]}, {"digit": 3, "seeds": [1]}),
        ({"interpolate": {"seeds": [1]}}, {"interpolate": {"steps": 4}}, {"interpolate": {"steps": 4}}),
        ({"grid": {"columns": 2}}, {"animation": {}}, {"animation": {}}),
        ({"digits": "42", "truncation": 0.5}, {"latents": [[1]]}, {"latents": [[1]]}),
        ({"size": {"max_side": 9}}, {"size": None}, {"size": None}),
    ],
)  # fmt: skip
def test_a_request_goes_over_settings(below: Any, over: Any, expected: Any) -> None:
    assert merged(below, over) == expected
