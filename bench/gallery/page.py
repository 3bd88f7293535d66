"""Takes the README's picture of the page: a real photo, painted by a real service, in a real browser.

Usage: python -m bench.gallery.page docs/images/page.webp
It needs playwright, and Chromium as CHROMIUM or on the path.
"""

import argparse
import io
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from skimage import data

from atelier.local.stack import RunningStack
from bench.gallery.sheets import encoded

SIZE = {"width": 1280, "height": 860}  # pixels
STYLE = 2  # of those drawn on the page, from 0
WAIT_MILLISECONDS = 120_000
QUALITY = 82
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]  # containers have neither


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "needs a browser: apt-get install chromium, or CHROMIUM=/path/to/one"
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with (
        tempfile.TemporaryDirectory() as state,
        RunningStack(Path(state)) as stack,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE, locale="en-US", device_scale_factor=1.5)
        page.goto(stack.url)
        paint(page)
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(output, quality=QUALITY, method=6)
        browser.close()
    print(f"{output}: {output.stat().st_size / 1000:.0f} kB")


def paint(page: Page) -> None:
    """Bring a photo, choose a style, and paint it in full size: three clicks, as a person does."""
    photo = encoded(Image.fromarray(data.chelsea()), "JPEG", quality=92)
    files = [{"name": "chelsea.jpg", "mimeType": "image/jpeg", "buffer": photo}]
    page.locator("atelier-stage input[type=file]").first.set_input_files(files)
    page.locator(".style-tile").nth(STYLE).click()
    expect(page.locator("[data-compared]")).to_be_visible()
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator(".paint-note")).to_contain_text("full size")
    page.wait_for_function("() => [...document.images].every(picture => picture.complete)")
    compare(page)


def compare(page: Page) -> None:
    """Drag the line between photo and painting to the middle."""
    box = page.locator("[data-compared]").bounding_box()
    assert box is not None, "it was seen before"
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=8)
    page.mouse.up()


if __name__ == "__main__":
    main()
