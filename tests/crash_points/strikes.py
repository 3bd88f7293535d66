"""Strikes: files that say at which point the next process dies, and which one did."""

import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Struck:
    """What happened at a point, once."""

    process: str  # name in the installation
    pid: int
    note: str


class Strikes:
    """A folder that tests and the processes under test share."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._struck = folder / "armed", folder / "struck"
        for part in (self._armed, self._struck):
            part.mkdir(parents=True, exist_ok=True)

    def arm(self, point: str, *, times: int = 1) -> None:
        """Have the next calls that pass the point struck, whichever process makes them."""
        for _ in range(times):
            (self._armed / f"{point}@{uuid.uuid4().hex}").touch()

    def disarm(self) -> None:
        """Strike nobody any more, and forget whom it hit."""
        for file in [*self._armed.iterdir(), *self._struck.iterdir()]:
            file.unlink(missing_ok=True)

    def take(self, point: str, struck: Struck) -> bool:
        """Use up one strike of a point, if it is armed; of many that ask at once, one a strike succeeds."""
        for file in self._armed.glob(f"{point}@*"):
            # The text comes first and the name with a rename, so that readers never see half of it.
            draft = self._armed / f"draft-{os.getpid()}-{uuid.uuid4().hex}"
            draft.write_text(json.dumps(asdict(struck)))
            try:
                file.unlink()
            except FileNotFoundError:
                draft.unlink()
                continue
            draft.rename(self._struck / file.name)
            return True
        return False

    def struck(self, point: str) -> list[Struck]:
        """Return what was struck at a point so far."""
        return [Struck(**json.loads(file.read_text())) for file in self._struck.glob(f"{point}@*")]
