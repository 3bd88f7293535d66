"""Looks at folders that others write to and remove meanwhile."""

import os
from pathlib import Path


def files_below(folder: Path) -> list[Path]:
    """Return the files below a folder, none where there is none. What goes meanwhile is passed over."""
    return [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
