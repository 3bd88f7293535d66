"""Changes to single processes of an installation, for tests: a wrapped command, further variables."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from atelier.client.downloads import write_whole
from atelier.supervisor.child_process import ChildSpec

CHANGES_FILE = "changes.json"


@dataclass(frozen=True, slots=True)
class ProcessChange:
    """What is different for one process."""

    environ: Mapping[str, str] = field(default_factory=dict)  # goes over what the process would have
    wrap: tuple[str, ...] = ()  # stands before the command; begins with the path of a program


Changes = Mapping[str, ProcessChange]  # by the process's name


def changes_of(environ_of: Mapping[str, Mapping[str, str]], wrap: Mapping[str, tuple[str, ...]]) -> Changes:
    """Bring variables and wrappers together by process."""
    names = {*environ_of, *wrap}
    return {name: ProcessChange(environ_of.get(name, {}), tuple(wrap.get(name, ()))) for name in names}


def write_changes(folder: Path, changes: Changes) -> Path:
    """Write the file that `atelier up --changes` reads, and return its path."""
    path = folder / CHANGES_FILE
    write_whole(path, json.dumps({name: asdict(change) for name, change in changes.items()}).encode())
    return path


def read_changes(path: Path) -> Changes:
    """Return what `write_changes` wrote."""
    raw = json.loads(path.read_text("utf-8"))
    return {name: ProcessChange(one["environ"], tuple(one["wrap"])) for name, one in raw.items()}


def changed(spec: ChildSpec, changes: Changes) -> ChildSpec:
    """Return the process as it is to run."""
    change = changes.get(spec.name)
    if change is None:
        return spec
    environ = {**spec.environ, **change.environ}
    return replace(spec, command=(*change.wrap, *spec.command), environ=environ)
