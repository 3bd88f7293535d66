"""The virtual environment: whether it can be used from here, and what was noted of it."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from causes import SIZES, InstallError, explained
from progress import say

ROOT = Path(__file__).resolve().parent.parent.parent
EVERYTHING = "dev.txt"  # the lock that holds all others
FREE_BYTES = 3_500_000_000


def check_existing(venv: Path) -> None:
    """Raise InstallError where the folder holds no environment that can be used from here."""
    found = python_of(venv)
    remedy = f"Remove it (rm -r {venv}) and run the command again."
    if found is None:
        raise InstallError(f"{venv} is there, but its Python does not start. {remedy}")
    version, prefix = found
    wanted = ".".join(map(str, sys.version_info[:2]))
    if version != wanted:
        raise InstallError(f"{venv} was made with Python {version}, and this is Python {wanted}. {remedy}")
    if Path(prefix) != venv.resolve() or is_moved(venv):
        raise InstallError(f"{venv} was made in another folder, and does not work here. {remedy}")


def python_of(venv: Path) -> tuple[str, str] | None:
    """Return the version and the prefix of an environment's Python; None where it does not start."""
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix)"
    try:
        found = subprocess.run([venv / "bin" / "python", "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    version, _, prefix = found.stdout.strip().partition(" ")
    return (version, prefix) if found.returncode == 0 else None


def is_moved(venv: Path) -> bool:
    """Whether the environment's commands start a Python in another folder than this one."""
    known = read_notes(venv).get("folder")
    return known is not None and known != str(venv.resolve())


def make(venv: Path) -> None:
    """Make the virtual environment; raise InstallError."""
    say(f"making {venv} with Python {sys.version.split()[0]} ({sys.executable})")
    made = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
    if made.returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    text = made.stdout + made.stderr
    if "ensurepip" in text:
        name = f"python3.{sys.version_info.minor}-venv"
        raise InstallError(
            f"This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install {name};"
            " elsewhere, name another Python: make PYTHON=/path/to/python3.12 demo"
        )
    raise InstallError(explained(text, venv, Path(EVERYTHING)))


def check_disk(venv: Path, lock: Path) -> None:
    """Raise InstallError where the lock's packages do not fit on the disk."""
    free = shutil.disk_usage(venv).free
    if lock.name in (EVERYTHING, "worker.txt") and free < FREE_BYTES and len(read_notes(venv)) < 2:
        raise InstallError(
            f"{venv} needs about {SIZES[lock.name]} and room to unpack it, 3.5 GB in all;"
            f" its disk has {free / 1e9:.1f} GB left."
        )


def is_installed(venv: Path, lock: Path) -> bool:
    """Whether the environment holds the lock's packages, or those of the lock that holds all."""
    notes = read_notes(venv)
    locks = (lock, lock.with_name(EVERYTHING))
    return any(notes.get(each.name) == digest(each) for each in locks if each.exists())


def note(venv: Path, lock: Path | None) -> None:
    """Note where the environment is, and the lock that it holds; None while it holds none as a whole."""
    notes = {"folder": str(venv.resolve()), **({} if lock is None else {lock.name: digest(lock)})}
    (venv / ".installed").write_text(json.dumps(notes))


def read_notes(venv: Path) -> dict[str, str]:
    """Return what was noted of an environment; nothing where there is no note, or half of one."""
    try:
        notes = json.loads((venv / ".installed").read_text())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def digest(lock: Path) -> str:
    """Return what changes when the lock or the project's own description does."""
    return hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
