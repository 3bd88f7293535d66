"""`atelier demo`: the whole service at work on one machine, from nothing to pictures, over its HTTP API."""

import importlib.util
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
from PIL import Image

from atelier.client.client import Client
from atelier.client.downloads import Picture, write_whole
from atelier.client.request_parts import Encoding, Grid
from atelier.client.requests import GenerateRequest
from atelier.commands.options.destination import OutputFolder
from atelier.display import echo
from atelier.display.progress_bar import stdout_console
from atelier.local.stack import RunningStack
from shared.settings import Settings

OUTPUT = Path("demo-output")
FILES = ("digits.png", "content.jpg", "style.png", "stylized.png")
DIGITS = range(10)
SEEDS = range(12)  # of each digit; a column each
SCALE = 3  # a digit is 28 pixels wide
PHOTO = "coffee.png"  # of scikit-image, where that is installed
PICTURES = Path(__file__).parents[1] / "demo_pictures"
OWN_PHOTO = PICTURES / "photo.jpg"  # a lake in the evening, where scikit-image is not installed
OWN_STYLE = PICTURES / "style.png"  # a night of swirls

Step = Callable[[str], AbstractContextManager[None]]  # shows what is done while the block runs


class Demo:
    """One run: pictures go to `output`, everything else stays in `state`."""

    def __init__(self, output: Path, state: Path, *, models: Path, step: Step) -> None:
        self._output = output
        self._stack = RunningStack(state, environ={"ATELIER_MODELS_DIR": str(models)})
        self._step = step

    def run(self) -> None:
        """Copy the inputs, start, generate, stylize, stop. Raises StackFailed, ApiError or JobFailed."""
        with self._step("draw a photo and a painting"):
            content = self._save("content.jpg", photo_file())
            style = self._save("style.png", OWN_STYLE.read_bytes())
        try:
            with self._step("start the job store, the API and two workers"):
                self._stack.start()
            with self._stack.client() as client:
                self._work(client, content, style)
        finally:
            with self._step("stop everything"):
                self._stack.stop()

    def _work(self, client: Client, content: Path, style: Path) -> None:
        with self._step(f"generate {len(DIGITS) * len(SEEDS)} digits in {len(DIGITS)} jobs"):
            self._save("digits.png", _encode(stack_rows(_generate(client))))
        with self._step("stylize the photo"):
            picture = client.stylize(content, style, output=Encoding(format="png"))
            self._save("stylized.png", picture.data)

    def _save(self, name: str, data: bytes) -> Path:
        return write_whole(self._output / name, data)


def _generate(client: Client) -> list[Picture]:
    """Submit a job for each digit at once, and return its row of pictures."""
    jobs = [client.jobs.create(_row(digit)) for digit in DIGITS]
    return [client.jobs.pictures(client.jobs.wait(job))[0] for job in jobs]


def _row(digit: int) -> GenerateRequest:
    return GenerateRequest(digit=digit, seeds=SEEDS, grid=Grid(columns=len(SEEDS), gap=2))


def stack_rows(rows: Sequence[Picture]) -> Image.Image:
    """Return the pictures one below the other, enlarged so that their pixels can be seen."""
    images = [Image.open(io.BytesIO(row.data)).convert("L") for row in rows]
    width, height = images[0].size
    sheet = Image.new("L", (width, height * len(images)))
    for number, image in enumerate(images):
        sheet.paste(image, (0, number * height))
    return sheet.resize((sheet.width * SCALE, sheet.height * SCALE), Image.Resampling.NEAREST)


def photo_file() -> bytes:
    """Return a JPEG of the photo of an installed scikit-image, else the project's own."""
    photo = find_photo()
    return _encode(photo, "JPEG") if photo else OWN_PHOTO.read_bytes()


def find_photo() -> Image.Image | None:
    """Return a photo of an installed scikit-image, None where there is none."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "data" / PHOTO
    return Image.open(path).convert("RGB") if path.is_file() else None


def _encode(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **({"quality": 92} if form == "JPEG" else {}))
    return buffer.getvalue()


@click.command(short_help="Show everything at work, in half a minute.")
@click.option(
    "-o",
    "--output",
    type=OutputFolder(),
    default=OUTPUT,
    show_default=True,
    help="Leave the pictures in this folder.",
)
def demo(*, output: Path) -> None:
    """Start everything, make digits and a stylized photo over the HTTP API, and stop.

    Needs no network. The job store and pictures of the demo stay in the folder `demo` of the state folder.

    \b
    atelier demo
    atelier demo -o pictures/
    """
    settings = Settings.from_env()
    console = stdout_console()

    @contextmanager
    def step(title: str) -> Iterator[None]:
        began = time.monotonic()
        with console.status(f"{title} ..."):
            yield
        console.print(f"{title:<48} {time.monotonic() - began:6.1f} s")

    Demo(output, settings.state_dir / "demo", models=settings.models, step=step).run()
    echo("", f"look at {', '.join(str(output / name) for name in FILES)}", "go on with `atelier up`")
