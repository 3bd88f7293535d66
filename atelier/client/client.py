"""The Python client: jobs in, pictures out, over HTTP. Synchronous, and safe to share between threads."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Unpack
from urllib.parse import quote

from atelier.client.batches import BatchClient
from atelier.client.errors import ApiError, reading
from atelier.client.jobs import DEFAULT_URL, PAGE_SIZE
from atelier.client.pictures import Picture, Source, check_there, is_file_id, read_source
from atelier.client.polling import OnProgress
from atelier.client.requests import (
    GenerateOptions,
    GenerateRequest,
    Request,
    Style,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
)
from atelier.client.resources import (
    Limits,
    Model,
    StoredStyle,
    Styles,
    limits_from_json,
    model_from_json,
    style_from_json,
    styles_from_json,
)
from atelier.client.transport import json_of

__all__ = ["DEFAULT_URL", "Client"]

HTTP_NOT_FOUND = 404
StyleSource = Source | int | Style  # a picture of one's own, the number of a built-in style, or any style


class Client(BatchClient):
    """One Atelier, over HTTP. Every method may raise ApiError, ServiceUnreachable or ProtocolError."""

    def upload(self, source: Source) -> str:
        """Upload a picture, once however often it is sent, and return its file id. Ids pass through."""
        if is_file_id(source):
            return str(source)
        try:
            picture = read_source(source, lambda: self._most_bytes)
            answer = self._transport.send("POST", "/v1/files", files={"file": picture})
        except ApiError as error:
            path = str(source) if isinstance(source, str | Path) else ""
            raise ApiError(error.problem, status=error.status, subject=path) from error
        found = json_of(answer)
        with reading("a file"):
            return str(found["id"])

    def limits(self) -> Limits | None:
        """Return what the service takes of a picture; None where it is an older one, which does not say."""
        try:
            return limits_from_json(json_of(self._transport.send("GET", "/v1/limits")))
        except ApiError as error:
            if error.status == HTTP_NOT_FOUND:
                return None
            raise

    @cached_property
    def _most_bytes(self) -> int | None:
        limits = self.limits()
        return limits.max_bytes if limits else None

    def file_expiry(self, file: str) -> datetime | None:
        """Return until when the service has a file, None while something needs it; ApiError (404) without."""
        found = json_of(self._transport.send("GET", f"/v1/files/{quote(file, safe='')}"))
        with reading("a file"):
            until = found["expires_at"]
            return datetime.fromisoformat(until) if until else None

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
        """Paint the content in the manner of the style, or of several; raise JobFailed.

        Several are mixed in equal parts; `Style` gives each its weight, and names stored styles. The options
        are the fields of StylizeRequest: strength, preserve_color, stroke, max_side, model, output ...
        """
        styles = _listed(style)
        check_there(content, mask, *styles)
        request = StylizeRequest(
            content=self.upload(content),
            styles=[self._style(source) for source in styles],
            mask=None if mask is None else self.upload(mask),
            **options,
        )
        return self._pictures_of(request, timeout_seconds, on_progress)[0]

    def _style(self, source: StyleSource) -> Style:
        if isinstance(source, Style):
            return source
        return Style(number=source) if isinstance(source, int) else Style(image=self.upload(source))

    def generate(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[GenerateOptions],
    ) -> tuple[Picture, ...]:
        """Make pictures from seeds, latents or a walk between them; raise JobFailed.

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
        """Send the content through a network from picture to picture; raise JobFailed.

        The options are the fields of TransformRequest: model, max_side, output ...
        """
        request = TransformRequest(content=self.upload(content), **options)
        return self._pictures_of(request, timeout_seconds, on_progress)[0]

    def _pictures_of(
        self, request: Request, timeout_seconds: float | None, on_progress: OnProgress | None
    ) -> tuple[Picture, ...]:
        job = self.submit(request)
        return self.pictures(self.wait(job, timeout_seconds=timeout_seconds, on_progress=on_progress))

    def styles(self) -> Styles:
        """Return all stored styles, newest first, and the built-in ones of every model that has its own."""
        return styles_from_json(list(self._transport.pages("/v1/styles", {"limit": PAGE_SIZE})))

    def add_style(self, name: str, image: Source) -> StoredStyle:
        """Keep a picture as a style under a name, for jobs to give; the same again changes nothing."""
        body = {"name": name, "image": self.upload(image)}
        return style_from_json(json_of(self._transport.send("POST", "/v1/styles", json=body)))

    def delete_style(self, name: str) -> None:
        """Forget a stored style. Its picture stays among the files."""
        self._transport.send("DELETE", f"/v1/styles/{quote(name, safe='')}")

    def style_sheet(self, model: str) -> bytes:
        """Return a JPEG that shows all built-in styles of a model, by number."""
        return self._transport.send("GET", f"/v1/styles/builtin/{quote(model, safe='')}/sheet").content

    def models(self) -> tuple[Model, ...]:
        """Return the models that jobs may name."""
        page = next(self._transport.pages("/v1/models", {}))
        return tuple(model_from_json(entry) for entry in page["data"])

    def reload_models(self) -> None:
        """Have every live worker take new model versions into service; they do so within seconds."""
        self._transport.send("POST", "/v1/models/reload")


def _listed(style: StyleSource | Sequence[StyleSource]) -> Sequence[StyleSource]:
    return [style] if isinstance(style, str | bytes | Path | int | Style) else style
