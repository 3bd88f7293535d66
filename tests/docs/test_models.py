"""The networks and cards of docs/models.md, once a reader has done what the page says."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atelier.client.client import Client
from atelier.client.downloads import Picture
from atelier.local.stack import RunningStack
from shared.cards.card import ModelCard, bundled_cards
from tests.support.images import pictures
from tests.support.pages.pages import PAGES, blocks_of

PAGE = PAGES["docs/models.md"].read_text("utf-8")


@pytest.fixture
def client(read: Callable[[str], Path], installation: RunningStack) -> Iterator[Client]:
    """A client of the installation in which everything was done that the page says."""
    read("docs/models.md")
    with installation.client() as running:
        yield running


def pixels(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)))


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_example_of_a_transformation_makes_a_relief(client: Client) -> None:
    made = pixels(client.transform(pictures.jpeg(64, 48), model="relief"))
    assert made.shape == (48, 64, 3)
    np.testing.assert_allclose(made[20:28, 20:40], 128, atol=12)  # a smooth gradient differs from nothing


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_example_of_a_stylization_takes_the_styles_colors(client: Client) -> None:
    style = pictures.save(Image.new("RGB", (32, 32), (200, 90, 30)), "png")
    made = pixels(client.stylize(pictures.png(40, 40), style, model="color-transfer"))
    np.testing.assert_allclose(made.mean(axis=(0, 1)), (200, 90, 30), atol=2)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_example_of_a_generator_draws_by_seed(client: Client) -> None:
    made = (client.generate(model="clouds", seed=seed) for seed in (1, 1, 2))
    first, again, other = (pixels(picture) for (picture,) in made)
    assert first.shape == (32, 32, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_the_page_names_every_bundled_model_with_its_kind() -> None:
    table = PAGE.split("## What comes with Atelier")[1].split("##")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (generate|stylize|transform) \|", table, re.MULTILINE))
    assert rows == {card.name: card.kind for card in bundled_cards()}


def test_the_page_names_every_field_of_a_card() -> None:
    table = PAGE.split("## The card")[1].split("| source |")[0]
    assert set(ModelCard.model_fields) <= set(re.findall(r"`([a-z_]+)`", table))


def test_the_cards_of_the_page_are_valid() -> None:
    cards = [block for block in blocks_of("docs/models.md") if block.language == "json"]
    found = [ModelCard.model_validate_json(block.text) for block in cards]
    names = [card.name if card.version == "1" else card.pinned().reference for card in found]
    assert names == ["relief", "relief@2", "color-transfer", "clouds"]
    assert [block.file for block in cards] == [f".atelier/cards/{name}.json" for name in names]
