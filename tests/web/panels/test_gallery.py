"""The panel Gallery in a browser: results are found, looked at, kept, deleted and painted again."""

import io
import json
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from shared.errors import CorruptImage
from shared.identifiers import file_id, sha256
from tests.support.images.pictures import png
from tests.web.panels.conftest import Enter
from tests.web.panels.scenes import Scene, digits, painted
from tests.web.panels.site import Person, Site

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow


def tiles(page: Any) -> Any:
    return page.locator(".tiles > li")


def made(site: Site, job: str, *pictures: bytes) -> str:
    site.worker.paint(site.worker.claim(job), *pictures)
    return job


def test_results_are_found_by_state_style_metadata_and_date(enter: Enter, site: Site, anna: Person) -> None:
    scene = Scene(site, anna)
    waves = made(site, scene.stylize("waves", metadata={"album": "summer"}), painted(1))
    night = made(site, scene.stylize("night"), painted(2))
    failed = scene.stylize("night")
    site.worker.fail(site.worker.claim(failed), CorruptImage.of_field("/content", "it ends early"))
    made(site, anna.submit(metadata={"from": "page", "preview": "yes"}), digits(0))
    page = enter(anna, "gallery").page
    expect(tiles(page)).to_have_count(2)
    picture = tiles(page).first.locator("img")
    expect(picture).to_have_js_property("naturalWidth", 240)
    expect(picture).to_have_attribute("loading", "lazy")
    page.get_by_label("Style", exact=True).fill("waves")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page)).to_have_attribute("data-id", waves)
    page.get_by_label("Style", exact=True).fill("")
    expect(tiles(page)).to_have_count(2)
    page.get_by_label("Metadata").fill("album=summer")
    expect(tiles(page)).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Metadata")).to_have_value("album=summer")
    expect(tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(tiles(page)).to_have_count(2)
    page.get_by_label("State").select_option(label="Failed")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page)).to_have_attribute("data-id", failed)
    page.get_by_label("State").select_option(label="Done")
    page.get_by_label("From", exact=True).fill("2099-01-01")
    expect(page.get_by_text("No result is like that")).to_be_visible()
    assert anna.job(night)["done"]


def test_a_result_comes_by_itself_and_one_that_is_deleted_goes_in_every_tab(
    enter: Enter, site: Site, anna: Person
) -> None:
    visit = enter(anna, "gallery")
    other = visit.tab()
    expect(visit.page.get_by_text("No results yet")).to_be_visible()
    job = made(site, Scene(site, anna).stylize(), painted(3))
    for page in (visit.page, other):
        expect(tiles(page)).to_have_attribute("data-id", job)
    visit.page.get_by_role("link", name="waves").press("Enter")
    result = visit.page.locator("dialog.result")
    result.get_by_role("button", name="Delete").click()
    visit.page.get_by_role("button", name="No, keep it").click()
    assert anna.job(job)["status"] == "succeeded"
    result.get_by_role("button", name="Delete").click()
    visit.page.locator("dialog.ask").get_by_role("button", name="Delete").click()
    for page in (visit.page, other):
        expect(tiles(page)).to_have_count(0)
    expect(visit.page.locator("dialog")).to_have_count(0)
    assert anna.http.get(f"/v1/jobs/{job}").status_code == 410


def test_a_result_is_pinned_and_let_go(enter: Enter, site: Site, anna: Person) -> None:
    job = made(site, anna.submit(count=2), digits(0), digits(1))
    page = enter(anna, f"gallery/job/{job}").page
    result = page.locator("dialog.result")
    expect(result.get_by_role("img")).to_have_count(2)
    result.get_by_role("button", name="Pin", exact=True).click()
    expect(result.locator(".tag", has_text="Pinned")).to_be_visible()
    assert anna.job(job)["pinned_at"]
    result.get_by_role("button", name="Unpin").click()
    expect(result.get_by_role("button", name="Pin", exact=True)).to_be_visible()
    assert anna.job(job)["pinned_at"] is None
    page.keyboard.press("Escape")
    expect(result).to_have_count(0)
    expect(page).to_have_url(f"{page.url.partition('#')[0]}#/gallery")


def test_a_painting_is_painted_again_by_its_whole_recipe(enter: Enter, site: Site, anna: Person) -> None:
    settings = {
        "strength": 0.4,
        "stroke": 512,
        "preserve_color": True,
        "output": {"format": "webp", "quality": 71},
    }
    job = made(site, Scene(site, anna).stylize("night", **settings), painted(3))
    page = enter(anna, f"gallery/job/{job}").page
    page.get_by_role("link", name="Paint again").click()
    expect(page.get_by_role("heading", name="Paint a photo")).to_be_visible()
    expect(page.get_by_label("Strength")).to_have_value("0.4")
    expect(page.locator(".style-tile[aria-pressed=true]")).to_contain_text("night")
    page.get_by_role("button", name="Paint", exact=True).click()
    asked: dict[str, Any] = {}

    def is_asked() -> bool:
        found = anna.http.get("/v1/jobs?status=queued").json()["data"]
        asked.update(next((each for each in found if "preview" not in each["metadata"]), {}))
        return bool(asked)

    for _ in range(600):
        if is_asked():
            break
        page.wait_for_timeout(100)
    first, second = anna.job(job)["input"], asked["input"]
    assert {**second, "metadata": {}} == {**first, "metadata": {}}


