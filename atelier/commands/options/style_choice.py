"""Which style a --style names: a picture here, a stored style or a built-in one; checked before uploads."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from atelier.client.client import Client
from atelier.client.files import is_file_id
from atelier.client.request_parts import Style
from atelier.commands.options.painting import Option
from atelier.commands.options.parameters import complete_files
from atelier.commands.options.pictures import Address, address_in
from atelier.folder_batch.scan import is_called_picture
from shared.specs.parts import STYLE_NAME

OPTION = "--style"


def read_style_or_address(text: str) -> Path | Style | Address:
    """Return an address, else what `read_style` returns."""
    return address_in(text) or read_style(text)


def style_option(text: str) -> Option:
    """Return --style, which may be given several times, with this help."""
    return click.option(
        "--style",
        "styles",
        type=read_style_or_address,
        metavar="FILE|URL|NAME|NUMBER",
        multiple=True,
        shell_complete=complete_files,
        help=text,
    )


def read_style(text: str) -> Path | Style:
    """Return a file that is there, else what the service may know by this number, id or name."""
    if Path(text).is_file():
        return Path(text)
    if text.isascii() and text.isdigit():
        return Style(number=int(text))
    if is_file_id(text):
        return Style(image=text)
    if not re.fullmatch(STYLE_NAME, text):
        raise click.BadParameter(f"{_no_file(text)}, and no style can have this name{_near(text, ())}")
    return Style(name=text)


def check_styles(
    client: Client, choices: Iterable[Path | Style | Address], model: str | None, numbers: Sequence[int] = ()
) -> None:
    """Raise BadParameter for styles that are neither files here nor known to the service.

    `numbers` are further built-in styles of the model, None for the service's own one.
    """
    known = [choice for choice in choices if isinstance(choice, Style)]
    _check_names(client, [style.name for style in known if style.name])
    given = (style.number for style in known if style.number is not None)
    _check_numbers(client, model, [*given, *numbers])
    for style in known:
        if style.image:
            client.files.expires_at(style.image)


def _check_names(client: Client, names: Sequence[str]) -> None:
    stored = {style.name for style in client.styles.list().stored} if names else set()
    faults = [
        f"{_no_file(name)}, and there is no style {name}{_near(name, stored)}"
        for name in dict.fromkeys(names)
        if name not in stored
    ]
    if faults:
        raise click.BadParameter("; ".join(faults), param_hint=OPTION)


def _check_numbers(client: Client, model: str | None, numbers: Sequence[int]) -> None:
    if not numbers:
        return
    name = model or _default_model(client)
    counts = {entry.model: len(entry.names) for entry in client.styles.list().builtin}
    if name not in counts:
        others = ", ".join(f"{other} has 0 to {count - 1}" for other, count in counts.items())
        reason = f"{name or 'this model'} has no built-in styles to name by number; --model {others}"
        raise click.BadParameter(reason, param_hint=OPTION)
    unknown = [str(number) for number in dict.fromkeys(numbers) if number >= counts[name]]
    if unknown:
        reason = f"{name} has the built-in styles 0 to {counts[name] - 1}, not {', '.join(unknown)}"
        raise click.BadParameter(reason, param_hint=OPTION)


def _default_model(client: Client) -> str:
    models = (model for model in client.models.list() if model.type == "stylize" and model.raw.get("default"))
    return next((model.name for model in models), "")


def _no_file(text: str) -> str:
    return f"{text!r} is a folder" if Path(text).is_dir() else f"there is no file {text!r} here"


def _near(text: str, stored: Iterable[str]) -> str:
    """Return the question whether a stored style or a picture nearby is meant; "" where none is near."""
    folder = Path(text).parent
    files = (str(folder / entry.name) for entry in _entries(folder) if is_called_picture(entry.name))
    by_lower = {name.lower(): name for name in (*files, *stored)}
    found = [by_lower[name] for name in get_close_matches(text.lower(), by_lower)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
