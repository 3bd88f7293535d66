"""What the options of `atelier batch` mean together: the folder that is to be made, and its state file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from atelier.client.errors import ApiError
from atelier.client.files import id_of, read_at_most
from atelier.client.request_parts import Style, to_plain
from atelier.commands.options.brake import brake_of
from atelier.commands.options.painting import OF_A_PAINTING, check_weights, given, optimization
from atelier.commands.options.style_choice import OPTION
from atelier.folder_batch.output_names import BadPattern, check_pattern, default_pattern, labels_of
from atelier.folder_batch.variations import PictureOptions, StyleMix

# Options that change no picture: they may differ from run to run. All others are recorded.
OF_A_RUN = frozenset(
    {"output", "cache", "lane", "webhook", "timeout", "connections", "watch", "retry", "replace", "as_json"}
    | {"stop_failed", "stop_share", "stop_after", "not_before", "sample", "dry_run"}
)
_BY_STYLES = frozenset({"sources", "styles", "numbers", "weights", "strengths", "pattern", "mask"})
_OTHERWISE = {
    "model": "the service's own",
    "max_side": "the photo's",
    "preserve_color": "no",
    "stroke": "the model's own",
    "form": "the photo's own",
}  # recorded where nothing is given

_WORDS = {"strengths": "--strength", "weights": "--weight"}  # where an option is not called as its value


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A picture that all items need."""

    option: str  # that names it
    path: Path
    data: bytes

    @property
    def id(self) -> str:
        """The id that the service gives it."""
        return id_of(self.data)


@dataclass(frozen=True, slots=True)
class Order:
    """The pictures that a folder is to hold."""

    sources: tuple[Path, ...]
    picture_options: PictureOptions
    pattern: str
    files: tuple[OrderFile, ...]  # of styles and mask, that the service must have
    # The options as text, by name: what decides whether a run is the same as an earlier one.
    recorded: dict[str, str]

    def name_of(self, subject: str) -> str:
        """Return the option and the value that gave a style or the mask; `subject` is that as JSON."""
        found = json.loads(subject)
        image = found.get("image") if isinstance(found, dict) else found
        named = next((f"{file.option} {file.path}" for file in self.files if file.id == image), "")
        if named or not isinstance(found, dict):
            return named or f"--mask {found}"
        value = next(found[name] for name in ("name", "number", "image") if found.get(name) is not None)
        return f"--style {value}"


