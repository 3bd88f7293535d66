"""The panel Work in a browser: what runs and waits, and what a person does with it."""

import pytest

from shared.errors import CorruptImage
from tests.web.panels.conftest import Enter
from tests.web.panels.scenes import Scene, painted
from tests.web.panels.site import Person, Site

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow
NOW = "Running and waiting"
ENDED = "Ended lately"


def test_steps_and_previews_come_while_a_job_runs_then_its_result(
    enter: Enter, site: Site, anna: Person
) -> None:
    page = enter(anna, "work").page
    job = Scene(site, anna).stylize(model="nst-gatys", optimize={"steps": 200, "preview_every": 20})
    row = page.locator(f'[data-id="{job}"]')
    expect(row).to_contain_text("Waiting")
    claimed = site.worker.claim(job)
    site.worker.show(claimed, 40, 200, data=painted(3))
    expect(row).to_contain_text("Painting, step 40 of 200")
    assert row.locator("progress").evaluate("bar => bar.value") == pytest.approx(0.2)
    preview = row.get_by_role("img", name="Preview of: Photo in the style of waves")
    first = preview.get_attribute("src")
    site.worker.show(claimed, 60, 200, data=painted(4))
    expect(preview).not_to_have_attribute("src", first or "")
    site.worker.paint(claimed, painted(5))
    ended = page.get_by_role("region", name=ENDED).locator(f'[data-id="{job}"]')
    expect(ended).to_contain_text("Done")
    expect(ended.get_by_role("link", name="See the result")).to_have_attribute("href", f"#/gallery/job/{job}")


def test_jobs_stand_by_their_places_and_are_moved(enter: Enter, anna: Person) -> None:
    jobs = [anna.submit(seed=seed) for seed in range(3)]
    page = enter(anna, "work").page
    rows = page.get_by_role("region", name=NOW).get_by_role("listitem")
    expect(rows).to_have_count(3)
    for place, job in enumerate(jobs):
        expect(rows.nth(place)).to_have_attribute("data-id", job)
        expect(rows.nth(place)).to_contain_text(f"Place {place + 1}")
    rows.nth(2).get_by_role("button", name="To the front").press("Enter")
    expect(rows.nth(0)).to_have_attribute("data-id", jobs[2])
    expect(rows.nth(0)).to_contain_text("Place 1")
    rows.nth(1).get_by_role("button", name="To the lane: bulk").click()
    expect(rows.nth(2)).to_have_attribute("data-id", jobs[0])
    assert anna.job(jobs[0])["queue"]["lane"] == "bulk"


def test_a_waiting_job_says_why(enter: Enter, anna: Person) -> None:
    body = {"reason": "the lights are wrong", "for_seconds": 3600}
    anna.http.post("/v1/pauses", json=body).raise_for_status()
    job = anna.submit()
    row = enter(anna, "work").page.locator(f'[data-id="{job}"]')
    expect(row).to_contain_text("aused until")
    expect(row).to_contain_text("(the lights are wrong)")


def test_two_tabs_and_a_refresh_show_the_same(enter: Enter, site: Site, anna: Person) -> None:
    visit = enter(anna, "work")
    job = anna.submit(count=4, digit=7)
    other = visit.tab()
    for page in (visit.page, other):
        expect(page.locator(f'[data-id="{job}"]')).to_contain_text("4 digits: 7")
    visit.page.locator(f'[data-id="{job}"]').get_by_role("button", name="Cancel").click()
    for page in (visit.page, other):
        expect(page.get_by_role("region", name=ENDED).locator(f'[data-id="{job}"]')).to_contain_text(
            "Canceled"
        )
    assert anna.job(job)["status"] == "canceled"
    other.reload()
    ended = other.get_by_role("region", name=ENDED).locator(f'[data-id="{job}"]')
    expect(ended).to_contain_text("Canceled")
    ended.get_by_role("button", name="Try again").click()
    again = visit.page.get_by_role("region", name=NOW).get_by_role("listitem")
    expect(again).to_contain_text("4 digits: 7")
    expect(ended.get_by_role("button")).to_have_count(0)


