"""The pauses of an installation. Claims read them by themselves; see shared/redis/lua/includes/pauses.lua."""

from dataclasses import dataclass, replace

from shared.errors import PauseNotFound, TooManyPauses
from shared.identifiers import new_pause_id, sha256
from shared.pauses.pause import Pause, pause_from_json
from shared.pauses.window import DayWindow
from shared.redis.client import server_time, store_errors
from shared.redis.scripts import Scripts
from shared.specs.parts import Lane

# Every claim reads all of them, so there are few. Owners together leave room for those who run the service.
MOST = 64
MOST_OF_OWNERS = 48
MOST_OF_ONE_OWNER = 4


@dataclass(frozen=True, slots=True)
class PauseDraft:
    """A pause to make."""

    reason: str
    by: str  # the owner of the key that makes it
    lane: Lane | None = None  # None: both
    model: str | None = None  # None: all
    owner: str | None = None  # None: all
    ends_at: int | None = None  # None: it holds until somebody ends it
    window: DayWindow | None = None  # None: all day
    idempotency_key: str = ""


class PauseStore:
    """All pauses that have not ended. One that has ended is forgotten."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._key = scripts.keys("pauses")

    def now(self) -> int:
        """Return the server's time, by which pauses begin and end."""
        return server_time(self._client)

    def create(self, draft: PauseDraft, *, for_service: bool) -> Pause:
        """Make a pause, or find the one that the same key made; `for_service` if by an admin.

        Raises TooManyPauses.
        """
        now = self.now()
        starts, stops = draft.window.next_time(now) if draft.window else (0, 0)
        pause = Pause(
            id=_id_of(draft),
            reason=draft.reason,
            by=draft.by,
            created_at=now,
            lane=draft.lane,
            model=draft.model,
            owner=draft.owner,
            ends_at=draft.ends_at,
            window=draft.window,
            starts=starts,
            stops=stops,
        )
        most, own = (MOST, MOST) if for_service else (MOST_OF_OWNERS, MOST_OF_ONE_OWNER)
        outcome = self._scripts.run("pauses/create", pause.id, pause.to_json(), most, pause.by, own)
        if outcome == "full":
            raise TooManyPauses(
                f"there may be {most} pauses, of one owner {own}: end one before you make another"
            )
        return pause if outcome == "created" else self.get(pause.id)

    def get(self, pause_id: str) -> Pause:
        """Return a pause; raise PauseNotFound."""
        found = next((pause for pause in self.all() if pause.id == pause_id), None)
        if found is None:
            raise _not_found(pause_id)
        return found

    def all(self) -> tuple[Pause, ...]:
        """Return all pauses, the latest first."""
        now, pauses = self.now(), map(pause_from_json, self._texts())
        going_on = (pause for pause in pauses if not pause.is_over(now))
        return tuple(sorted(going_on, key=lambda pause: (pause.created_at, pause.id), reverse=True))

    def _texts(self) -> list[str]:
        with store_errors():
            texts: list[str] = self._client.hvals(self._key)
        return texts

    def end(self, pause_id: str) -> None:
        """End a pause; raise PauseNotFound."""
        if not self._scripts.run("pauses/end", pause_id):
            raise _not_found(pause_id)

    def renew(self) -> tuple[Pause, ...]:
        """Forget pauses that have ended, and return them; compute the next times of those with a window."""
        if not (texts := self._texts()):
            return ()
        now, ended = self.now(), []
        for text in texts:
            pause = pause_from_json(text)
            if pause.is_over(now):
                if self._scripts.run("pauses/replace", pause.id, text, ""):
                    ended.append(pause)
            elif pause.window is not None and pause.stops <= now:
                starts, stops = pause.window.next_time(now)
                later = replace(pause, starts=starts, stops=stops)
                self._scripts.run("pauses/replace", pause.id, text, later.to_json())
        return tuple(ended)


def _not_found(pause_id: str) -> PauseNotFound:
    return PauseNotFound(f"there is no pause {pause_id[:80]}")


def _id_of(draft: PauseDraft) -> str:
    """Return the id of a new pause; of a request with a key always the same one."""
    if not draft.idempotency_key:
        return new_pause_id()
    return f"pause_{sha256(f'{draft.by} {draft.idempotency_key}'.encode())[:32]}"
