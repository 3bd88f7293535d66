"""Takes pictures of the panels Paint and Digits in all their states, by a service that paints.

Usage: python -m tests.web.screenshots [--output docs/images/page] [--all] [--only NAME]
Without --all the pictures of the documentation alone; with it every state: light, dark, phone and Korean,
which needs a font of the machine. The other panels are in tests/web/panels/screenshots.py.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from atelier.local.stack import RunningStack
from tests.support.images import pictures
from tests.web.panels.screenshots import OPEN, Shot, asked_for, chromium, take, variants

IN_THE_DOCS = ("paint", "digits")
WAIT_MILLISECONDS = 120_000


def bring(page: Page, *photos: tuple[str, bytes]) -> None:
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in photos]
    page.locator("atelier-stage input[type=file]").first.set_input_files(files)  # type: ignore[arg-type]


def bring_one(page: Page) -> None:
    bring(page, ("sea.jpg", pictures.photo(900, 600, "jpeg")))


def choose(page: Page) -> None:
    bring_one(page)
    page.locator(".style-tile").nth(2).click()
    expect(page.locator("[data-compared]")).to_be_visible()


def paint(page: Page) -> None:
    choose(page)
    page.locator(".paint-button").click()
    expect(page.locator(".paint-actions a[download]")).to_be_visible()


def bring_many(page: Page) -> None:
    good = [(f"{number}.jpg", pictures.photo(300 + number, 200, "jpeg")) for number in range(6)]
    bring(page, *good, ("broken.jpg", b"no picture"))


def show_code(page: Page) -> None:
    choose(page)
    page.locator("atelier-code summary").click()


def wait_for_digits(page: Page) -> None:
    expect(page.locator("main > :not([hidden]) img").first).to_be_visible()


SHOTS = [
    *variants("paint-empty", "paint"),
    *variants("paint-photo", "paint", steps=bring_one),
    *variants("paint-preview", "paint", steps=choose),
    *variants("paint", "paint", steps=paint),
    *variants("paint-many", "paint", steps=bring_many),
    Shot("paint-code", at="paint", steps=show_code),
    *variants("digits", "digits", steps=wait_for_digits),
    *variants("digits-between", "digits/between", steps=wait_for_digits),
    *variants("digits-walk", "digits/walk", steps=wait_for_digits),
]


def main() -> None:
    """Run a service and take the pictures that are asked for."""
    asked = asked_for(__doc__)
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder)) as stack, chromium() as browser:
        for shot in SHOTS:
            if shot.name.startswith(asked.only) and (asked.all or shot.name in IN_THE_DOCS):
                take(browser, stack.url, shot, OPEN, asked.output / f"{shot.name}.webp")


if __name__ == "__main__":
    main()
