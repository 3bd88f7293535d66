"""Two versions of Atelier side by side, with a model that does nothing.

Jobs over HTTP, submissions, and items of a batch. Both are up at once and take turns: a machine slower
for a while is slower for both. Each is a work tree with its environment in .venv, such as
`git worktree add ../before TAG` and `make lint` in it make one.

Usage: python -m bench.service.versions BEFORE [NOW] [--rounds N]
"""

import argparse
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from bench.measuring import Table, timed
from bench.processes import ROOT, cpu_seconds, wait_until, with_children
from bench.service.noop_service import BODY, DONE

TURN = 10  # jobs before the other version has its turn
ITEMS = 1000  # of the batch of a round
ROLES = {
    "API": "api.wsgi",
    "worker": "noop_worker",
    "server": "valkey-server",
}  # by a part of the command line
# The program that runs in a version's tree, with its environment.
SERVE = """
import sys, tempfile
from pathlib import Path
from bench.service.noop_service import noop_service
with tempfile.TemporaryDirectory() as folder, noop_service(Path(folder)) as services:
    print(services.atelier.url, flush=True)
    sys.stdin.read()
"""


class Version:
    """One version, which is up."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None, "a pipe"
        self._pid = process.pid
        self._last = ""
        self._client = httpx.Client(base_url=process.stdout.readline().strip(), timeout=60)

    def carry(self) -> None:
        """Submit a job and wait for its end, in one request."""
        response = self._client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=30"})
        assert response.raise_for_status().json()["status"] in DONE, response.text

    def submit(self) -> None:
        """Submit a job."""
        self._last = self._client.post("/v1/jobs", json=BODY).raise_for_status().json()["id"]

    def settle(self) -> None:
        """Wait for the end of the job that was submitted last."""
        last, self._last = self._last, ""
        if last:
            self._client.get(f"/v1/jobs/{last}", params={"wait": 30}).raise_for_status()

    def carry_batch(self) -> None:
        """Submit a batch and wait for its end."""
        template = {**BODY, "multiply": {"seed": {"from": 1, "to": ITEMS}}}
        del template["seeds"]
        path = f"/v1/batches/{self._client.post('/v1/batches', json={'template': template}).json()['id']}"
        wait_until(lambda: bool(self._client.get(path).raise_for_status().json()["done"]), "a batch")

    def spent(self) -> dict[str, float]:
        """Return the processor seconds of its processes, by role."""
        spent = dict.fromkeys(ROLES, 0.0)
        for pid in with_children(self._pid)[1:]:
            command = Path(f"/proc/{pid}/cmdline").read_text()
            for role in (role for role, part in ROLES.items() if part in command):
                spent[role] += cpu_seconds(pid)
        return spent


@contextmanager
def version(tree: Path) -> Iterator[Version]:
    """Run the version of a work tree while the block runs."""
    command = [tree / ".venv" / "bin" / "python", "-c", SERVE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tree, text=True, **pipes) as process:  # type: ignore[call-overload]
        yield Version(process)
        process.stdin.close()


Measured = tuple[list[float], dict[str, float]]  # seconds of each time, and processor seconds by role


def in_turns(
    versions: list[Version], action: Callable[[Version], None], *, times: int, turn: int
) -> list[Measured]:
    """Return what an action takes with each version, so many times, `turn` times in a row."""
    for one in versions:
        action(one)
    before = [one.spent() for one in versions]
    seconds: list[list[float]] = [[] for _ in versions]
    for _ in range(times // turn):
        for one, found in zip(versions, seconds, strict=True):
            found += [timed(partial(action, one)) for _ in range(turn)]
            one.settle()  # the other has the machine for itself
    spent = [one.spent() for one in versions]
    grown = [{role: now[role] - was[role] for role in ROLES} for now, was in zip(spent, before, strict=True)]
    return list(zip(seconds, grown, strict=True))


def compare(title: str, measured: list[Measured], each: int = 1) -> None:
    """Print what an action takes now, and by how much that is more than before; it carries `each` jobs."""
    table = Table(title)
    (before, before_spent), (now, now_spent) = measured
    table.add("p50 now", 1000 * median(now) / each, "ms")
    table.add("p50 now / before", median(now) / median(before), "x")
    for role in ROLES:
        table.add(f"processor time of the {role}, now", 1000 * now_spent[role] / len(now) / each, "ms")
        table.add("the same now / before", now_spent[role] / max(before_spent[role], 1e-3), "x")
    together = [sum(spent.values()) for spent in (before_spent, now_spent)]
    table.add("processor time in all, now / before", together[1] / together[0], "x")
    table.print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="the work tree of the other version")
    parser.add_argument("now", type=Path, nargs="?", default=ROOT, help="that of this version; this tree")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with ExitStack() as stack:
        versions = [stack.enter_context(version(tree.absolute())) for tree in (given.before, given.now)]
        for number in range(1, given.rounds + 1):
            print(f"\nRound {number} of {given.rounds}")
            compare("A job over HTTP, waited for", in_turns(versions, Version.carry, times=500, turn=TURN))
            compare("A submission over HTTP", in_turns(versions, Version.submit, times=300, turn=TURN))
            compare(f"An item of {ITEMS:,}", in_turns(versions, Version.carry_batch, times=6, turn=1), ITEMS)


if __name__ == "__main__":
    main()
