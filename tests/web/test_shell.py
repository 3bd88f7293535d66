"""What stands around the panels, in a browser: sign-in, policy, weight, prefix, keyboard, many photos."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.routes.page.page import web_files
from shared.access.key import DEFAULT_SCOPES, Scope
from shared.access.store import KeyStore
from shared.redis.client import connect
from shared.redis.scripts import Scripts
from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.support.images import pictures
from tests.web.conftest import Visits

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow
PANELS = ("paint", "digits", "work", "gallery", "operator")
MOST_AT_FIRST = 125_000  # bytes as they are, not packed
MOST_OPENED = 200_000
SIZES = """() => performance.getEntries()
  .filter((entry) => entry.entryType === "navigation" || entry.name.includes("/web/"))
  .map((entry) => [new URL(entry.name).pathname.split("/").slice(3).join("/"), entry.decodedBodySize])"""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_loads_from_here_alone_and_what_is_seen_alone(
    visits: Visits, service: LoopbackGunicorn, language: str
) -> None:
    visit = visits(service.url, locale=language)
    expect(visit.page.locator(".style-tile").nth(1)).to_be_visible()
    assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(service.url).netloc}
    sizes = dict(visit.page.evaluate(SIZES))
    seen = {*web_files().modules("main.js", "parts/shell.js", "panels/paint/panel.js")}
    assert sizes.keys() - {"", "icon.svg"} == {
        *seen, "style.css", "panels/paint/style.css", f"words/{language}.json"
    }  # fmt: skip
    assert 50_000 < sum(sizes.values()) < MOST_AT_FIRST
    assert visit.layout_shift() < 0.02


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_panels_opened_are_light_and_nothing_jumps(
    visits: Visits, service: LoopbackGunicorn, language: str
) -> None:
    visit = visits(service.url, locale=language)
    for panel in PANELS:
        visit.page.locator(f'.tab[href="#/{panel}"]').click()
        expect(visit.page.locator(f"atelier-{panel} h1")).to_be_focused()
    sizes = dict(visit.page.evaluate(SIZES))
    assert len([path for path in sizes if path.endswith("style.css")]) == len(PANELS) + 1
    assert 100_000 < sum(sizes.values()) < MOST_OPENED
    assert visit.layout_shift() < 0.05


def test_an_inline_script_is_refused_by_the_policy(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    visit.page.evaluate("""() => {
        const script = document.createElement("script");
        const image = "<img src=x onerror='window.hacked = true'>";
        try { script.text = "window.hacked = true"; document.body.append(script); } catch {}
        try { document.body.insertAdjacentHTML("beforeend", image); } catch {}
    }""")
    assert visit.page.evaluate("window.hacked") is None
    assert visit.faults
    visit.allow("Content Security Policy|TrustedScript|TrustedHTML")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("panel", ["paint", "digits"])
def test_axe_finds_nothing(visits: Visits, service: LoopbackGunicorn, panel: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    visit = visits(f"{service.url}/#/{panel}", color_scheme=scheme, bypass_csp=True)
    results = axe.Axe().run(visit.page)
    assert results.violations_count == 0, results.generate_report()


def test_behind_a_prefix_every_request_goes_below_it(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    plain = re.compile(re.escape(service.url) + "/atelier/")

    def strip(route: Any) -> None:
        route.continue_(url=plain.sub(f"{service.url}/", route.request.url))

    visit.context.route(plain, strip)
    visit.requests.clear()
    visit.page.goto(f"{service.url}/atelier/")
    expect(visit.page.locator(".state")).to_have_text("Live")
    assert len(visit.requests) > 10
    assert [url for url in visit.requests if not plain.match(url)] == []


def test_with_the_keyboard_alone(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the panel")).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("main")).to_be_focused()
    visit.page.get_by_role("link", name="Digits").press("Enter")
    expect(visit.page.get_by_role("heading", name="Draw digits")).to_be_focused()
    expect(visit.page).to_have_title("Digits · Atelier")
    visit.page.go_back()
    expect(visit.page.get_by_role("heading", name="Paint a photo")).to_be_focused()


def test_three_hundred_photos_that_are_dropped_at_once_become_one_batch(
    visits: Visits, service: LoopbackGunicorn
) -> None:
    visit = visits(service.url)
    visit.drop([(f"photo {n}.png", pictures.png(16 + n % 20, 16 + n // 20)) for n in range(300)])
    expect(visit.page.locator(".stage-bar")).to_contain_text("300 photos")
    visit.page.locator(".style-tile").nth(1).click()
    visit.page.get_by_role("button", name="Paint 300 photos").click()
    expect(visit.page.locator(".paint-note[data-batch]")).to_contain_text("0 of 300 painted")
    (batch,) = service.http.get("/v1/batches").json()["data"]
    assert (batch["counts"]["queued"], batch["name"]) == (300, "300 photos")
    service.http.post(f"/v1/batches/{batch['id']}/cancel")
    expect(visit.page.locator(".paint-note")).to_contain_text("Done: 0 of 300")


def test_what_is_no_picture_is_left_out_with_a_sentence(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    visit.page.locator("atelier-stage input[type=file]").first.set_input_files(
        [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}]
    )
    expect(visit.page.get_by_role("status").filter(has_text="1 file is no picture")).to_be_visible()


def test_a_file_that_only_looks_like_a_picture_is_refused_in_words(
    visits: Visits, service: LoopbackGunicorn
) -> None:
    visit = visits(service.url)
    visit.drop([("broken.png", b"no picture at all")])
    visit.page.locator(".style-tile").nth(1).click()
    expect(visit.page.locator(".notice.fault").first).to_contain_text("not a picture that the service reads")
    visit.allow("415")


def test_a_photo_that_waits_for_a_worker_says_so(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    visit.drop([("small.png", pictures.png(24, 24))])
    visit.page.locator(".style-tile").nth(1).click()
    expect(visit.page.locator(".paint-note")).to_contain_text("no worker is running")


def test_a_bad_file_among_many_is_left_out_and_named(visits: Visits, service: LoopbackGunicorn) -> None:
    visit = visits(service.url)
    good = [(f"{n}.png", pictures.png(20, 20 + n)) for n in range(3)]
    visit.drop([*good, ("broken.png", b"no picture at all")])
    visit.page.locator(".style-tile").nth(1).click()
    visit.page.get_by_role("button", name="Paint 4 photos").click()
    expect(visit.page.locator(".notice.fault")).to_contain_text("broken.png was left out")
    expect(visit.page.locator(".paint-note[data-batch]")).to_contain_text("0 of 3 painted")
    visit.allow("415")


class TestWithKeys:
    """Last in this module: from the first key on, nothing is answered without one."""

    @pytest.fixture
    def keys(self, service: LoopbackGunicorn, module_server: Any) -> Any:
        with connect(module_server.url) as client:
            yield KeyStore(Scripts(client))

    def sign_in(self, visit: Any, key: object, *, remember: bool = False) -> None:
        visit.page.get_by_label("API key").fill(str(key))
        visit.page.get_by_label("Remember it").set_checked(remember)
        visit.page.get_by_role("button", name="Sign in").click()

    def test_nothing_is_before_the_key_and_a_wrong_one_is_refused(
        self, visits: Visits, service: LoopbackGunicorn, keys: KeyStore
    ) -> None:
        key = keys.create("anna", owner="anna", scopes=DEFAULT_SCOPES)[1]
        visit = visits(service.url)
        assert visit.page.locator("main *:is(input, button, a)").count() == 3
        self.sign_in(visit, "atl_0123456789abcdef_" + "0" * 64)
        expect(visit.page.get_by_role("alert")).to_contain_text("This key is not valid")
        visit.allow("401")
        self.sign_in(visit, key)
        expect(visit.page.locator(".foot")).to_contain_text("Signed in as anna")
        expect(visit.page.locator(".state")).to_have_text("Live")

    def test_a_key_is_kept_for_the_tab_unless_asked(
        self, visits: Visits, service: LoopbackGunicorn, keys: KeyStore
    ) -> None:
        key = keys.create("bert", owner="bert", scopes=DEFAULT_SCOPES)[1]
        visit = visits(service.url)
        self.sign_in(visit, key)
        expect(visit.page.locator(".tabs")).to_be_visible()
        visit.page.reload()
        expect(visit.page.locator(".tabs")).to_be_visible()
        expect(visit.tab().get_by_label("API key")).to_be_visible()
        visit.page.get_by_role("button", name="Sign out").click()
        self.sign_in(visit, key, remember=True)
        expect(visit.page.locator(".tabs")).to_be_visible()
        expect(visit.tab().locator(".tabs")).to_be_visible()

    def test_a_revoked_key_leads_back_to_the_field_with_a_sentence(
        self, visits: Visits, service: LoopbackGunicorn, keys: KeyStore
    ) -> None:
        record, key = keys.create("carl", owner="carl", scopes=DEFAULT_SCOPES)
        visit = visits(service.url)
        self.sign_in(visit, key)
        expect(visit.page.locator(".state")).to_have_text("Live")
        keys.revoke(record.id)
        expect(visit.page.get_by_role("alert")).to_contain_text("was revoked or has expired")
        assert visit.page.locator(".tabs").count() == 0
        visit.allow("401|ERR_INCOMPLETE")  # the stream breaks off with its key

    def test_a_key_that_only_reads_sees_no_panel_that_submits(
        self, visits: Visits, service: LoopbackGunicorn, keys: KeyStore
    ) -> None:
        key = keys.create("dora", owner="dora", scopes=frozenset({Scope.READ}))[1]
        visit = visits(service.url)
        self.sign_in(visit, key)
        expect(visit.page.locator(".state")).to_have_text("Live")
        assert visit.page.get_by_role("link", name="Paint").count() == 0
