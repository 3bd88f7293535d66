"""One person's browser on the page, and what it complains of."""

import base64
import re
from collections.abc import Sequence
from typing import Any

_DROP = """([target, files]) => {
  const transfer = new DataTransfer();
  for (const [name, type, text] of files)
    transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type }));
  const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector(target).dispatchEvent(drop);
}"""
_SLIDE = """(input, value) => {
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}"""


class Visit:
    """A context of the browser with one page."""

    def __init__(self, context: Any, url: str) -> None:
        self.context = context
        self.url = url
        self._heard: list[str] = []
        self._allowed: list[str] = []
        self.requests: list[str] = []
        self.page = self.tab()

    @property
    def faults(self) -> list[str]:
        """What the console has shown and was not allowed."""
        return [text for text in self._heard if not any(re.search(each, text) for each in self._allowed)]

    def tab(self) -> Any:
        """Return a further page of the same person, at the start."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.url)
        page.wait_for_selector("h1")
        return page

    def allow(self, pattern: str) -> None:
        """Let faults pass that match, those that are still to come too: what a test causes itself."""
        self._allowed.append(pattern)

    def _hear(self, message: Any) -> None:
        if not message.location["url"].endswith("/cancel"):  # of a preview that has just ended: a 409
            self._note(message.type, message.text)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self._heard.append(f"{kind}: {text}")

    def drop(self, files: Sequence[tuple[str, bytes]], target: str = "atelier-stage") -> None:
        """Drop PNG files on an element, all at once."""
        named = [[name, "image/png", base64.b64encode(data).decode()] for name, data in files]
        self.page.evaluate(_DROP, [target, named])

    def slide(self, selector: str, value: float) -> None:
        """Move a slider and let it go."""
        self.page.locator(selector).evaluate(_SLIDE, value)

    def layout_shift(self) -> float:
        """Return how much of the page has moved by itself since it was opened (Chromium's measure)."""
        script = """() => new Promise((tell) => new PerformanceObserver((list) => tell(list.getEntries()
          .filter((entry) => !entry.hadRecentInput).reduce((sum, entry) => sum + entry.value, 0)))
          .observe({ type: "layout-shift", buffered: true }) ?? setTimeout(() => tell(0), 500))"""
        shift: float = self.page.evaluate(script)
        return shift
