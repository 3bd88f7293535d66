"""What each way of asking comes to: the latents, and what is said of every picture."""

from typing import Any

import numpy as np
import pytest

from shared.cards.card import load_catalog
from shared.cards.parts import Latent
from shared.specs.parts import Interpolation
from shared.specs.spec import JOB_SPEC, GenerateSpec, resolve
from worker.kinds.latent_plan import Plan, make_plan, text_of_all
from worker.models.generation.latents import digit_of, latent

CARD = load_catalog().get("mnist-dcgan")
assert CARD.latent is not None
SHAPE = CARD.latent


def plan(**fields: Any) -> Plan:
    spec = resolve(JOB_SPEC.validate_python({"type": "generate", **fields}), load_catalog())
    return make_plan(spec, SHAPE)  # type: ignore[arg-type]


def test_seeds_give_one_latent_each() -> None:
    made = plan(seeds=[7, 8], digit=4, truncation=0.5)
    assert made.latents.shape == (2, 1, 100)
    assert np.array_equal(made.latents[1, 0], latent(SHAPE, 8, 4, 0.5))
    assert made.labels[1].text == {"atelier:seed": "8", "atelier:digit": "4", "atelier:truncation": "0.5"}


def test_a_digit_that_the_seed_drew_is_said() -> None:
    (label,) = plan(seeds=[11]).labels
    assert (label.seed, label.text) == (11, {"atelier:seed": "11", "atelier:digit": f"{digit_of(SHAPE, 11)}"})


def test_latents_are_taken_as_they_are() -> None:
    vectors = [[0.25] * 100, [-3.5] * 100]
    made = plan(latents=vectors)
    assert np.array_equal(made.latents[:, 0], np.array(vectors, np.float32))
    assert [label.seed for label in made.labels] == [None, None]
    assert [label.text for label in made.labels] == [{}, {}]


def test_digits_are_written_by_one_hand() -> None:
    made = plan(seeds=[1, 2], digits="2026")
    assert made.latents.shape == (2, 4, 100)
    for index, seed in enumerate((1, 2)):
        expected = [latent(SHAPE, seed, digit, 1.0) for digit in (2, 0, 2, 6)]
        assert np.array_equal(made.latents[index], expected)
    assert made.labels[0].text == {"atelier:seed": "1", "atelier:digits": "2026"}


@pytest.mark.parametrize("more", [{}, {"digit": 3}, {"truncation": 0.4}, {"digits": "07"}])
def test_the_points_of_a_walk_are_the_pictures_of_their_seeds(more: dict[str, Any]) -> None:
    way = plan(interpolate={"seeds": [5, 6, 7], "steps": 4}, **more)
    points = plan(seeds=[5, 6, 7], **more)
    assert np.array_equal(way.latents[::3], points.latents)
    assert way.labels[::3] == points.labels


def test_a_digit_stays_along_the_walk() -> None:
    classes = plan(interpolate={"seeds": [5, 6], "steps": 5}, digit=3).latents[:, 0, 90:]
    assert np.array_equal(classes, np.eye(10)[[3] * 5])


def test_a_walk_between_two_classes_mixes_them() -> None:
    seeds = next([1, other] for other in range(2, 99) if digit_of(SHAPE, other) != digit_of(SHAPE, 1))
    middle = plan(interpolate={"seeds": seeds, "steps": 3}).latents[1, 0, 90:]
    assert sorted(middle)[-3:] == [0, 0.5, 0.5]


def test_a_place_between_two_seeds_says_where_it_is() -> None:
    labels = plan(interpolate={"seeds": [5, 6, 7], "steps": 4}).labels
    assert (labels[4].seed, labels[4].text) == (None, {"atelier:between": "6,7", "atelier:step": "1/3"})


def test_a_walk_between_latents_is_said_to_be_of_no_seed() -> None:
    made = plan(interpolate={"latents": [[1.0] * 100, [2.0] * 100], "steps": 2})
    assert np.array_equal(made.latents[:, 0, 0], [1, 2])
    assert [label.text for label in made.labels] == [{}, {}]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"seeds": [1, 2], "digit": 5}, {"atelier:seeds": "1,2", "atelier:digit": "5"}),
        ({"interpolate": {"seeds": [1, 2], "steps": 3}}, {"atelier:seeds": "1,2", "atelier:steps": "3"}),
        ({"latents": [[0.0] * 100]}, {}),
    ],
)
def test_a_file_of_all_pictures_says_what_they_are(fields: dict[str, Any], text: dict[str, str]) -> None:
    assert text_of_all(plan(grid={}, **fields).spec) == text


def test_a_generator_without_classes_draws_and_walks_all_the_same() -> None:
    plain = Latent(normals=16, classes=0)
    spec = GenerateSpec(type="generate", interpolate=Interpolation(seeds=[1, 2], steps=3))
    made = make_plan(spec, plain)
    assert made.latents.shape == (3, 1, 16)
    assert np.array_equal(made.latents[0, 0], latent(plain, 1, None, 1.0))
    assert made.labels[0].text == {"atelier:seed": "1"}
