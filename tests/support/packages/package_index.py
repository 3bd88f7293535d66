"""A package index in a folder: tiny stand-ins for the packages of a lock, and a newer release of each.

The stand-ins are empty, but they depend on one another as the real packages do, so a resolver meets the same
knots. `setuptools` is the real one: an editable installation needs it.
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

NEWER = "9999.0"
_ENTRY = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s\\]+)(?P<marker>[^\\]*)", re.MULTILINE)


class PackageIndex:
    """Serves a lock's packages from a folder, by the simple repository layout (PEP 503)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        """The index's address, for PIP_INDEX_URL."""
        return self._folder.as_uri()

    def lock(self, lock: Path, copy: Path) -> Path:
        """Add the packages of a lock, and write a copy of the lock with the stand-ins' hashes."""
        lines = []
        for name, version, marker in entries_of(lock):
            digest = hashlib.sha256(self._release(name, version).read_bytes()).hexdigest()
            self._release(name, NEWER)
            lines.append(f"{name}=={version}{marker} --hash=sha256:{digest}\n")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("".join(lines))
        return copy

    def _release(self, name: str, version: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
        wheel = folder / f"{stem}-py3-none-any.whl"
        if not wheel.exists():
            members = installed_files(name) if (name, version) in REAL else stand_in(stem, name, version)
            with zipfile.ZipFile(wheel, "w") as archive:
                for path, data in members:
                    archive.writestr(path, data)
            links = (f'<a href="{entry.name}">{entry.name}</a>' for entry in folder.glob("*.whl"))
            (folder / "index.html").write_text("\n".join(links))
        return wheel


def entries_of(lock: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and marker of each package that a lock names."""
    for found in _ENTRY.finditer(lock.read_text()):
        yield found["name"], found["version"], found["marker"].rstrip()


def stand_in(stem: str, name: str, version: str) -> Iterator[tuple[str, str]]:
    """Yield the files of a package that holds nothing and needs what the real one needs."""
    needs = "".join(f"Requires-Dist: {each}\n" for each in requirements_of(name))
    extras = "".join(f"Provides-Extra: {each}\n" for each in re.findall(r"extra == ['\"]([\w.-]+)", needs))
    yield (
        f"{stem}.dist-info/METADATA",
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}{extras}",
    )
    yield (
        f"{stem}.dist-info/WHEEL",
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    )
    yield f"{stem}.dist-info/RECORD", ""


def requirements_of(name: str) -> list[str]:
    """Return what an installed package needs; nothing for one that this machine does without."""
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []


def installed_files(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an installed package, but for what the installation added."""
    for path in distribution(name).files or ():
        if path.suffix != ".pyc" and ".." not in path.parts and path.name not in ("RECORD", "INSTALLER"):
            yield str(path), Path(str(path.locate())).read_bytes()
    yield f"{name}-{distribution(name).version}.dist-info/RECORD", b""


REAL = {("setuptools", distribution("setuptools").version)}
