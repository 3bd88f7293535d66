"""Paint by what is there already: other models, results as photos, recipes in pictures and of the service."""

import json
from typing import Any

import pytest

from shared.identifiers import file_id, sha256
from tests.support.images.pictures import png
from tests.web.panels.conftest import Enter
from tests.web.panels.scenes import Scene, painted, upload, with_recipe
from tests.web.panels.site import Person, Site

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow
BUTTON = ".paint-button"
CHOSEN = ".style-tile[aria-pressed=true]"
WAYS = ("precision", "upsample")
OFFER = "Use this picture's recipe"


def bring(page: Any, data: bytes, name: str = "a.png") -> None:
    picker = page.locator("atelier-stage input[type=file]").first
    picker.set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def asked_for(page: Any, anna: Person, press: str = BUTTON) -> dict[str, Any]:
    """Press a button and return the input of the job that comes of it."""
    expect(page.locator(press)).to_be_enabled()
    with page.expect_response(lambda got: is_job(got.request)) as answer:
        page.locator(press).click()
    assert answer.value.status == 202, answer.value.text()
    return dict(anna.job(answer.value.json()["id"])["input"])


def is_job(request: Any) -> bool:
    """Whether a request asks for a job that is no preview."""
    if request.method != "POST" or not request.url.endswith("/v1/jobs"):
        return False
    return "preview" not in json.loads(request.post_data)["metadata"]


def test_colors_and_metadata_of_the_photo_are_asked_for(enter: Enter, site: Site, anna: Person) -> None:
    Scene(site, anna)
    page = enter(anna, "paint").page
    bring(page, png(70, 50))
    page.locator(".style-tile", has_text="waves").click()
    page.get_by_text("Size, format, model").click()
    page.get_by_label("Colors", exact=True).select_option(label="The photo's own, with their profile")
    page.get_by_label("Metadata of the photo").select_option(label="Keep all but the place")
    output = asked_for(page, anna)["output"]
    assert (output["profile"], output["metadata"], output["format"]) == ("keep", "safe", "jpeg")


def test_fields_that_a_service_may_have_are_shown_where_its_schema_has_them(
    enter: Enter, site: Site, anna: Person
) -> None:
    Scene(site, anna)
    visit = enter(anna, "paint")
    page, schemas = visit.page, "**/v1/models/magenta-mobile"

    def with_fields(route: Any, *names: str) -> None:
        answer = route.fetch()
        model = answer.json()
        known = {name: each for name, each in model["input_schema"]["properties"].items() if name not in WAYS}
        model["input_schema"]["properties"] = {**known, **{name: {} for name in names}}
        route.fulfill(response=answer, json=model)

    page.route(schemas, lambda route: with_fields(route), times=1)
    with page.expect_response(schemas):
        page.get_by_text("Size, format, model").click()
    expect(page.get_by_label("Metadata of the photo")).to_be_visible()
    expect(page.get_by_label("Precision")).to_have_count(0)
    page.route(schemas, lambda route: with_fields(route, "precision", "upsample"))
    page.reload()
    page.get_by_text("Size, format, model").click()
    page.get_by_label("Precision").select_option("fast")
    page.get_by_label("Strokes at full size").select_option("network")
    bring(page, png(70, 50))
    page.locator(".style-tile", has_text="waves").click()
    visit.allow("422")  # the service of this test may not know them, or have no model for them
    with page.expect_request(is_job) as asked:
        page.locator(BUTTON).click()
    sent = json.loads(asked.value.post_data)
    assert (sent["precision"], sent["upsample"]) == ("fast", "network")


def test_a_photo_goes_through_a_model_that_needs_no_style(enter: Enter, site: Site, anna: Person) -> None:
    page = enter(anna, "paint").page
    bring(page, png(70, 50))
    expect(page.get_by_text("Now choose a style.")).to_be_visible()
    options = page.get_by_label("What to do").locator("option:enabled")
    expect(options).to_have_count(3)
    page.get_by_label("What to do").select_option("enlarge-x2")
    expect(page.locator("atelier-styles")).to_be_hidden()
    expect(page.get_by_label("Strength")).to_be_hidden()
    asked = asked_for(page, anna)
    assert (asked["type"], asked["model"]) == ("transform", "enlarge-x2")
    assert asked["content"] == file_id(sha256(png(70, 50)))
    (job,) = (each["id"] for each in anna.http.get("/v1/jobs").json()["data"])
    site.worker.paint(site.worker.claim(job), png(140, 100))
    expect(page.get_by_role("link", name="Download")).to_have_attribute("download", "a-enlarge-x2.jpeg")
    page.get_by_role("link", name="Go on with it").click()
    page.get_by_role("dialog").get_by_role("link", name="Paint again").click()
    expect(page.get_by_label("What to do")).to_have_value("enlarge-x2")


def test_a_result_is_a_photo_without_being_sent_again(enter: Enter, site: Site, anna: Person) -> None:
    job = Scene(site, anna).stylize("night")
    site.worker.paint(site.worker.claim(job), painted(3))
    visit = enter(anna, f"gallery/job/{job}")
    page = visit.page
    page.get_by_role("link", name="Use as photo").click()
    expect(page.locator(".compare-before")).to_have_js_property("naturalWidth", 240)
    page.locator(".style-tile", has_text="waves").click()
    assert asked_for(page, anna)["content"] == f"job:{job}/0"
    assert not [url for url in visit.requests if url.endswith("/v1/files")]


