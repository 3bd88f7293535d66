"""`atelier demo`: show everything at work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from atelier.commands.options.destination import OutputFolder
from atelier.demo import Demo
from atelier.display.plain import echo
from shared.settings import Settings

OUTPUT = Path("demo-output")
FILES = ("digits.png", "content.jpg", "style.png", "stylized.png")


@click.command(short_help="Show everything at work, in half a minute.")
@click.option(
    "--output",
    type=OutputFolder(),
    default=OUTPUT,
    show_default=True,
    help="Leave the pictures in this folder.",
)
def demo(*, output: Path) -> None:
    """Start everything, make digits and a stylized photo over the HTTP API, and stop.

    Needs no network. The job store and pictures of the demo stay in the folder `demo` of the state folder.
    """
    settings = Settings.from_env()
    console = Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(title: str) -> Iterator[None]:
        began = time.monotonic()
        with console.status(f"{title} ..."):
            yield
        console.print(f"{title:<48} {time.monotonic() - began:6.1f} s")

    Demo(output, settings.state_dir / "demo", models=settings.models, step=step).run()
    echo("", f"look at {', '.join(str(output / name) for name in FILES)}", "go on with `atelier up`")
