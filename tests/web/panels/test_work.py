"""The panel Work in a browser: what runs and waits, and what a person does with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.actions.runner import ActionRunner
from shared.errors import AttemptsExhausted, CorruptImage
from shared.redis.memory_guard import MemoryGuard
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


def test_of_a_long_queue_what_is_next_is_shown_first(enter: Enter, site: Site, anna: Person) -> None:
    ended = anna.submit(seed=99)
    site.worker.paint(site.worker.claim(ended), painted(1))
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    delayed = anna.submit(seed=98, not_before=later)
    jobs = [anna.submit(seed=seed) for seed in range(50)]
    anna.http.post(f"/v1/jobs/{jobs[-1]}/move", json={"to": "front"})
    page = enter(anna, "work").page
    rows = page.get_by_role("region", name=NOW).get_by_role("listitem")
    expect(rows).to_have_count(40)
    for place, job in enumerate([jobs[-1], *jobs[:39]]):
        expect(rows.nth(place)).to_have_attribute("data-id", job)
        expect(rows.nth(place)).to_contain_text(f"Place {place + 1}")
    expect(page.get_by_role("region", name=ENDED).locator(f'[data-id="{ended}"]')).to_be_visible()
    anna.submit(seed=97)  # it stands behind those that were not read yet
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(51)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(52)
    expect(rows.nth(51)).to_have_attribute("data-id", delayed)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


@pytest.fixture
def actions(site: Site) -> Iterator[None]:
    """Somebody who carries out bulk actions."""
    runner = ActionRunner(site.store, MemoryGuard(site.store.client))
    runner.start()
    yield
    runner.stop()


def act_on_all(page: Any, button: str, question: str) -> None:
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(question)
    dialog.get_by_role("button", name=button).click()


def test_all_that_the_filter_shows_are_canceled_tried_again_and_deleted(
    enter: Enter, site: Site, anna: Person, actions: None
) -> None:
    kept = Scene(site, anna).stylize()
    jobs = [anna.submit(seed=seed) for seed in range(3)]
    page = enter(anna, "work").page
    now, ended = (page.get_by_role("region", name=name).get_by_role("listitem") for name in (NOW, ENDED))
    expect(now).to_have_count(4)
    page.get_by_label("Kind", exact=True).select_option(label="Digits")
    expect(now).to_have_count(3)
    act_on_all(page, "Cancel all", "Cancel 3 jobs?")
    expect(page.get_by_text("Done with 3 jobs.")).to_be_visible()
    expect(ended).to_have_count(3)
    assert {anna.job(job)["status"] for job in jobs} == {"canceled"}
    assert anna.job(kept)["status"] == "queued"
    page.get_by_label("State", exact=True).select_option(label="Canceled")
    expect(page.get_by_role("button", name="Cancel all")).to_be_hidden()
    expect(page.get_by_role("region", name=NOW)).to_be_hidden()
    act_on_all(page, "Try all again", "Try 3 jobs again?")
    expect(page.get_by_text("Done with 3 jobs.")).to_be_visible()
    act_on_all(page, "Delete all", "Delete 3 jobs?")
    expect(ended).to_have_count(0)
    page.get_by_label("State", exact=True).select_option(label="All")
    expect(now).to_have_count(3)
    assert {anna.http.get(f"/v1/jobs/{job}").status_code for job in jobs} == {410}
    page.get_by_label("State", exact=True).select_option(label="Failed")
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_text("There is no such job.")).to_be_visible()


def test_how_far_an_action_is_can_be_seen_in_any_tab_and_stopped(enter: Enter, anna: Person) -> None:
    anna.submit()
    body = {"do": "cancel", "filter": {}}
    action = anna.http.post("/v1/actions", json=body).json()["id"]  # nobody carries it out
    page = enter(anna, "work").page
    expect(page.get_by_text("Cancel all: 0 of 0")).to_be_visible()
    expect(page.get_by_role("button", name="Delete all")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Done with 0 jobs.")).to_be_visible()
    assert anna.http.get(f"/v1/actions/{action}").json()["status"] == "canceled"


def test_errors_and_what_to_do_are_told_in_korean(enter: Enter, site: Site, anna: Person) -> None:
    items = [{"type": "generate", "seed": 1}]
    batch = anna.http.post("/v1/batches", json={"name": "harbor", "items": items}).json()["id"]
    (item,) = anna.http.get(f"/v1/batches/{batch}/items").json()["data"]
    site.worker.fail(site.worker.claim(item["id"]), AttemptsExhausted("no picture in 3 attempts"))
    job = anna.submit()
    site.worker.fail(site.worker.claim(job), CorruptImage.of_field("/content", "it ends early"))
    visit = enter(anna, "work", locale="ko-KR")
    page = visit.page
    expect(page.locator(f'[data-id="{job}"]')).to_contain_text("손상된 이미지입니다: it ends early")
    failure = page.locator('[data-code="attempts_exhausted"]')
    expect(failure).to_contain_text("예시를 확인하고 다시 시도하세요.")
    page.evaluate("location.hash = '#/gallery/job/job_none'")
    expect(page.locator(".notice.fault")).to_contain_text("해당 작업이 없습니다.")
    visit.allow("404")
