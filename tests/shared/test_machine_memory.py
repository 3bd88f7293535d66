"""The embedded server's memory: a share of the machine's, or of the container's."""

from pathlib import Path

import pytest

from atelier.local.processes import Installation
from atelier.local.redis_server import EmbeddedServer, memory_of, server_command
from shared import machine_memory
from shared.machine_memory import memory_limit
from shared.redis.client import connect
from shared.setting_groups import MEBIBYTE, StoreRules
from shared.settings import Settings


def place(root: Path, monkeypatch: pytest.MonkeyPatch, own: str, limits: dict[str, str]) -> None:
    """Let this process be in these cgroups, and let these files have these limits."""
    (root / "own").write_text(own)
    for name, text in limits.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(machine_memory, "CGROUPS", root)
    monkeypatch.setattr(machine_memory, "OWN_CGROUPS", root / "own")


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": f"{512 * MEBIBYTE}\n"}, 512),
        ("0::/a/b\n", {"a/b/memory.max": f"{256 * MEBIBYTE}\n", "memory.max": "max"}, 256),
        ("0::/\n", {"memory.max": f"{300 * MEBIBYTE}"}, 300),  # a container sees its own limit at the root
        (
            "4:memory:/job\n0::/\n",
            {
                "memory/job/memory.limit_in_bytes": f"{128 * MEBIBYTE}",
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
            },
            128,
        ),
        ("12:cpu,cpuacct:/x\n", {}, None),
        ("", {}, None),
    ],
)
def test_the_narrowest_limit_counts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
    limits: dict[str, str],
    expected: int | None,
) -> None:
    place(tmp_path, monkeypatch, own, limits)
    found = memory_limit()
    if expected is None:  # the whole machine
        assert found > 500 * MEBIBYTE
    else:
        assert found == expected * MEBIBYTE


def test_atelier_up_gives_its_server_a_quarter_unless_the_setting_says_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, "0::/\n", {"memory.max": str(400 * MEBIBYTE)})
    assert memory_of(StoreRules()) == 100 * MEBIBYTE
    assert memory_of(StoreRules(memory_mebibytes=300)) == 300 * MEBIBYTE
    monkeypatch.delenv("REDIS_URL", raising=False)
    spec = Installation(Settings(state_dir=tmp_path)).server(strict=False, say=print, give_up=print)
    command = list(spec.command)
    assert command[command.index("--maxmemory") + 1] == str(100 * MEBIBYTE)
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_server_keeps_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = server_command(tmp_path, memory_bytes=64 * MEBIBYTE)
    monkeypatch.setattr("atelier.local.redis_server.server_command", lambda *_, **__: limited)
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        assert client.info("memory")["maxmemory"] == 64 * MEBIBYTE
