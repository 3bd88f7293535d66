"""Takes pictures of the panels Work, Gallery and Operator, of recipes, and of signing in and being offline.

Usage: python -m tests.web.panels.screenshots [--output docs/images/page] [--all] [--only NAME]
Without --all the pictures of the documentation alone; with it every state: light, dark, phone, Korean, empty,
offline, signing in. Korean needs a font of the machine. Paint and Digits are in tests/web/screenshots.py.
"""

import argparse
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from shared.access.key import Scope
from tests.web.panels.scenes import Scene, painted, with_recipe
from tests.web.panels.site import running_site

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
QUALITY = 70
OPEN = "open"  # in the place of a key, where the service needs none
SETTLE_MILLISECONDS = 2500  # for pictures that are loaded when they are seen, and the first points of plots
SUBMIT = """async (count) => {
  const key = sessionStorage.getItem("atelier.key");
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  for (let seed = 0; seed < count; seed += 1)
    await fetch("v1/jobs", { method: "POST", headers, body: JSON.stringify({ type: "generate", seed }) });
}"""
IN_THE_DOCS = (
    "sign-in", "work", "work-batch", "work-dark", "work-phone", "work-korean", "gallery", "gallery-result",
    "operator", "operator-dark", "paint-enlarge",
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One picture: whose page, at which address, what is done there, and how the browser is."""

    name: str
    who: str = "anna"
    at: str = ""
    steps: Callable[[Page], Any] = lambda page: None
    state: str = "live"  # of the connection, as the page tells it
    options: dict[str, Any] = field(default_factory=dict)


def variants(name: str, at: str, **more: Any) -> Iterator[Shot]:
    """Yield a state in light and dark, on a phone, and in Korean."""
    yield Shot(name, at=at, **more)
    yield Shot(f"{name}-dark", at=at, options={"color_scheme": "dark"}, **more)
    yield Shot(f"{name}-phone", at=at, options={"viewport": PHONE}, **more)
    yield Shot(f"{name}-korean", at=at, options={"locale": "ko-KR"}, **more)


def open_result(page: Page) -> None:
    page.locator(".tile").nth(1).click()
    page.locator("dialog.result").wait_for()


def bring(page: Page, data: bytes) -> None:
    photo = {"name": "harbor.png", "mimeType": "image/png", "buffer": data}
    page.locator("atelier-stage input[type=file]").first.set_input_files(photo)  # type: ignore[arg-type]
    page.locator(".compare-before").wait_for()


def enlarge(page: Page) -> None:
    bring(page, painted(-1))
    page.get_by_label(re.compile("What to do|할 일")).select_option("enlarge-x2")
    page.locator("atelier-paint-settings summary").click()


def bring_painted(page: Page) -> None:
    bring(page, with_recipe({"type": "stylize", "model": "magenta-mobile@1", "styles": []}))
    page.locator(".stage-bar button").first.wait_for()


def open_recipes(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Recipes|레시피")).click()
    page.locator("dialog.ask").wait_for()


def ask_for_pause(page: Page) -> None:
    page.locator("#operator-pauses [data-act=pause]").click()
    page.locator("dialog.ask").wait_for()


def ask_to_delete(page: Page) -> None:
    open_result(page)
    page.locator("dialog.result [data-act=unpin], dialog.result [data-act=pin]").wait_for()
    page.locator("dialog.result [data-act=delete]").click()


def search_for_nothing(page: Page) -> None:
    page.get_by_label("Metadata").fill("album=winter")
    page.get_by_text("No result is like that").wait_for()


def open_sheet(page: Page) -> None:
    page.locator("atelier-batch summary").click()


def wait_for_plots(page: Page) -> None:
    for count in (2, 0, 3, 1, 0, 4, 1):
        page.evaluate(SUBMIT, count)
        page.wait_for_timeout(3000)  # a point comes every three seconds


def to_the_end(page: Page) -> None:
    page.locator("#operator-pauses").scroll_into_view_if_needed()


def shots(batch: str) -> list[Shot]:
    """Return all pictures that are taken."""
    return [
        Shot("sign-in", who=""),
        Shot("sign-in-dark", who="", options={"color_scheme": "dark"}),
        Shot("sign-in-phone", who="", options={"viewport": PHONE}),
        Shot("sign-in-korean", who="", options={"locale": "ko-KR"}),
        *variants("work", "work"),
        Shot("work-empty", who="new", at="work"),
        Shot("work-batch", at=f"work/{batch}", steps=open_sheet),
        Shot("work-offline", at="work", state="offline"),
        *variants("gallery", "gallery"),
        Shot("gallery-empty", who="new", at="gallery"),
        Shot("gallery-none-found", at="gallery", steps=search_for_nothing),
        *variants("gallery-result", "gallery", steps=open_result),
        Shot("gallery-delete", at="gallery", steps=ask_to_delete),
        *variants("paint-enlarge", "paint", steps=enlarge),
        *variants("paint-recipes", "paint", steps=open_recipes),
        *variants("paint-carried", "paint", steps=bring_painted),
        *variants("operator", "operator", who="root", steps=wait_for_plots),
        Shot("operator-pauses", who="root", at="operator", steps=to_the_end),
        Shot("operator-pause", who="root", at="operator", steps=ask_for_pause),
    ]


def asked_for(text: str | None) -> argparse.Namespace:
    """Read which pictures are asked for, and make the folder of the output; `text` is the help."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/images/page"))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="", help="those whose names begin with this")
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    return asked


def main() -> None:
    """Fill a service and take the pictures that are asked for."""
    asked = asked_for(__doc__)
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as site, chromium() as browser:
        keys = {"anna": site.person("anna"), "new": site.person("new")}
        keys["root"] = site.person("root", frozenset({Scope.ADMIN}))
        scene = Scene(site, keys["anna"])
        scene.results()
        batch = scene.batches()[0]
        scene.at_work()
        scene.recipes()
        _operate(keys["root"].http)
        for shot in shots(batch):
            if shot.name.startswith(asked.only) and (asked.all or shot.name in IN_THE_DOCS):
                key = keys[shot.who].key if shot.who else ""
                take(browser, site.url, shot, key, asked.output / f"{shot.name}.webp")


def _operate(http: Any) -> None:
    http.post("/v1/pauses", json={"lane": "bulk", "reason": "people work here by day", "for_seconds": 7200})
    http.post("/v1/workers/studio-2/cordon", json={"reason": "new disk"})


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser while the block runs."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("this needs a browser: apt-get install chromium, or CHROMIUM=/path/to/one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )


def take(browser: Browser, url: str, shot: Shot, key: str, path: Path) -> None:
    """Take one picture of the service at `url`; without a key, of the field for one."""
    context = browser.new_context(
        **{"viewport": DESK, "locale": "en-US", "reduced_motion": "reduce", **shot.options}
    )
    context.set_default_timeout(60_000)
    if key and key != OPEN:
        context.add_init_script(f"sessionStorage.setItem('atelier.key', '{key}')")
    if shot.state == "offline":
        context.route("**/v1/events", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{url}/#/{shot.at}")
    page.locator(f".state[data-state={shot.state}]" if key else "#key").wait_for()
    page.locator("main [aria-busy]").first.wait_for(state="detached")
    shot.steps(page)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(path, "WEBP", quality=QUALITY, method=6)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    context.close()


if __name__ == "__main__":
    main()
