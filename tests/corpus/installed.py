"""Pictures that installed packages carry: scikit-image's, and whatever else lies in site-packages."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.case import Case

_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"}


def installed_cases() -> Iterator[Case]:
    """Yield every picture below site-packages."""
    root = Path(sysconfig.get_paths()["purelib"])
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            yield Case(f"installed {path.relative_to(root)}", path.read_bytes)
