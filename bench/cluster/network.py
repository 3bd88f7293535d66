"""Hosts on this machine: a network namespace each, joined by a switch that delays packets and cuts links.

Nothing of it has a name in the system. This process moves into a namespace of its own first, so that the
machine's interfaces and routes stay as they are; each further namespace lives as long as a process in it, and
all of these are killed when this one ends, however it ends.
"""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atelier.supervisor.exit_with_parent import tied
from bench.processes import ROOT

CLONE_NEWNET = 0x40000000
TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SUBNET = "10.77.0"
TOOLS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
START_SECONDS = 10.0
STOP_SECONDS = 30.0  # as the units have it: more than a worker needs to give back its jobs
_LOG_CHARACTERS = 2000  # of a process that ended before its time


class NoNamespaces(Exception):
    """Raised where this machine, or this user, cannot make network namespaces; the text says what to do."""


def enter_own_namespace() -> None:
    """Move this process, which must have no other threads yet, out of the machine's network.

    Raises NoNamespaces.
    """
    if missing := sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None}):
        raise NoNamespaces(f"install {' and '.join(missing)}: the hosts are made with their commands")
    if not os.access(TUN, os.R_OK | os.W_OK):
        raise NoNamespaces(
            f"{TUN} cannot be opened: the kernel needs TUN devices, and a container the device"
        )
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        why = os.strerror(ctypes.get_errno())
        raise NoNamespaces(
            f"network namespaces need root ({why}): run it as root, or after "
            "`unshare --user --map-root-user` where users may have namespaces"
        )


@dataclass(frozen=True, slots=True)
class Host:
    """One host, in whose network commands run."""

    name: str
    number: int
    _holder: int | None  # the process that keeps its namespace; None: it is this process's own

    @property
    def address(self) -> str:
        """Its address, which all hosts reach."""
        return f"{SUBNET}.{self.number}"

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return what runs a command on this host, and ends it when this process ends, however that ends.

        By SIGTERM, so that a program which watches another one ends that too.
        """
        enter = [] if self._holder is None else ["nsenter", f"--net=/proc/{self._holder}/ns/net", "--"]
        words = [*enter, *command]
        return tied([shutil.which(words[0]) or words[0], *words[1:]], signal.SIGTERM)

    @contextmanager
    def running(
        self, command: Sequence[str], environ: Mapping[str, str], log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program on this host while the block runs; its output is added to a file."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.inside(command),
                cwd=ROOT,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the bench, which ends its processes in order
            )
        try:
            yield process
        except BaseException:
            if process.poll() is not None:
                text = log.read_text("utf-8", "replace")[-_LOG_CHARACTERS:]
                print(f"{log.stem} ended with status {process.returncode}\n{text}", file=sys.stderr)
            raise
        finally:
            _end(process)


class Network:
    """Hosts by name while a block runs; the first is this process. Call `enter_own_namespace` before."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._stack = ExitStack()
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        with self._stack:
            devices = {}
            for number, name in enumerate(self._names, start=1):
                holder = None if number == 1 else self._hold()
                host = Host(name, number, holder)
                devices[number] = self._plug_in(host, holder)
                self.hosts[name] = host
            self._switch = self._start_switch(devices)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def delay(self, seconds: float) -> None:
        """Deliver every packet between two hosts so much later: a round trip takes twice that."""
        self._tell(delay=seconds)

    @contextmanager
    def cut(self, one: str, other: str) -> Iterator[None]:
        """Let no packet pass between two hosts while the block runs; neither side is told."""
        self._tell(cut=[[self.hosts[one].number, self.hosts[other].number]])
        try:
            yield
        finally:
            self._tell(cut=[])

    def counts(self) -> dict[str, dict[tuple[str, str], int]]:
        """Return bytes, packets, rounds and opened since the last call, by two hosts: from, to."""
        names = {str(host.number): host.name for host in self.hosts.values()}
        counted: dict[str, dict[str, int]] = self._tell(counts=True)

        def pair(text: str) -> tuple[str, str]:
            one, other = text.split("-")
            return names.get(one, one), names[other]

        return {kind: {pair(text): number for text, number in rows.items()} for kind, rows in counted.items()}

    def _tell(self, **wish: object) -> dict[str, dict[str, int]]:
        assert self._switch.stdin is not None
        assert self._switch.stdout is not None
        self._switch.stdin.write(f"{json.dumps(wish)}\n")
        self._switch.stdin.flush()
        reply: dict[str, dict[str, int]] = json.loads(self._switch.stdout.readline())
        return reply

    def _hold(self) -> int:
        """Start a process in a network of its own; return its id once it is there."""
        sleep = [shutil.which("unshare") or "unshare", "--net", "sleep", "infinity"]
        process = subprocess.Popen(tied(sleep, signal.SIGKILL), start_new_session=True)
        self._stack.callback(_end, process)
        until = time.monotonic() + START_SECONDS
        while _network_of("self") == _network_of(process.pid) or _name_of(process.pid) != "sleep":
            if process.poll() is not None or time.monotonic() > until:
                raise NoNamespaces("`unshare --net` made no network namespace")
            time.sleep(0.01)
        return process.pid

    def _plug_in(self, host: Host, holder: int | None) -> int:
        """Make the host's device, and return the descriptor of its other end."""
        device, name = os.open(TUN, os.O_RDWR | os.O_NONBLOCK), f"host{host.number}"
        self._stack.callback(os.close, device)  # the device goes with its descriptor
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
        if holder is not None:
            subprocess.run(["ip", "link", "set", name, "netns", str(holder)], check=True)
        for words in (
            ["link", "set", "lo", "up"],
            ["address", "add", f"{host.address}/24", "dev", name],
            ["link", "set", name, "up"],
        ):
            subprocess.run(host.inside(["ip", *words]), check=True)
        return device

    def _start_switch(self, devices: Mapping[int, int]) -> subprocess.Popen[str]:
        pairs = [f"{number}={device}" for number, device in devices.items()]
        process = subprocess.Popen(
            tied([sys.executable, "-m", "bench.cluster.switch", *pairs], signal.SIGKILL),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=tuple(devices.values()),
            start_new_session=True,
        )
        self._stack.callback(_end, process)
        return process


def _network_of(pid: int | str) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """End a process, which leads a group; where it takes too long, all of the group: what it watches too."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