def test_another_photo_is_painted_by_the_recipe_in_the_picture(
    enter: Enter, site: Site, anna: Person
) -> None:
    job = Scene(site, anna).stylize("night", strength=0.4)
    asked = anna.job(job)["input"]
    recipe = {
        "atelier": 1,
        "type": "stylize",
        "model": "magenta-mobile@1",
        "strength": 0.4,
        "styles": [{"image": style["image"]} for style in asked["styles"]],
    }
    text = PngInfo()
    text.add_itxt("atelier:recipe", json.dumps(recipe))
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(buffer, "png", pnginfo=text)
    made(site, job, buffer.getvalue())
    page = enter(anna, f"gallery/job/{job}").page
    photo = {"name": "b.png", "mimeType": "image/png", "buffer": png(70, 50)}
    page.get_by_role("dialog").locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text("Sent. It is under Work.")).to_be_visible()
    (again,) = anna.http.get("/v1/jobs?status=queued").json()["data"]
    assert again["input"]["content"] == file_id(sha256(png(70, 50)))
    assert [style["image"] for style in again["input"]["styles"]] == [s["image"] for s in asked["styles"]]
    assert (again["input"]["strength"], again["input"]["model"]) == (0.4, "magenta-mobile")


def test_settings_are_kept_as_a_recipe(enter: Enter, site: Site, anna: Person) -> None:
    job = made(site, Scene(site, anna).stylize("night", strength=0.4), painted(3))
    page = enter(anna, f"gallery/job/{job}").page
    result = page.get_by_role("dialog")
    result.get_by_label("Name of the recipe").fill("calm")
    result.get_by_role("button", name="Keep as recipe").click()
    expect(page.get_by_text("Kept as calm@1.")).to_be_visible()
    settings = anna.http.get("/v1/recipes/calm").json()["settings"]
    assert (settings["type"], settings["strength"], settings["styles"][0]["name"]) == (
        "stylize",
        0.4,
        "night",
    )
    photo = anna.job(job)["input"]["content"]
    again = anna.submit(type="stylize", content=photo, recipe="calm")
    assert anna.job(again)["input"]["recipe"] == "calm@1"


def test_a_result_is_taken_as_a_photo_and_a_painting_of_it_painted_again(
    enter: Enter, site: Site, anna: Person
) -> None:
    scene = Scene(site, anna)
    job = made(site, scene.stylize("night"), painted(3))
    page = enter(anna, f"gallery/job/{job}").page
    page.get_by_role("link", name="Use as photo").click()
    expect(page.get_by_role("heading", name="Paint a photo")).to_be_visible()
    expect(page.get_by_text("Now choose a style.")).to_be_visible()
    styles = anna.job(job)["input"]["styles"]
    child = made(
        site, anna.submit(type="stylize", content={"job": job}, styles=styles, strength=0.3), painted(4)
    )
    page.goto(f"{page.url.partition('#')[0]}#/gallery/job/{child}")
    page.get_by_role("link", name="Paint again").click()
    expect(page.get_by_label("Strength")).to_have_value("0.3")


def test_digits_are_drawn_again_by_their_recipe(enter: Enter, site: Site, anna: Person) -> None:
    spec = {"type": "generate", "interpolate": {"seeds": [3, 9], "steps": 4}, "digit": 5}
    job = made(site, anna.submit(**spec), *[digits(n) for n in range(4)])
    page = enter(anna, f"gallery/job/{job}").page
    page.get_by_role("link", name="Paint again").click()
    expect(page.get_by_role("heading", name="Draw digits")).to_be_visible()
    again = page.get_by_text("Drawn again by the recipe")
    expect(again).to_be_visible()
    (asked,) = anna.http.get("/v1/jobs?status=queued").json()["data"]  # and nothing else was drawn
    assert asked["input"]["interpolate"] == anna.job(job)["input"]["interpolate"]


def test_many_results_come_page_by_page(enter: Enter, site: Site, anna: Person) -> None:
    for seed in range(65):
        made(site, anna.submit(seed=seed), digits(0))
    page = enter(anna, "gallery").page
    expect(tiles(page)).to_have_count(60)
    page.get_by_role("button", name="Older").click()
    expect(tiles(page)).to_have_count(5)
    page.get_by_role("button", name="Newer").click()
    expect(tiles(page)).to_have_count(60)
