"""How many jobs of a model may run at once, over all workers. Claims keep it."""

from shared.redis.client import store_errors
from shared.redis.scripts import Scripts


class ModelLimits:
    """The limits of models that have one."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def read(self, model: str) -> int | None:
        """Return how many jobs of a model may run at once; None for any number."""
        with store_errors():
            text = self._scripts.client.hget(self._scripts.keys("model_limits"), model)
        return None if text is None else int(text)

    def set(self, model: str, running: int | None) -> None:
        """Let so many jobs of a model run at once, 1 or more; None for any number. Those that run go on."""
        self._scripts.run("pauses/limit", model, "" if running is None else running)
