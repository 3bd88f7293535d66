"""Takes pictures of the page for the documentation, from an installation of its own.

Usage: python -m tests.web.screenshots [--output docs/images] [--all]
Without --all the pictures of the documentation alone; with it every panel: light, dark, phone, Korean.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from atelier.local.stack import RunningStack
from tests.web.conftest import CHROMIUM

PHOTO = Path("atelier/demo_pictures/photo.jpg")
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 900}}
LOOKS: dict[str, dict[str, Any]] = {
    "": DESK,
    "-dark": {**DESK, "color_scheme": "dark"},
    "-phone": PHONE,
    "-korean": {**DESK, "locale": "ko-KR"},
}


def paint(page: Any) -> None:
    """A photo and its preview, half uncovered."""
    page.locator("atelier-stage input[type=file]").first.set_input_files(PHOTO)
    page.locator(".style-tile").nth(1).click()
    page.wait_for_selector("[data-compared]")
    page.locator(".compare-slider").fill("45")
    page.evaluate("scrollTo(0, 0)")


def digits(page: Any) -> None:
    """Digits from seeds."""
    page.wait_for_selector("atelier-digits-sheet .digits-picture[src]")


def walk(page: Any) -> None:
    """The map and a place on it."""
    page.wait_for_selector("atelier-digits-walk .digits-picture[src]")


STATES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "page-paint": ("#/paint", paint),
    "page-digits": ("#/digits", digits),
    "page-walk": ("#/digits/walk", walk),
}
IN_THE_DOCS = ("page-paint", "page-walk")


@contextmanager
def opened(browser: Any, address: str, look: dict[str, Any]) -> Iterator[Any]:
    with browser.new_context(**look) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("main h1")
        yield page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    wanted = [(state, look) for state in STATES for look in LOOKS]
    if not arguments.all:
        wanted = [(state, "") for state in IN_THE_DOCS]
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningStack(Path(folder)) as stack,
        sync_playwright() as player,
    ):
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for state, look in wanted:
            address, prepare = STATES[state]
            with opened(browser, f"{stack.url}/{address}", LOOKS[look]) as page:
                prepare(page)
                page.screenshot(path=arguments.output / f"{state}{look}.jpg", type="jpeg", quality=80)
        browser.close()


if __name__ == "__main__":
    main()
