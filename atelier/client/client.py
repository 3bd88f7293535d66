"""The Python client: jobs in, pictures out, over HTTP. Synchronous, and safe to share between threads."""

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Self, Unpack

from atelier.client.batches import BatchesResource
from atelier.client.downloads import Picture
from atelier.client.errors import InvalidValue
from atelier.client.events import EventsResource, OnProgress
from atelier.client.files import FilesResource, Source, check_there
from atelier.client.job import Job
from atelier.client.jobs import JobsResource
from atelier.client.places.places import PlacesResource
from atelier.client.queue.actions import ActionsResource
from atelier.client.queue.deliveries import DeliveriesResource
from atelier.client.queue.pauses import PausesResource
from atelier.client.queue.workers import WorkersResource
from atelier.client.quota import Identity, Limits, Quota, read_identity, read_quota, write_quota
from atelier.client.recipes.stored import RecipesResource
from atelier.client.request_parts import Style
from atelier.client.requests import (
    GenerateOptions,
    GenerateRequest,
    Request,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
)
from atelier.client.stats import StatsResource
from atelier.client.styles import ModelsResource, StylesResource
from atelier.client.transport import Transport
from atelier.client.usage import Usage, read_usage

DEFAULT_URL = "http://127.0.0.1:8480"
URL_VARIABLE = "ATELIER_URL"
KEY_VARIABLE = "ATELIER_API_KEY"
MOST_KEY_BYTES = 4096  # of a file with a key
StyleSource = Source | int | Style  # a picture to upload, the number of a built-in style, or any style


class Client:
    """One Atelier, over HTTP: `jobs`, `batches`, `files`, `styles`, `recipes`, `models`, `workers` ...

    Every method may raise ApiError, ServiceUnreachable or ProtocolError. Without a base URL it is the one
    that the environment variable ATELIER_URL names, else DEFAULT_URL; raises InvalidAddress where it is none.
    `timeout_seconds` is for the response to one request, which is sent again up to `retries` times.

    `key` is the API key; without it, what the environment variable ATELIER_API_KEY holds, or the file that
    ATELIER_API_KEY_FILE names. `headers` go with every request. Both are sent to the service's own origin
    alone. `ca` is a file with the certificates of an authority to trust in place of the usual ones.
    Raises InvalidValue where one of these is of no use.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        ca: str | Path | None = None,
        timeout_seconds: float = 30.0,
        retries: int = 5,
    ) -> None:
        address = (os.environ.get(URL_VARIABLE) or DEFAULT_URL) if base_url is None else base_url
        self._transport = Transport(
            address,
            timeout_seconds=timeout_seconds,
            retries=retries,
            credentials=_credentials(key, headers or {}),
            ca=None if ca is None else str(ca),
        )
        self.base_url = self._transport.base_url
        self.files = FilesResource(self._transport)
        self.jobs = JobsResource(self._transport, self.files)
        self.batches = BatchesResource(self._transport)
        self.styles = StylesResource(self._transport, self.files)
        self.recipes = RecipesResource(self._transport)
        self.models = ModelsResource(self._transport)
        self.stats = StatsResource(self._transport)
        self.events = EventsResource(self._transport)
        self.pauses = PausesResource(self._transport)
        self.actions = ActionsResource(self._transport)
        self.workers = WorkersResource(self._transport)
        self.deliveries = DeliveriesResource(self._transport)
        self.places = PlacesResource(self._transport)

    def stylize(
        self,
        content: Source,
        style: StyleSource | Sequence[StyleSource],
        *,
        mask: Source | None = None,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[StylizeOptions],
    ) -> Picture:
        """Paint the content in the manner of the style, or of several; raise JobFailed or WaitTimeout.

        Several are mixed in equal parts; `Style` gives each its weight, and names stored styles. The options
        are the fields of StylizeRequest: strength, preserve_color, stroke, upsample, model, output ...
        """
        styles = _listed(style)
        check_there(content, mask, *styles)
        request = StylizeRequest(
            content=self.files.upload(content),
            styles=[self._style(source) for source in styles],
            mask=None if mask is None else self.files.upload(mask),
            **options,
        )
        return self._pictures_of(request, timeout_seconds, on_progress)[0]

    def _style(self, source: StyleSource) -> Style:
        if isinstance(source, Style):
            return source
        return Style(number=source) if isinstance(source, int) else Style(image=self.files.upload(source))

    def generate(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[GenerateOptions],
    ) -> tuple[Picture, ...]:
        """Make pictures from seeds, latents or a walk between them; raise JobFailed or WaitTimeout.

        The options are the fields of GenerateRequest: seed, count, seeds, latents, interpolate, digit,
        digits, truncation, grid, animation, upscale, model, output ...
        """
        return self._pictures_of(GenerateRequest(**options), timeout_seconds, on_progress)

    def transform(
        self,
        content: Source,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[TransformOptions],
    ) -> Picture:
        """Send the content through an image-to-image network; raise JobFailed or WaitTimeout.

        The options are the fields of TransformRequest: model, max_side, output ...
        """
        request = TransformRequest(content=self.files.upload(content), **options)
        return self._pictures_of(request, timeout_seconds, on_progress)[0]

    def _pictures_of(
        self, request: Request, timeout_seconds: float | None, on_progress: OnProgress | None
    ) -> tuple[Picture, ...]:
        job = self.jobs.create(request)
        done = self.jobs.wait(job, timeout_seconds=timeout_seconds, on_progress=on_progress)
        return self.jobs.pictures(done)

    def usage(
        self, *, since: date | None = None, until: date | None = None, owner: str | None = None
    ) -> tuple[Usage, ...]:
        """Return what jobs took, by day (UTC), owner, key and model: from `since` to `until`, both included.

        Without these, of 31 days until today. `owner` is another owner, or "*" for all, with an admin's key.
        """
        return tuple([entry for entry in read_usage(self._transport, since, until, owner)])

    def identity(self) -> Identity:
        """Return in whose name requests are made, and what they may do: those of this key, or without one."""
        return read_identity(self._transport)

    def quota(self, owner: str | None = None) -> Quota:
        """Return what you may have, and what you have; of another owner, with an admin's key."""
        return read_quota(self._transport, owner)

    def set_quota(self, owner: str, **limits: Unpack[Limits]) -> Quota:
        """Set what an owner may have, with an admin's key; what is left out is as the settings have it.

        A limit of 0 is none. `weight`, 1 to 100 and by default 1, is how many turns the owner has where one
        of weight 1 has one. Returns what then holds.
        """
        return write_quota(self._transport, owner, limits)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _credentials(key: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    text = _key_of_environment() if key is None else key.strip()
    return {**headers, **({"Authorization": f"Bearer {text}"} if text else {})}


def _key_of_environment() -> str:
    """Return the key that a variable holds or names a file of; "" without one. Raises InvalidValue."""
    text, path = (os.environ.get(name, "") for name in (KEY_VARIABLE, f"{KEY_VARIABLE}_FILE"))
    if text or not path:
        return text.strip()
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_KEY_BYTES).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{KEY_VARIABLE}_FILE: {path} holds no key: {error}") from error


def _listed(style: StyleSource | Sequence[StyleSource]) -> Sequence[StyleSource]:
    return [style] if isinstance(style, str | bytes | Path | int | Style | Job) else style
