"""The installation's signing secrets: set by the operator, or drawn once and kept in the job store."""

from shared.redis.scripts import Scripts
from shared.signing_secret import new_secret

OVERLAP_SECONDS = 24 * 3600  # for which a renewed secret signs beside the new one


class WebhookSecrets:
    """The secrets that are valid now."""

    def __init__(self, scripts: Scripts, configured: tuple[str, ...] = ()) -> None:
        self._scripts = scripts
        self._configured = configured

    @property
    def are_configured(self) -> bool:
        """Whether the operator has set them, so that they cannot be renewed here."""
        return bool(self._configured)

    def current(self) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first; draw one where there is none."""
        return self._configured or self._kept("")

    def renew(self) -> tuple[str, ...]:
        """Draw a new secret; the old one signs besides for a day. Return both, the new one first."""
        return self._kept(OVERLAP_SECONDS * 1000)

    def _kept(self, overlap_ms: int | str) -> tuple[str, ...]:
        return tuple(self._scripts.run("webhooks/secrets", new_secret(), overlap_ms))
