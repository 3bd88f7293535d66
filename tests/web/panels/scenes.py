"""A service with something of everything on it: for screenshots, and for a look by hand."""

import io
import json
import time
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from shared.errors import AttemptsExhausted, CorruptImage
from shared.jobs.status import Status
from tests.web.panels.site import Person, Site

IMAGES = Path("docs/images")
CELL = (248, 188)  # pixels from one style of the sheet to the next
PICTURE = (240, 160)
GONE_ON = 0.62  # how far the job that is shown at work has come


def painted(number: int) -> bytes:
    """Return one of the 26 built-in styles' pictures."""
    row, column = divmod(number + 1, 6)  # the first cell is the drawing itself
    left, top = 8 + column * CELL[0], 8 + row * CELL[1]
    with Image.open(IMAGES / "styles-26.jpg") as sheet:
        return _png(sheet.crop((left, top, left + PICTURE[0], top + PICTURE[1])))


def digits(number: int) -> bytes:
    """Return some drawn digits."""
    with Image.open(IMAGES / "digits.png") as sheet:
        width, height = sheet.size
        top = (number % 3) * height // 4
        return _png(sheet.crop((0, top, width, top + height // 4)))


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def with_recipe(recipe: dict[str, Any]) -> bytes:
    """Return a picture that says how it was made."""
    text = PngInfo()
    text.add_itxt("atelier:recipe", json.dumps({"atelier": 1, **recipe}, separators=(",", ":")))
    data = io.BytesIO()
    with Image.open(io.BytesIO(painted(19))) as picture:
        picture.save(data, "PNG", pnginfo=text)
    return data.getvalue()


def upload(person: Person, data: bytes) -> str:
    """Upload a picture and return its file's id."""
    return str(person.http.post("/v1/files", files={"file": ("a.png", data)}).json()["id"])


class Scene:
    """Fills one person's service."""

    def __init__(self, site: Site, person: Person) -> None:
        self._site = site
        self._person = person
        self._photo = upload(person, painted(-1))
        for name, number in (("waves", 5), ("night", 19), ("linen", 18)):
            body = {"name": name, "image": upload(person, painted(number))}
            person.http.post("/v1/styles", json=body)

    def stylize(self, style: str = "waves", **more: Any) -> str:
        """Submit a painting and return its id."""
        return self._person.submit(type="stylize", content=self._photo, styles=[{"name": style}], **more)

    def results(self, count: int = 22) -> None:
        """Have many results, of both kinds."""
        names = ("waves", "night", "linen")
        for number in range(count):
            is_drawn = number % 5 == 4
            job = self._person.submit(seed=number, count=1) if is_drawn else self.stylize(names[number % 3])
            claimed = self._site.worker.claim(job)
            self._site.worker.paint(claimed, digits(number) if is_drawn else painted(number % 26))
        newest = self._person.http.get("/v1/jobs?limit=1").json()["data"][0]["id"]
        self._person.http.post(f"/v1/jobs/{newest}/pin")

    def at_work(self) -> None:
        """Have something run with a preview, wait for several reasons, fail and be canceled."""
        worker = self._site.worker
        worker.fail(
            worker.claim(self.stylize("linen")), CorruptImage.of_field("/content", "content ends early")
        )
        canceled = self._person.submit(seed=3, digit=3, count=8)
        self._person.http.post(f"/v1/jobs/{canceled}/cancel")
        optimize = {"steps": 200, "preview_every": 20}
        running = worker.claim(self.stylize("night", model="nst-gatys", optimize=optimize))
        worker.show(running, int(200 * GONE_ON), 200, data=painted(19))
        worker.report(worker.claim(self.stylize("waves")), 0.3)
        self._person.submit(seed=1, count=16, digit=7)
        self.stylize("waves", strength=0.7)
        self._person.submit(seed=5, digits="2026", lane="bulk")
        later = time.strftime("%Y-%m-%dT23:59:00Z", time.gmtime(time.time() + 86_400))
        self._person.submit(seed=9, lane="bulk", not_before=later)

    def recipes(self) -> None:
        """Have two recipes."""
        for name, style in (("print-a3", "waves"), ("calm", "linen")):
            settings = {"type": "stylize", "styles": [{"name": style}], "strength": 0.7}
            self._person.http.post("/v1/recipes", json={"name": name, "settings": settings})

    def batches(self) -> list[str]:
        """Have a batch at work in which some failed, one whose sample is made, and one that is done."""
        running = self._batch("harbor, 40 photos", 40)
        self._carry_out(running, 18, failing=(4, 11))
        sampled = self._batch("digits for the wall", 60, sample=6)
        self._carry_out(sampled, 6)
        done = self._batch("postcards", 9)
        self._carry_out(done, 9)
        return [running, sampled, done]

    def _batch(self, name: str, count: int, **settings: Any) -> str:
        items = [
            {"type": "generate", "seed": seed, "custom_id": f"{name.split(',')[0]}-{seed}"}
            for seed in range(count)
        ]
        body = {"name": name, "items": items, **settings}
        return str(self._person.http.post("/v1/batches", json=body).json()["id"])

    def _carry_out(self, batch: str, count: int, failing: tuple[int, ...] = ()) -> None:
        worker = self._site.worker
        items = self._person.http.get(
            f"/v1/batches/{batch}/items?status={Status.QUEUED}&limit={count}"
        ).json()
        for item in items["data"]:
            job = worker.claim(item["id"])
            if item["index"] in failing:
                worker.fail(job, AttemptsExhausted("the network gave no picture in 3 attempts"))
            else:
                worker.paint(job, painted(item["index"] % 26))
