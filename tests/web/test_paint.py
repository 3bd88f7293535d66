"""The panels Paint and Digits in a browser, with a worker that paints."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from atelier.local.stack import RunningStack
from tests.support.waiting import eventually
from tests.web.conftest import Visits

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
NOTE = ".paint-note"
PHONE = 390  # CSS pixels
STRENGTH = "atelier-paint-settings input[type=range] >> nth=0"
OUTPUT = re.compile(r"/v1/jobs/job_\w+/outputs/\d+")


def with_photo(visits: Visits, stack: RunningStack, photo: Path, **options: Any) -> Any:
    """Open the panel, bring a photo and choose a style; return the visit once a preview is there."""
    visit = visits(stack.url, **options)
    visit.page.locator("atelier-stage input[type=file]").first.set_input_files(photo)
    visit.page.locator(".style-tile").nth(1).click()
    expect(visit.page.locator("[data-compared]")).to_be_visible()
    return visit


def jobs(stack: RunningStack) -> list[Any]:
    with stack.client() as client:
        return [job.raw for job in client.jobs.list()]


def test_a_photo_is_painted_in_three_clicks_and_downloaded_in_its_own_size(
    visits: Visits, stack: RunningStack, photo: Path
) -> None:
    visit = with_photo(visits, stack, photo)
    expect(visit.page.locator(NOTE)).to_contain_text("384")
    visit.page.get_by_role("button", name="Paint", exact=True).click()
    expect(visit.page.locator(NOTE)).to_contain_text("full size")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download").click()
    picture = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert (picture.size, download.value.suggested_filename) == ((480, 320), "harbor-painted.jpeg")
    assert visit.layout_shift() < 0.05


def test_letting_a_slider_go_brings_a_small_preview_of_its_own(
    visits: Visits, stack: RunningStack, photo: Path
) -> None:
    visit = with_photo(visits, stack, photo)
    before = visit.page.locator(".compare-after").get_attribute("src")
    visit.slide(STRENGTH, 0.35)
    expect(visit.page.locator(".compare-after")).not_to_have_attribute("src", before)
    latest = jobs(stack)[0]
    assert (latest["input"]["strength"], latest["input"]["lane"]) == (0.35, "interactive")
    assert max(latest["outputs"][0]["width"], latest["outputs"][0]["height"]) == 384
    assert latest["metadata"] == {"from": "page", "preview": "yes"}


def test_only_the_newest_wish_is_shown_and_the_job_of_an_older_one_is_canceled(
    visits: Visits, stack: RunningStack, photo: Path
) -> None:
    visit = with_photo(visits, stack, photo)
    held: list[Any] = []
    visit.page.route(re.compile(r"/v1/jobs/job_\w+\?wait="), lambda route: held.append(route), times=1)
    with visit.page.expect_request(re.compile(r"\?wait=")):
        visit.slide(STRENGTH, 0.1)
    visit.slide(STRENGTH, 0.5)
    newer = output_of(stack, 0.5)
    expect(visit.page.locator(".compare-after")).to_have_attribute("src", re.compile(newer))
    with contextlib.suppress(sync_api.Error):  # the page waits for it no more
        held[0].continue_()
    visit.page.wait_for_load_state()
    assert newer in visit.page.locator(".compare-after").get_attribute("src")
    assert [url for url in visit.requests if url.endswith("/cancel")]


def output_of(stack: RunningStack, strength: float) -> str:
    """Return the id of the job with a strength, once it is there."""

    def found() -> list[str]:
        return [job["id"] for job in jobs(stack) if job["input"].get("strength") == strength]

    eventually(lambda: bool(found()))
    return found()[0]


def test_several_styles_are_mixed_by_weight(visits: Visits, stack: RunningStack, photo: Path) -> None:
    visit = with_photo(visits, stack, photo)
    visit.page.locator(".style-tile").nth(2).click()
    visit.slide(".style-weights input[type=range] >> nth=1", 2.5)
    eventually(lambda: [style["weight"] for style in jobs(stack)[0]["input"]["styles"]] == [1.0, 2.5])


TOOLS = {"curl": ("bash", "curl", "jq"), "JavaScript": ("node",)}
PROGRAMS = {
    "curl": ("bash", "-euc"),
    "Python": (sys.executable, "-c"),
    "JavaScript": ("node", "--input-type=module", "-e"),
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_code_that_is_shown_makes_the_same_picture(
    visits: Visits, stack: RunningStack, photo: Path, language: str
) -> None:
    missing = [tool for tool in TOOLS.get(language, ()) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    visit = with_photo(visits, stack, photo)
    visit.page.get_by_text("The same from a program").click()
    visit.page.get_by_role("button", name=language, exact=True).click()
    text = visit.page.locator("atelier-paint .code").inner_text()
    photo.rename(photo.with_name("photo.jpg"))
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run([*PROGRAMS[language], text], cwd=photo.parent, env=environ, check=True, timeout=120)
    (made,) = photo.parent.glob("picture.*")
    assert Image.open(io.BytesIO(made.read_bytes())).size == (480, 320)


def test_digits_are_drawn_mixed_filmed_and_walked(visits: Visits, stack: RunningStack) -> None:
    visit = visits(f"{stack.url}/#/digits")
    expect(visit.page.locator("atelier-digits-sheet .digits-picture")).to_have_attribute("src", OUTPUT)
    visit.page.get_by_role("link", name="Between two").click()
    picture = visit.page.locator("atelier-digits-between .digits-picture")
    expect(picture).to_have_attribute("src", OUTPUT)
    first = picture.get_attribute("src")
    visit.slide("atelier-digits-between input[type=range]", 20)
    expect(picture).not_to_have_attribute("src", first)
    visit.page.locator("atelier-digits-between").get_by_role("button", name="Film").click()
    expect(visit.page.locator("atelier-digits-between a[download]")).to_have_attribute(
        "download", "Film.webp"
    )
    visit.page.get_by_role("link", name="Walk").click()
    walked = visit.page.locator("atelier-digits-walk .digits-picture")
    expect(walked).to_have_attribute("src", OUTPUT)
    there = walked.get_attribute("src")
    visit.page.locator(".walk-pad").press("ArrowRight")
    expect(walked).not_to_have_attribute("src", there)


def test_the_page_goes_on_when_the_api_was_killed(visits: Visits, stack: RunningStack) -> None:
    visit = visits(f"{stack.url}/#/digits")
    state = visit.page.locator(".state")
    expect(state).to_have_text("Live")
    stack.kill("api")
    expect(state).to_have_text("Offline")
    expect(state).to_have_text("Live")
    picture = visit.page.locator("atelier-digits-sheet .digits-picture")
    expect(picture).to_have_attribute("src", OUTPUT)
    before = picture.get_attribute("src")
    visit.page.get_by_role("button", name="Draw another one").click()
    expect(picture).not_to_have_attribute("src", before)
    visit.allow("ERR_")  # the connection that broke off


@pytest.mark.parametrize(("locale", "title"), [("ko-KR", "사진 그리기"), ("en-US", "Paint a photo")])
def test_on_a_phone_nothing_is_wider_than_it(
    visits: Visits, stack: RunningStack, photo: Path, locale: str, title: str
) -> None:
    visit = with_photo(visits, stack, photo, phone=True, is_mobile=True, locale=locale)
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(title)
    assert visit.page.locator("html").get_attribute("lang") == locale[:2]
    for tab in visit.page.locator(".tab").all():
        assert tab.bounding_box()["x"] + tab.bounding_box()["width"] <= PHONE
    panels = ("paint", "digits", "digits/between", "digits/walk", "work", "gallery", "operator")
    for address in panels:
        visit.page.evaluate("(address) => (location.hash = address)", f"#/{address}")
        expect(visit.page.locator("main > :not([hidden]) h1")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE, address
