"""Runs the API and ends it when it no longer answers: `python -m api.watch --url URL -- COMMAND...`.

For containers: an engine restarts what has ended, and leaves alone what is merely unhealthy.
"""

import argparse
import http.client
import sys
import time
from urllib.parse import urlsplit

from shared.watched_process import run_watched

ANSWER_SECONDS = 5.0  # of one question
PATIENCE_SECONDS = 30.0  # without an answer; as long as under `atelier up`
START_SECONDS = 120.0  # that a new process may need for its first answer


class AnswerWatch:
    """Asks a URL, and measures how long it has not answered with 200."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._since = time.monotonic()  # of the last answer, or of the start
        self._has_answered = False

    def fault(self, _pid: int) -> str:
        """Ask once; return what is wrong once it has been so for too long, "" otherwise."""
        if self._answers():
            self._since, self._has_answered = time.monotonic(), True
            return ""
        silent = time.monotonic() - self._since
        patience = PATIENCE_SECONDS if self._has_answered else START_SECONDS
        return f"the API has not answered for {silent:.0f} s" if silent > patience else ""

    def _answers(self) -> bool:
        port = self._url.port
        connection = http.client.HTTPConnection(self._url.hostname or "", port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", self._url.path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def main() -> int:
    """Watch the command that serves a URL."""
    parser = argparse.ArgumentParser(prog="python -m api.watch", description=main.__doc__)
    parser.add_argument("--url", required=True, help="what it must answer with 200")
    parser.add_argument("command", nargs="+", help="after --")
    given = parser.parse_args()
    return run_watched(given.command, AnswerWatch(given.url).fault)


if __name__ == "__main__":
    sys.exit(main())
