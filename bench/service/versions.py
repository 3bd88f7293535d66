"""Two versions of Atelier side by side, with a model that does nothing.

Jobs over HTTP, submissions, items of a batch, and requests behind a backlog. Both are up at once and take
turns: a machine slower for a while is slower for both. Each is a work tree with its environment in .venv,
such as `git worktree add ../before TAG` and `make lint` in it make one.

Usage: python -m bench.service.versions BEFORE [NOW] [--rounds N] [--waiting N]
"""

import argparse
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from bench.measuring import Table, percentile, timed
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
# Another one: no worker, and so many items that wait.
SERVE_BACKLOG = """
import sys, tempfile
from pathlib import Path
from bench.service.scale_rig import scale_rig
with tempfile.TemporaryDirectory() as folder, scale_rig(Path(folder) / "rig") as rig:
    rig.backlog(int(sys.argv[1]))
    print(rig.url, flush=True)
    sys.stdin.read()
"""
REQUESTS = 4000  # of a kind behind the backlog, in turns of 100


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

    def ask(self) -> None:
        """Ask for the job that was submitted last, which waits."""
        self._client.get(f"/v1/jobs/{self._last}").raise_for_status()

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
def version(tree: Path, *program: str) -> Iterator[Version]:
    """Run the version of a work tree while the block runs."""
    command = [tree / ".venv" / "bin" / "python", "-c", *(program or (SERVE,))]
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


def compare_behind_backlog(trees: Sequence[Path], waiting: int) -> None:
    """Print how long requests take while so many items wait and no worker runs."""
    with ExitStack() as stack:
        versions = [stack.enter_context(version(tree, SERVE_BACKLOG, str(waiting))) for tree in trees]
        for name, action in (("Submitting a job", Version.submit), ("Asking for a job", Version.ask)):
            found: list[list[float]] = [[], []]
            for _ in range(REQUESTS // 100):
                for one, seconds in zip(versions, found, strict=True):
                    seconds += [timed(partial(action, one)) for _ in range(100)]
            table = Table(f"{name} behind {waiting:,}")
            for percent in (50, 95, 99):
                before, now = (percentile(seconds, percent) for seconds in found)
                table.add(f"p{percent} now", 1000 * now, "ms")
                table.add(f"p{percent} now / before", now / before, "x")
            table.print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="the work tree of the other version")
    parser.add_argument("now", type=Path, nargs="?", default=ROOT, help="that of this version; this tree")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--waiting", type=int, default=100_000, help="items that wait; 0 leaves that out")
    given = parser.parse_args()
    trees = [tree.absolute() for tree in (given.before, given.now)]
    if given.waiting:
        compare_behind_backlog(trees, given.waiting)
    with ExitStack() as stack:
        versions = [stack.enter_context(version(tree)) for tree in trees]
        for number in range(1, given.rounds + 1):
            print(f"\nRound {number} of {given.rounds}")
            compare("A job over HTTP, waited for", in_turns(versions, Version.carry, times=500, turn=TURN))
            compare("A submission over HTTP", in_turns(versions, Version.submit, times=300, turn=TURN))
            compare(f"An item of {ITEMS:,}", in_turns(versions, Version.carry_batch, times=6, turn=1), ITEMS)


if __name__ == "__main__":
    main()
