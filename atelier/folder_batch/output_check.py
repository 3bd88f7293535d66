"""Whether a picture can be written to its place: asked before it is painted."""

import os
from pathlib import Path


def fault_of_place(path: Path, home: Path) -> str:
    """Return why no file can be written to a path below the folder `home`; "" where one can, as it seems."""
    try:
        if path.is_dir():
            return f"{path} is a folder, and the picture needs the name"
        folder = path.parent
        while folder != home and not os.path.lexists(folder):
            folder = folder.parent
        if not folder.is_dir():
            return f"{folder} is not a folder, and the picture needs one"
    except OSError as error:
        return say_fault(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written"


def say_fault(error: OSError) -> str:
    """Return what went wrong with a file, in a few words."""
    return error.strerror or str(error) or "it cannot be read or written"
