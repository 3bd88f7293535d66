"""The switch between the hosts of the cluster bench: what it counts as a round trip."""

import os
import struct
import subprocess
import sys

from bench.cluster.switch import ACK, SYN, TCP, Traffic
from bench.processes import ROOT

CLIENT, SERVER = (10, 77, 0, 1), (10, 77, 0, 2)
PORTS = (40_000, 6379)


def packet(*, to_server: bool, data: bytes = b"", flags: int = ACK) -> bytes:
    """Return a TCP segment in an IPv4 packet, without options."""
    source, target = (CLIENT, SERVER) if to_server else (SERVER, CLIENT)
    ports = PORTS if to_server else PORTS[::-1]
    segment = struct.pack("!HHIIBBHHH", *ports, 0, 0, 5 << 4, flags, 0, 0, 0) + data
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, TCP, 0, bytes(source), bytes(target)
    )
    return head + segment


def test_a_request_that_waits_for_its_reply_is_a_round_trip() -> None:
    traffic = Traffic()
    traffic.note(packet(to_server=True, flags=SYN))
    traffic.note(packet(to_server=False, flags=SYN | ACK))
    traffic.note(packet(to_server=True))
    for _ in range(3):
        for _ in range(2):  # in several packets
            traffic.note(packet(to_server=True, data=b"request"))
            traffic.note(packet(to_server=False))
        for _ in range(2):
            traffic.note(packet(to_server=False, data=b"reply"))
            traffic.note(packet(to_server=True))
    counted = traffic.take()
    assert counted["rounds"] == {"1-2": 1 + 3}
    assert counted["opened"] == {"1-2": 1}
    assert counted["bytes"]["2-1"] == (1 + 6) * 40 + 6 * (40 + len(b"reply"))
    assert not any(traffic.take().values())


def test_without_the_tools_the_bench_says_what_to_install() -> None:
    tried = subprocess.run(
        [sys.executable, "-m", "bench.cluster"],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert tried.returncode == 77
    assert "bench.cluster cannot run here: install iproute2 and util-linux" in tried.stderr
    assert "Traceback" not in tried.stderr
