"""What the API image installs is all that its processes and its operator's commands import."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Refuses each package of a distribution that the lock does not name, then starts what the image starts.
PROGRAM = """
import importlib.metadata, importlib.abc, re, sys

name_of = lambda text: re.sub(r"[-_.]+", "-", text).lower()
locked = set(sys.argv[1].split(","))
refused = {
    package
    for package, owners in importlib.metadata.packages_distributions().items()
    if not {name_of(owner) for owner in owners} & locked
}


class Refusal(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refusal())
import api.app, api.gunicorn_conf, api.server.gunicorn_worker, api.wsgi
import celery.bin.celery, worker.__main__, worker.process.io_worker, worker.health, worker.watch
from shared.queue.celery_app import make_celery
from shared.settings import Settings

make_celery(Settings()).connection_for_write()
"""
# Commands that talk to a service, or to the job store.
OPERATOR = """
events jobs batches actions logs stats top pauses workers keys quota usage backup gc
models/limit models/reload
"""
ASKING = """
import click
from atelier.cli import main

for path in sys.argv[2].split():
    command, context = main, click.Context(main)
    for name in path.split("/"):
        command = command.get_command(context, name)
    assert command is not None and "not installed" not in command.get_short_help_str(), path
"""


def test_the_api_image_has_what_its_processes_import() -> None:
    done = in_the_image(PROGRAM)
    assert done.returncode == 0, done.stderr


def test_the_api_image_has_what_an_operators_commands_import() -> None:
    done = in_the_image(PROGRAM + ASKING, OPERATOR)
    assert done.returncode == 0, done.stderr


def in_the_image(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    lock = (ROOT / "requirements/api.txt").read_text("utf-8")
    names = set(re.findall(r"^([a-z0-9][a-z0-9-]*)==", lock, re.MULTILINE))
    dockerfile = (ROOT / "deploy/docker/api.Dockerfile").read_text("utf-8")
    (removed,) = re.findall(r"uninstall --yes ([\w -]+)", dockerfile)
    assert {"flask", "celery", "kombu", *removed.split()} <= names
    kept = sorted({*names, "atelier-service"} - set(removed.split()))
    command = [sys.executable, "-c", program, ",".join(kept), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
