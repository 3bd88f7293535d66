"""A switch in user space: hands IP packets on between network namespaces, late or not at all, and counts.

`network.py` starts it as a process, with the device of each host. Lines of JSON on standard input set what it
does, and each is answered by one line: `{"delay": seconds}` for every packet from now on, `{"cut": [[1, 2]]}`
for the pairs of hosts between which none passes, `{"counts": true}` for what was counted since the last time.

A round trip is a piece of data from the side that opened a TCP connection after one from the other side: a
request that waits for its reply, however many packets both take. Opening a connection is one too.
"""

import json
import os
import select
import sys
import time
from collections import Counter, deque

PACKET_BYTES = 65_536
MOST_AT_ONCE = 64  # packets of a device, before the others have their turn
TCP, SYN, ACK = 6, 0x02, 0x10
SOURCE, TARGET = slice(12, 16), slice(16, 20)  # addresses in an IPv4 header

Pair = tuple[int, int]  # hosts by their numbers, the last byte of their addresses
Link = tuple[bytes, bytes, bytes]  # both addresses and both ports, from the side that opened it


class Traffic:
    """Counts bytes and packets by pair of hosts, and round trips by who opened the connection and to whom."""

    def __init__(self) -> None:
        self._replied: dict[Link, bool] = {}  # whether the latest data came from the side that was called
        self._clear()

    def _clear(self) -> None:
        self._bytes: Counter[Pair] = Counter()
        self._packets: Counter[Pair] = Counter()
        self._rounds: Counter[Pair] = Counter()
        self._opened: Counter[Pair] = Counter()

    def note(self, packet: bytes) -> None:
        """Count a packet that passes."""
        pair = (packet[15], packet[19])
        self._bytes[pair] += len(packet)
        self._packets[pair] += 1
        if packet[9] == TCP:
            self._note_segment(packet, pair)

    def _note_segment(self, packet: bytes, pair: Pair) -> None:
        begin = (packet[0] & 15) * 4
        source, target, ports = packet[SOURCE], packet[TARGET], packet[begin : begin + 4]
        flags = packet[begin + 13]
        if flags & SYN:
            if not flags & ACK:
                self._replied[source, target, ports] = True
                self._opened[pair] += 1
                self._rounds[pair] += 1
            return
        if len(packet) <= begin + (packet[begin + 12] >> 4) * 4:
            return  # no data
        link = (source, target, ports)
        back = (target, source, ports[2:] + ports[:2])
        if link in self._replied:
            self._rounds[pair] += self._replied[link]
            self._replied[link] = False
        elif back in self._replied:
            self._replied[back] = True

    def take(self) -> dict[str, dict[str, int]]:
        """Return what was counted since the last time, by "1-2" for what host 1 sent to host 2."""
        counted = {
            "bytes": self._bytes,
            "packets": self._packets,
            "rounds": self._rounds,
            "opened": self._opened,
        }
        taken = {
            name: {f"{pair[0]}-{pair[1]}": number for pair, number in counts.items()}
            for name, counts in counted.items()
        }
        self._clear()
        return taken


class Switch:
    """Hands packets on between devices, given by the number of their host."""

    def __init__(self, devices: dict[int, int]) -> None:
        self._devices = devices
        self._delay = 0.0
        self._cut: set[frozenset[int]] = set()
        self._late: deque[tuple[float, bytes]] = deque()  # packets by the time at which they are due
        self._traffic = Traffic()

    def run(self) -> None:
        """Work until standard input closes."""
        control = sys.stdin.fileno()
        while True:
            readable, _, _ = select.select([control, *self._devices.values()], [], [], self._patience())
            for device in readable:
                if device != control:
                    self._take(device)
            self._deliver()
            if control in readable and not self._obey(sys.stdin.readline()):
                return

    def _patience(self) -> float | None:
        return max(0.0, self._late[0][0] - time.monotonic()) if self._late else None

    def _take(self, device: int) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                packet = os.read(device, PACKET_BYTES)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4 and packet[19] in self._devices:
                self._hand_on(packet)

    def _hand_on(self, packet: bytes) -> None:
        if self._cut and frozenset((packet[15], packet[19])) in self._cut:
            return
        self._traffic.note(packet)
        if self._delay or self._late:
            self._late.append((time.monotonic() + self._delay, packet))
        else:
            self._send(packet)

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._late and self._late[0][0] <= now:
            self._send(self._late.popleft()[1])

    def _send(self, packet: bytes) -> None:
        try:
            os.write(self._devices[packet[19]], packet)
        except OSError:
            return  # its host is going away, or has no room: as on a wire, the packet is lost

    def _obey(self, line: str) -> bool:
        if not line:
            return False
        wish = json.loads(line)
        self._delay = wish.get("delay", self._delay)
        if "cut" in wish:
            self._cut = {frozenset(pair) for pair in wish["cut"]}
        print(json.dumps(self._traffic.take() if wish.get("counts") else {}), flush=True)
        return True


def main() -> None:
    os.nice(-10 if os.geteuid() == 0 else 0)  # a busy machine must not add to the delay
    pairs = (argument.split("=") for argument in sys.argv[1:])
    Switch({int(host): int(device) for host, device in pairs}).run()


if __name__ == "__main__":
    main()
