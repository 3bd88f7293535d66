"""A click group that imports a subcommand when it is used, and prints every expected error in one line.

What commands do at Ctrl-C and at a timeout is here too: calls and messages in place of a bare exception.
"""

import importlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from atelier.client.errors import (
    ApiError,
    ClientError,
    InvalidAddress,
    InvalidValue,
    ProtocolError,
    ServiceUnreachable,
)
from atelier.client.events import WaitTimeout
from atelier.display import echo
from atelier.display.advice import advice
from atelier.display.errors import COMMAND, say_error
from shared.errors import AtelierError, InvalidRequest
from shared.logs import TextFormatter, plain, plain_lines, report_uncaught
from shared.settings import EXIT_CONFIGURATION, SettingsError

_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
INSTALL_WORKER = (
    "in a checkout of Atelier, run `make up`, or `pip install '.[worker]'` in an environment of yours"
)
EXIT_FAILED = 1  # the job failed, or the machine lacks something
EXIT_REFUSED = 2  # the request is wrong; click's own status for wrong arguments
EXIT_UNREACHABLE = 3  # no service responds
EXIT_TIMEOUT = 4  # the job was not done in time
EXIT_STOPPED = 5  # the batch paused itself, as too much of it failed
EXIT_INTERRUPTED = 130  # by Ctrl-C, as in shells
LEAST_SECONDS = 0.001  # 0 would stop the timer


class LazyGroup(click.Group):
    """Subcommands by name, each as `module:attribute`."""

    def __init__(self, *args: Any, lazy: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people need them."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            return _unavailable(cmd_name, error)
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program: what nothing expects is shown as a traceback without control characters."""
        report_uncaught(lambda error: echo(*plain_lines(error), err=True))
        if logging.lastResort:
            logging.lastResort.setFormatter(TextFormatter())  # for warnings of libraries
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments before the subcommand."""
        with _plain_faults():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; an expected error becomes one line and an exit status."""
        try:
            with _plain_faults():
                return super().invoke(ctx)
        except (ClientError, AtelierError, SettingsError) as error:
            echo(f"error: {say_error(error, ctx.meta.get(COMMAND))}", *advice(error), err=True)
            ctx.exit(exit_status(error))
        except OSError as error:
            if error.filename is None:
                raise
            echo(f"error: {error.filename}: {error.strerror}", *advice(error), err=True)
            ctx.exit(EXIT_FAILED)
        except KeyboardInterrupt as stop:
            echo(str(stop) or "interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except click.Abort as stop:
            if not isinstance(stop.__context__, KeyboardInterrupt):  # Ctrl-C at a question
                raise
            echo("", "interrupted; nothing was changed", err=True)
            ctx.exit(EXIT_INTERRUPTED)


@contextmanager
def _plain_faults() -> Iterator[None]:
    """Escape control characters in the errors that click raises."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = plain(error.message)
        raise


def _unavailable(name: str, error: ModuleNotFoundError) -> click.Command:
    """Return the replacement of a subcommand whose packages are not installed."""
    reason = f"{name} needs the package {error.name}, which is not installed; {INSTALL_WORKER}"

    @click.command(name, short_help="(needs packages that are not installed)", context_settings=_ANYTHING)
    def command() -> None:
        raise click.ClickException(reason)

    return command


def exit_status(error: Exception) -> int:
    """Return the exit status for this kind of error."""
    if isinstance(error, ServiceUnreachable | ProtocolError):
        return EXIT_UNREACHABLE
    if isinstance(error, WaitTimeout):
        return EXIT_TIMEOUT
    if isinstance(error, ApiError):
        return EXIT_UNREACHABLE if error.status >= 500 else EXIT_REFUSED
    if isinstance(error, SettingsError):
        return EXIT_CONFIGURATION
    is_wrong = isinstance(error, InvalidAddress | InvalidRequest | InvalidValue)
    return EXIT_REFUSED if is_wrong else EXIT_FAILED


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at the first Ctrl-C while the block runs; the next raises KeyboardInterrupt.

    For the main thread alone.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        act()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def on_timeout(seconds: float | None, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` when the block has run for `seconds`; None is never. For the main thread alone."""
    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: act())
    signal.setitimer(signal.ITIMER_REAL, max(seconds, LEAST_SECONDS))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def interruption(message: str) -> Iterator[None]:
    """Give a Ctrl-C within the block a message: what was done, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:  # a block within gave it a message
            raise
        raise KeyboardInterrupt(f"interrupted; {message}") from stop
