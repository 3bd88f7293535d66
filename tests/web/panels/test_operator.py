"""The panel Operator in a browser, and what all panels keep: widths, color schemes, screen readers."""

import pytest

from shared.access.key import Scope
from tests.web.panels.conftest import Enter
from tests.web.panels.scenes import Scene
from tests.web.panels.site import Person, Site

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow
WORKER = "studio-1"
PANELS = ("work", "gallery", "operator")


def test_only_an_admin_sees_it(enter: Enter, anna: Person) -> None:
    page = enter(anna, "operator").page
    expect(page.get_by_role("link", name="Gallery")).to_be_visible()
    expect(page.get_by_role("link", name="Operator")).to_have_count(0)


def test_a_pause_is_made_with_a_reason_and_ended(enter: Enter, root: Person) -> None:
    visit = enter(root, "operator")
    page = visit.page
    expect(page.get_by_text("Nothing is paused.")).to_be_visible()
    page.get_by_role("button", name="Pause work").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Lane").select_option(label="bulk")
    dialog.get_by_label("Reason").fill("the disk is moved")
    dialog.get_by_label("Until").select_option(label="for an hour")
    dialog.get_by_label("Owner").fill("not a name!")
    dialog.get_by_role("button", name="Pause", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("wner")
    visit.allow("422")
    dialog.get_by_label("Owner").fill("")
    dialog.get_by_role("button", name="Pause", exact=True).click()
    card = page.locator("#operator-pauses .pause")
    expect(card).to_contain_text("“the disk is moved”")
    (pause,) = root.http.get("/v1/pauses").json()["data"]
    assert (pause["lane"], bool(pause["until"])) == ("bulk", True)
    card.get_by_role("button", name="End the pause").click()
    expect(page.get_by_text("Nothing is paused.")).to_be_visible()
    assert root.http.get("/v1/pauses").json()["data"] == []


def test_a_worker_is_cordoned_and_takes_jobs_again(enter: Enter, root: Person) -> None:
    page = enter(root, "operator").page
    card = page.locator(".worker").filter(has_text=WORKER)
    expect(card).to_contain_text("Takes jobs")
    card.get_by_role("button", name="Cordon").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("new disk")
    page.get_by_role("dialog").get_by_role("button", name="Cordon").click()
    expect(card.locator(".tag")).to_have_text("Cordoned")
    expect(card).to_contain_text("“new disk”")
    card.get_by_role("button", name="Take jobs again").click()
    expect(card.locator(".tag")).to_have_text("Takes jobs")


def test_a_model_gets_a_limit(enter: Enter, root: Person) -> None:
    page = enter(root, "operator").page
    card = page.locator('.model[data-name="mnist-dcgan"]')
    card.get_by_label("Jobs at once").fill("2")
    card.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limit of mnist-dcgan holds")).to_be_visible()
    assert root.http.get("/v1/models/mnist-dcgan/limits").json()["running"] == 2
    page.reload()
    expect(card.get_by_label("Jobs at once")).to_have_value("2")
    root.http.put("/v1/models/mnist-dcgan/limits", json={"running": None})


def test_numbers_and_plots_follow_the_queue(enter: Enter, root: Person, anna: Person) -> None:
    page = enter(root, "operator").page
    expect(page.get_by_role("img", name="Waiting: now")).to_be_visible()
    before = root.http.get("/v1/stats").json()["total"]["waiting"]
    jobs = [anna.submit(seed=seed) for seed in range(3)]
    expect(page.get_by_role("img", name=f"Waiting: now {before + 3}")).to_be_visible()
    for job in jobs:
        anna.http.post(f"/v1/jobs/{job}/cancel")
    expect(page.get_by_role("img", name=f"Waiting: now {before}, at most {before + 3}")).to_be_visible()


@pytest.fixture(scope="session")
def busy(site: Site) -> Person:
    """An admin who has something of everything."""
    person = site.person("busy", frozenset({Scope.ADMIN}))
    scene = Scene(site, person)
    scene.results(4)
    scene.batches()
    scene.at_work()
    return person


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("panel", PANELS)
def test_axe_finds_nothing(enter: Enter, busy: Person, panel: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = enter(busy, panel, color_scheme=scheme, bypass_csp=True).page
    expect(page.locator(".job, .tile, .worker").first).to_be_visible()
    results = axe.Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    if panel == "gallery":
        page.locator(".tile").first.click()
        expect(page.locator("dialog.result dl")).to_be_visible()
        results = axe.Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("panel", PANELS)
def test_a_phone_shows_all_of_it_in_korean(enter: Enter, busy: Person, panel: str) -> None:
    page = enter(busy, panel, phone=True, locale="ko-KR").page
    expect(page.locator(".job, .tile, .worker").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        {"work": "작업", "gallery": "갤러리", "operator": "운영"}[panel]
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("panel", PANELS)
def test_nothing_jumps_while_it_is_read(enter: Enter, busy: Person, panel: str) -> None:
    visit = enter(busy, panel)
    expect(visit.page.locator(".job, .tile, .worker").first).to_be_visible()
    assert visit.layout_shift() < 0.1