def test_a_result_goes_through_another_model(enter: Enter, site: Site, anna: Person) -> None:
    job = Scene(site, anna).stylize("night", output={"format": "webp"})
    site.worker.paint(site.worker.claim(job), painted(3))
    page = enter(anna, f"gallery/job/{job}").page
    page.get_by_label("Another model").select_option(label="Old photo (CycleGAN)")
    asked = asked_for(page, anna, "[data-act=through]")
    assert (asked["model"], asked["content"], asked["output"]["format"]) == (
        "old-photo", f"job:{job}/0", "webp"
    )  # fmt: skip
    expect(page.get_by_text("Sent. It is under Work.")).to_be_visible()


def test_a_picture_that_is_brought_offers_its_recipe(enter: Enter, site: Site, anna: Person) -> None:
    style = upload(anna, painted(9))
    recipe = {"type": "stylize", "model": "magenta-mobile@1.0.0", "strength": 0.4}
    picture = with_recipe({**recipe, "styles": [{"image": style}], "output": {"format": "webp"}})
    visit = enter(anna, "paint")
    visit.drop([("painted.png", picture)])
    page = visit.page
    page.get_by_role("button", name=OFFER).click()
    expect(page.get_by_label("Strength")).to_have_value("0.4")
    expect(page.locator(CHOSEN)).to_have_count(1)
    expect(page.get_by_text("First, bring a photo.")).to_be_visible()
    expect(page.get_by_role("button", name=OFFER)).to_be_hidden()
    bring(page, png(70, 50))
    asked = asked_for(page, anna)
    assert (asked["strength"], asked["output"]["format"]) == (0.4, "webp")
    assert [each["image"] for each in asked["styles"]] == [style]
    assert asked["content"] == file_id(sha256(png(70, 50)))


@pytest.mark.parametrize(
    "found",
    [
        {"type": "generate", "model": "mnist-dcgan@1"},
        {"type": "stylize", "model": "magenta-mobile@1", "styles": [{"image": "https://example.org/a.png"}]},
        {"type": "stylize", "model": "magenta-mobile@1", "styles": [{"image": "../v1/keys"}]},
        {"type": "stylize", "styles": 3},
    ],
)
def test_what_a_stranger_wrote_into_a_picture_is_not_offered(
    enter: Enter, anna: Person, found: dict[str, Any]
) -> None:
    visit = enter(anna, "paint")
    with visit.page.expect_request("**/carried.js"):
        visit.drop([("painted.png", with_recipe(found))])
    style = upload(anna, painted(9))
    bad = {"webhook": {"url": "https://example.org"}, "deadline_seconds": 1, "lane": "bulk"}
    good = {"type": "stylize", "model": "magenta-mobile@1", "styles": [{"image": style}]}
    expect(visit.page.locator(".stage-bar")).to_contain_text("1 photo")
    expect(visit.page.get_by_role("button", name=OFFER)).to_be_hidden()
    visit.drop([("other.png", with_recipe({**good, **bad}))])
    visit.page.get_by_role("button", name=OFFER).click()
    expect(visit.page.locator(".stage-bar")).to_contain_text("1 photo")  # the first one stays
    asked = asked_for(visit.page, anna)
    assert (asked.get("webhook"), asked["deadline_seconds"], asked["lane"]) == (None, None, "interactive")


def test_settings_are_kept_as_a_recipe_and_used_again(enter: Enter, anna: Person) -> None:
    visit = enter(anna, "paint")
    page = visit.page
    page.locator(".style-tile").nth(1).click()
    visit.slide("atelier-paint-settings input[type=range] >> nth=0", 0.35)
    page.get_by_role("button", name="Recipes").click()
    expect(page.get_by_text("None is kept yet.")).to_be_visible()
    page.get_by_label("Name of the recipe").fill("calm")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept as calm@1.")).to_be_visible()
    settings = anna.http.get("/v1/recipes/calm").json()["settings"]
    assert (settings["strength"], settings["styles"][0]["name"]) == (0.35, "calm")
    assert anna.http.get("/v1/styles/calm").status_code == 200
    page.reload()
    page.get_by_role("button", name="Recipes").click()
    page.get_by_role("button", name="Use calm").click()
    expect(page.get_by_label("Strength")).to_have_value("0.35")
    expect(page.locator(CHOSEN)).to_contain_text("calm")
    bring(page, png(70, 50))
    asked = asked_for(page, anna)
    assert (asked["strength"], asked["styles"][0]["name"]) == (0.35, "calm")


def test_a_recipe_that_cannot_be_kept_says_why(enter: Enter, anna: Person) -> None:
    visit = enter(anna, "paint")
    visit.allow("422")
    page = visit.page
    page.get_by_role("button", name="Recipes").click()
    page.get_by_label("Name of the recipe").fill("calm")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("dialog .fault-text")).to_contain_text("styles")


def test_recipes_fit_a_phone_in_korean_and_axe_finds_nothing(enter: Enter, anna: Person) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    settings = {"type": "transform", "model": "old-photo", "output": {"format": "jpeg"}}
    anna.http.post("/v1/recipes", json={"name": "a" * 64, "settings": settings}).raise_for_status()
    page = enter(anna, "paint", phone=True, locale="ko-KR").page
    page.get_by_role("button", name="레시피").click()
    expect(page.get_by_role("heading", name="레시피", exact=True)).to_be_visible()
    assert page.locator("dialog").evaluate("(each) => each.scrollWidth <= each.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    results = axe.Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
