"""Errors in the words of the command line: the option that was typed, not the field that it fills."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from atelier.client.errors import ApiError, Fault
from atelier.client.job import JobFailed
from shared.errors import AtelierError
from shared.messages import in_words

COMMAND = "atelier.command"  # in a context's meta: the context of the command that runs

# The parameters of commands that fill a field of a request, where their names differ from the field's own.
_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "content": ("photo", "picture"),
    "image": ("picture",),
    "output.format": ("form",),
    "styles": ("styles", "numbers"),
    "styles.weight": ("weights",),
    "strength": ("strength", "strengths"),
    "webhook.url": ("webhook",),
    "webhook.template": ("webhook",),
    "interpolate.seeds": ("interpolate",),
    "interpolate.latents": ("interpolate_latents",),
    "upscale.factor": ("upscale",),
    "upscale.filter": ("filter_name",),
    "optimize": ("steps", "style_weight", "content_weight", "variation_weight", "optimizer", "preview_every"),
}


def say_error(error: Exception, command: click.Context | None) -> str:
    """Return an error as one sentence, or one for each fault, in the words of the command's own options."""
    if isinstance(error, ApiError) and error.errors and not error.subject:
        return _sentences(error.errors, command)
    if isinstance(error, JobFailed) and error.job.error and error.job.error.errors:
        return f"{error.job.id} {error.job.status}: {_sentences(error.job.error.errors, command)}"
    if isinstance(error, AtelierError) and error.errors:
        return _sentences([Fault(e.pointer, e.detail, e.code) for e in error.errors], command)
    return error.whole if isinstance(error, AtelierError) else str(error)


def _sentences(
    faults: Iterator[Fault] | tuple[Fault, ...] | list[Fault], command: click.Context | None
) -> str:
    return "; ".join(dict.fromkeys(_sentence(fault, command) for fault in faults))


def _sentence(fault: Fault, command: click.Context | None) -> str:
    field = ".".join(name for name in fault.field.split(".") if not name.isdigit())
    option = _option(field, command)
    words = option or fault.field
    text = in_words(fault.pointer, fault.detail, words, lambda name: _option(name, command))
    if option is None:
        return text if fault.sentence == fault.detail else f"{words}: {text}"
    return text if option in text or fault.sentence == fault.detail else f"{option}: {text}"


def _option(field: str, command: click.Context | None) -> str | None:
    """Return the option or argument that fills a field, as it is typed; None where the command has none."""
    if command is None:
        return f"--{field.replace('_', '-')}" if field else None
    known = {str(parameter.name): parameter for parameter in command.command.params}
    found = [known[name] for name in _names(field) if name in known]
    given = [parameter for parameter in found if _is_given(command, parameter)]
    return next((_typed(parameter, command) for parameter in (*given, *found)), None)


def _names(field: str) -> Iterator[str]:
    """Yield the names of parameters that may fill a field, the most likely first."""
    parts = field.split(".")
    for start, end in ((0, None), (-1, None), (0, 1)):
        name = ".".join(parts[start:end])
        yield from _PARAMETERS.get(name, (name,))


def _is_given(command: click.Context, parameter: click.Parameter) -> bool:
    return command.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE


def _typed(parameter: click.Parameter, command: click.Context) -> str:
    """Return an option's name, an argument's file where it is one, else the name that help gives it."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    value = command.params.get(str(parameter.name))
    return str(value) if isinstance(value, Path) else parameter.make_metavar(command).strip("[].")