def test_a_batch_with_a_bad_file_says_what_failed_and_goes_again(
    enter: Enter, site: Site, anna: Person
) -> None:
    items = [{"type": "generate", "seed": seed, "custom_id": f"photo-{seed}"} for seed in range(3)]
    batch = anna.http.post("/v1/batches", json={"name": "harbor", "items": items}).json()["id"]
    page = enter(anna, "work").page
    card = page.locator(f'[data-id="{batch}"]')
    expect(card).to_contain_text("0 of 3 done")
    jobs = anna.http.get(f"/v1/batches/{batch}/items").json()["data"]
    for job in jobs[:2]:
        site.worker.paint(site.worker.claim(job["id"]), painted(job["index"]))
    expect(card).to_contain_text("2 of 3 done")
    site.worker.fail(site.worker.claim(jobs[2]["id"]), CorruptImage.of_field("/content", "it ends early"))
    failure = card.locator('[data-code="corrupt_image"]')
    expect(failure).to_contain_text("1 corrupt_image")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    card.get_by_text("Contact sheet").click()
    sheet = card.get_by_role("img", name="2 results on a sheet")
    expect(sheet).to_have_js_property("complete", value=True)
    assert sheet.evaluate("image => image.naturalWidth === Number(image.getAttribute('width'))")
    with page.expect_download() as download:
        card.get_by_role("link", name="Download ZIP").click()
    assert download.value.suggested_filename == f"{batch}.zip"
    card.get_by_role("link", name="harbor").click()
    item = page.locator(f'[data-id="{jobs[2]["id"]}"]')
    expect(item).to_contain_text("photo-2")
    expect(item).to_contain_text("it ends early")
    page.get_by_role("button", name="Retry what failed").click()
    expect(page.locator("atelier-batch .batch")).to_contain_text("2 of 3 done")


def test_a_sample_is_looked_at_and_gone_on_with(enter: Enter, site: Site, anna: Person) -> None:
    items = [{"type": "generate", "seed": seed} for seed in range(4)]
    body = {"name": "wall", "items": items, "sample": 1}
    batch = anna.http.post("/v1/batches", json=body).json()["id"]
    card = enter(anna, "work").page.locator(f'[data-id="{batch}"]')
    (first,) = anna.http.get(f"/v1/batches/{batch}/items?limit=1").json()["data"]
    site.worker.paint(site.worker.claim(first["id"]), painted(1))
    expect(card).to_contain_text("The sample is made")
    card.get_by_role("button", name="Go on").click()
    expect(card.locator(".tag").first).to_have_text("Running")


def test_a_batch_is_paused_with_a_reason_and_canceled_after_a_question(enter: Enter, anna: Person) -> None:
    items = [{"type": "generate", "seed": seed} for seed in range(4)]
    batch = anna.http.post("/v1/batches", json={"name": "wall", "items": items}).json()["id"]
    page = enter(anna, "work").page
    card = page.locator(f'[data-id="{batch}"]')
    card.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill("wrong style")
    page.get_by_label("Until").select_option(label="for an hour")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("“wrong style”")
    assert anna.http.get(f"/v1/batches/{batch}").json()["pause"]["until"]
    card.get_by_role("button", name="Cancel the rest").click()
    page.get_by_role("button", name="No, keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert anna.http.get(f"/v1/batches/{batch}").json()["status"] == "paused"
    card.get_by_role("button", name="Cancel the rest").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the rest").click()
    expect(card.locator(".tag").first).to_have_text("Canceled")


def test_nothing_yet_is_said_in_a_sentence(enter: Enter, anna: Person) -> None:
    page = enter(anna, "work").page
    expect(page.get_by_text("Nothing runs or waits.")).to_be_visible()
    expect(page.get_by_text("No batches.")).to_be_visible()