def read_order(ctx: click.Context, options: dict[str, Any], most_bytes: int) -> Order:
    """Return what the options ask for; raise UsageError. No file of more than `most_bytes` is read."""
    if not options["sources"]:
        raise click.UsageError("name a folder of photos, or photos")
    if options["sample"] and options["watch"]:
        raise click.UsageError(
            "--sample and --watch: a folder that is watched makes one batch after the other"
        )
    if options["dry_run"] and options["watch"]:
        raise click.UsageError("--dry-run and --watch: a dry run looks at the photos that are there now")
    styles, files = _styles(options, most_bytes)
    mask = _mask(options, most_bytes)
    picture_options = PictureOptions(
        styles=styles,
        strengths=options["strengths"] or (None,),
        model=options["model"],
        max_side=options["max_side"],
        look=_look(options, mask.id if mask else None),
        format=options["form"],
        quality=options["quality"],
        profile=options["profile"],
        metadata=options["kept_metadata"],
        recipe=False if options["no_recipe"] else None,
        enlarge=options["enlarge"],
    )
    try:
        pattern = check_pattern(options["pattern"] or default_pattern(picture_options), picture_options)
    except BadPattern as error:
        raise click.BadParameter(str(error), param_hint="--name") from error
    recorded = dict(_recorded(ctx, options, picture_options)) | {"name": pattern}
    return Order(options["sources"], picture_options, pattern, (*files, *([mask] if mask else [])), recorded)


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the batch, without those of its items; raise UsageError."""
    webhook = to_plain(options["webhook"]) if options["webhook"] else None
    chosen = given(
        webhook=webhook,
        sample=options["sample"],
        not_before=to_plain(options["not_before"]),  # as the state file keeps it
        stop_when=brake_of(options),
    )
    return {"cache": options["cache"], "lane": options["lane"], **chosen}


def _mask(options: dict[str, Any], most_bytes: int) -> OrderFile | None:
    return None if options["mask"] is None else _file("--mask", options["mask"], most_bytes)


def _file(option: str, path: Path, most_bytes: int) -> OrderFile:
    try:
        return OrderFile(option, path, read_at_most(path, most_bytes))
    except ApiError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _look(options: dict[str, Any], mask: str | None) -> dict[str, Any]:
    """Return the fields of a request that the options for paintings give."""
    rest = {name: options[name] for name in OF_A_PAINTING if name not in ("weights", "mask")}
    optimize = optimization(rest)
    return given(**rest, mask=mask, optimize=optimize)


def _recorded(
    ctx: click.Context, options: dict[str, Any], picture_options: PictureOptions
) -> Iterator[tuple[str, str]]:
    """Yield options and their values as text: runs that record the same make the same pictures."""
    yield "photos", ", ".join(str(path.resolve()) for path in options["sources"])
    if picture_options.styles:
        yield "style", ", ".join(_named(entry) for entry in picture_options.styles)
    for name in ("weights", "strengths"):
        if options[name]:
            yield name.removesuffix("s"), ", ".join(f"{value:g}" for value in options[name])
    if "mask" in picture_options.look:
        yield "mask", f"{options['mask'].name} ({picture_options.look['mask']})"
    yield from _recorded_plainly(ctx, options)


def _recorded_plainly(ctx: click.Context, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every option but those of a run and those recorded with the styles; also one that is new."""
    for param in ctx.command.params:
        name = param.name or ""
        if name not in options or name in OF_A_RUN | _BY_STYLES:
            continue
        value, word = options[name], param.opts[0].lstrip("-")
        if _is_given(value):
            yield word, "yes" if value is True else str(value)
        elif name in _OTHERWISE:
            yield word, _OTHERWISE[name]


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != ()


def _named(entry: StyleMix) -> str:
    values = (style.image or style.name or str(style.number) for style in entry.styles)
    text = " + ".join(values)
    return f"{entry.label} ({text})" if any(style.image for style in entry.styles) else text


def _styles(options: dict[str, Any], most_bytes: int) -> tuple[tuple[StyleMix, ...], tuple[OrderFile, ...]]:
    """Return the styles with their labels, and those that are files here."""
    choices = [*options["styles"], *(Style(number=number) for number in options["numbers"] or ())]
    if not choices:
        _check_transformation(options)
    weights = options["weights"]
    check_weights(weights, choices)
    read = [_file(OPTION, path, most_bytes) if isinstance(path, Path) else path for path in choices]
    known = [Style(image=entry.id) if isinstance(entry, OrderFile) else entry for entry in read]
    labels, files = labels_of(_names(choices)), tuple(entry for entry in read if isinstance(entry, OrderFile))
    if weights:
        mixed = tuple(replace(style, weight=share) for style, share in zip(known, weights, strict=True))
        return (StyleMix("+".join(labels), mixed),), files
    return tuple(StyleMix(label, (style,)) for label, style in zip(labels, known, strict=True)), files


def _check_transformation(options: dict[str, Any]) -> None:
    """Raise UsageError where no style is named and the rest is none for a model that takes none."""
    if not options["model"]:
        raise click.UsageError("name styles by --style or --styles, or a model that takes none by --model")
    names = [name for name in ("strengths", *OF_A_PAINTING) if _is_given(options[name])]
    if names:
        words = ", ".join(_WORDS.get(name) or f"--{name.replace('_', '-')}" for name in names)
        raise click.UsageError(f"only a painting in a style takes {words}: name a style by --style")


def _names(given_styles: Sequence[Path | Style]) -> Iterator[str]:
    for choice in given_styles:
        if isinstance(choice, Path):
            yield choice.stem
        elif choice.number is not None:
            yield f"style{choice.number}"
        else:
            yield choice.name or (choice.image or "")[:13]
