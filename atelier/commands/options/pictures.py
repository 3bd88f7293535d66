"""Pictures as arguments: a file here, which is uploaded, an address, or the output of a job."""

import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from atelier.client.client import Client
from atelier.client.files import OF_JOB

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """A picture that the service gets by itself: at a URL, or as the output of a job, `job:ID/NUMBER`."""

    url: str

    @property
    def stem(self) -> str:
        """The picture's name as a file's: the last part of the path without its ending, else the host.

        That of a job's output is the job's id, and the number of the output where it is not the first.
        """
        if OF_JOB.fullmatch(self.url):
            return self.url.partition(":")[2].removesuffix("/0").replace("/", "-")
        parts = urlsplit(self.url)
        return PurePosixPath(unquote(parts.path)).stem or parts.hostname or ""

    def __str__(self) -> str:
        return self.url


def address_in(text: str) -> Address | None:
    """Return the address that a text is, None where it is none; raise BadParameter where it has no host."""
    if OF_JOB.fullmatch(text):
        return Address(text)
    if not _ADDRESS.match(text):
        return None
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host:
        raise click.BadParameter(f"{text!r} is no address: it names no host")
    return Address(text)


class PictureArgument(click.Path):
    """A file that exists, an address that begins with http:// or https://, or a job's output, `job:ID`."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the Path or the Address; fail where there is no such file."""
        return (address_in(value) if isinstance(value, str) else None) or super().convert(value, param, ctx)


PICTURE = PictureArgument()


def sent(client: Client, picture: Path | Address, *, dry_run: bool = False) -> str:
    """Return what a request names a picture by: its address, or the id of the file that is uploaded now.

    For a dry run nothing is uploaded: the name is a data URL, which has all of the file.
    """
    if isinstance(picture, Address):
        return picture.url
    if dry_run:
        return f"data:application/octet-stream;base64,{b64encode(picture.read_bytes()).decode()}"
    return client.files.upload(picture)
